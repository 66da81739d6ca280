"""`sendMsg`: its answer, platforms, and the SDK (docs/protocol.md, "sendMsg")."""

import httpx
import pytest

from msgcenter.database.database import Database
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter_client import Client, InvalidRequestError
from tests.conftest import Credentials, Raw, Server, execute, new_app, wait_for
from tests.gateway.calls import accepted, link_to, oa_to, refused, text_to, token_request

# --- The answer -----------------------------------------------------------------------------------------------------


def test_the_answer_is_the_id_as_decimal_text(wire: Raw, user: str) -> None:
    answer = accepted(wire, "sendMsg", text_to(user))
    assert list(answer) == ["retCode", "retDesc", "msgId"]
    assert isinstance(answer["msgId"], str)
    assert answer["msgId"].isdigit()
    assert len(answer["msgId"]) <= 19


def test_a_message_is_in_the_inbox_when_the_answer_arrives(sdk: Client, user: str) -> None:
    message_id = sdk.send_text(user, "x")
    assert sdk.unread_count(user) == 1
    assert sdk.message_status(message_id).state == "sent"


# --- Platforms ------------------------------------------------------------------------------------------------------


async def _authorise(database_url: str, app: Credentials, platform_code: str) -> None:
    """Create a platform unless it exists, and let an app send on it."""
    async with Database(database_url, connections=2) as database:
        await database.in_transaction(ensure_platform, platform_code, platform_code, 0)
    await execute(database_url, f"update app set platforms = array['{platform_code}'] where number = {app.number}")


def test_another_platform_needs_an_authorisation(
    raw: Raw, client: Client, app: Credentials, shared_database: str, user: str
) -> None:
    refused(raw, "sendMsg", text_to(user, platformCode="330100"), "200007", "330100")
    wait_for(_authorise(shared_database, app, "330100"))
    message_id = client.send_text(user, "x", platform_code="330100")
    assert (client.unread_count(user), client.unread_count(user, platform_code="330100")) == (0, 1)
    refused(raw, "modMsgStatus", {"publisherId": user, "msgId": [message_id]}, "300001")
    client.set_status(user, message_id, platform_code="330100")
    assert client.unread_count(user, platform_code="330100") == 0
    assert client.message_status(message_id).read == 1
    refused(raw, "sendMsg", text_to(user, platformCode="110000"), "200007", "110000")


def test_a_platform_may_allow_app_schemes_in_app_url_alone(shared_database: str, server: Server, user: str) -> None:
    app = wait_for(new_app(shared_database, f"p-{user}"))
    wait_for(execute(shared_database, f"update platform set app_schemes = '{{myapp}}' where code = 'p-{user}'"))
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        answer = http.post("/apigateway/getAccessToken", json=token_request(app))
    raw = Raw(server, answer.json()["tokenInfo"]["accessToken"])
    for url in ("myapp://open/3?x=y", "MyApp://open", "myapp:open"):
        accepted(raw, "sendMsg", link_to(user, appUrl=url))
        accepted(raw, "sendMsg", oa_to(user, appUrl=url))
        refused(raw, "sendMsg", link_to(user, pcUrl=url), "100003", "link.pcUrl")
        refused(raw, "sendMsg", oa_to(user) | {"pcUrl": url}, "100003", "pcUrl")
    refused(raw, "sendMsg", link_to(user, appUrl="other://open"), "100003", "link.appUrl", "http")
    raw.http.close()


# --- Through the SDK ------------------------------------------------------------------------------------------------


def test_the_sdk_sends_all_three_bodies(client: Client, user: str) -> None:
    pc_url, app_url = "https://a.example", "https://a.example/m"
    ids = [
        client.send_text(user, "x"),
        client.send_link(user, title="t", content="c", business_id="b", pc_url=pc_url, app_url=app_url),
        client.send_oa(user, "h", business_id="b", pc_url=pc_url, app_url=app_url, file_count=3, form=[("k", "v")]),
    ]
    assert [(message.id, message.kind) for message in client.messages()] == list(
        zip(reversed(ids), ("oa", "link", "text"), strict=True)
    )
    assert client.unread_count(user) == 3


def test_the_sdk_error_names_the_wrong_field(sdk: Client, user: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        sdk.send_text(user, "")
    assert raised.value.ret_code == "100003"
    assert "text.content" in raised.value.text
