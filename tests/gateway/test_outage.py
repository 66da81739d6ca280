"""A server whose database stops and is restarted (docs/protocol.md, "Conventions of every gateway call")."""

from contextlib import ExitStack

import httpx
import pytest

from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter_client import Client, MsgCenterError, ServerError
from tests.conftest import Credentials, Raw, new_app, running_server, wait_for
from tests.gateway.calls import envelope, is_chinese, text_to, token_request, until, when_sent

QUICK = {"fsync": "off", "shared_buffers": "32MB"}
TOKEN = "/apigateway/getAccessToken"


def token_of(http: httpx.Client, app: Credentials) -> str:
    token: str = envelope(http.post(TOKEN, json=token_request(app)))["tokenInfo"]["accessToken"]
    return token


def works(client: Client, user: str) -> bool:
    try:
        client.unread_count(user)
    except MsgCenterError:
        return False
    return True


@pytest.mark.slow
def test_without_its_database_a_server_answers_503_and_recovers_by_itself(
    tmp_path_factory: pytest.TempPathFactory, user: str
) -> None:
    folder = tmp_path_factory.mktemp("pg")
    with ExitStack() as database:
        url = database.enter_context(embedded_postgres(folder, settings=QUICK))
        with running_server(url, tmp_path_factory.mktemp("outage"), RATE_LIMIT="20") as server:
            app = wait_for(new_app(url))
            with (
                httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
                Client(server.url, app.app_id, app.app_key, retries=0, timeout=30) as client,
            ):
                raw = Raw(server, token_of(http, app))
                kept = client.send_text(user, "before")

                database.close()
                for call, body in (
                    ("modMsgStatus", {"publisherId": user, "msgId": [kept]}),
                    ("sendMsg", text_to(user)),
                    ("getUnreadCount", {"publisherId": user}),
                    (TOKEN, token_request(app)),
                ):
                    for language in ("zh", "en"):
                        answer = raw.post(call, body, headers={"accept-language": language})
                        refusal = envelope(answer, 503)
                        assert refusal["retCode"] == "500002"
                        assert is_chinese(refusal["retDesc"]) == (language == "zh")
                        assert int(answer.headers["retry-after"]) >= 1
                request = token_request(app)
                lower = {"appid": request["appId"], "timestamp": request["timeStamp"], "keyinfo": request["keyInfo"]}
                for path in (TOKEN, TOKEN.lower()):
                    refusal = envelope(http.post(path, json=lower), 503)
                    assert (refusal["result"], refusal["desc"]) == ("500002", refusal["retDesc"])
                secret = {"client_id": app.app_id, "client_secret": app.app_key}
                oauth = http.post("/oauth2/token", data={"grant_type": "client_credentials", **secret})
                assert (oauth.status_code, oauth.json()["error"]) == (503, "temporarily_unavailable")
                assert int(oauth.headers["retry-after"]) >= 1
                for _ in range(40):  # the caller is unknown now, so these calls count for no app
                    refusal = envelope(raw.post("getUnreadCount", {"publisherId": user}), 503)
                    assert refusal["retCode"] == "500002"
                with pytest.raises(ServerError) as raised:
                    client.unread_count(user)
                assert raised.value.ret_code == "500002"
                assert raised.value.retry_after is not None
                assert http.get("/healthz").status_code == 200
                until(lambda: http.get("/readyz").status_code == 503)  # the result may be one second old
                assert envelope(http.get("/nope"), 404)["retCode"] == "100003"

                assert database.enter_context(embedded_postgres(folder, settings=QUICK)) == url
                until(lambda: works(client, user))
                assert server.process.poll() is None
                assert client.unread_count(user) == 1, "nothing was lost, and nothing refused was sent"
                client.set_status(user, kept)
                assert client.unread_count(user) == 0
                large = client.send_text([f"{user}-{number:04}" for number in range(1_001)], "after")
                when_sent(client, large)
                until(lambda: http.get("/readyz").status_code == 200)
                raw.http.close()
