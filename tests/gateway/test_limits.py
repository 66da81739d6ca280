"""Rate limits of an app and API, and daily quotas (docs/protocol.md, "Rate limit" and "Daily quota")."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.routing import Router

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.endpoint import EndpointApp, Gateway
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter_client import Client, LimitError
from tests.cli.program import Shell
from tests.conftest import SECRET_KEY, Credentials, Raw, Server, running_server, wait_for
from tests.gateway.calls import Json, envelope, is_chinese, text_to, token_request, until

INSTALLATION = 50
MESSAGE = "/msgCenter/message/"
NAMES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@pytest.fixture(scope="module")
def limited(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a rate limit and another time zone."""
    folder = tmp_path_factory.mktemp("limited")
    with running_server(shared_database, folder, RATE_LIMIT=str(INSTALLATION), TIME_ZONE="Asia/Tokyo") as started:
        yield started


@pytest.fixture
def limited_raw(limited: Server, raw: Raw) -> Iterator[Raw]:
    """Raw HTTP to the limited server with a token from the other server."""
    opened = Raw(limited, raw.token)
    yield opened
    opened.http.close()


def set_limits(url: str, app: Credentials, rates: Mapping[str, int] | None = None, quota: int | None = None) -> None:
    """Change an app's limits, as an operator does."""

    async def change() -> None:
        async with Database(url, connections=2) as database:
            await AppSettings(database).set_limits(app.app_id, rates, quota)

    wait_for(change())


def shown_limit(answer: httpx.Response) -> int | None:
    """Return the limit in an answer's headers. Either all of these headers are present or none."""
    assert len({name in answer.headers for name in NAMES}) == 1, answer.headers
    if NAMES[0] not in answer.headers:
        return None
    limit, left, seconds = (int(answer.headers[name]) for name in NAMES)
    assert 0 <= left <= limit
    assert seconds == 1
    return limit


# --- Rate limits ----------------------------------------------------------------------------------------------------


def test_an_app_has_limits_of_its_own_for_each_api(limited_raw: Raw, shared_database: str, app: Credentials) -> None:
    set_limits(shared_database, app, {"getUnreadCount": 3, "getMsgList": 0, "*": 7})
    body = {"publisherId": "nobody"}
    assert shown_limit(limited_raw.post("getUnreadCount", body)) == 3
    assert shown_limit(limited_raw.post("getMsgList", {})) is None
    assert shown_limit(limited_raw.post("getMsgStatus", {"msgId": "1"})) == 7
    assert shown_limit(limited_raw.post("/msgCenter/topic/getSubscribers", {"topic": "x"})) == 7
    set_limits(shared_database, app, {"getUnreadCount": 3})
    assert shown_limit(limited_raw.post("getMsgStatus", {"msgId": "1"})) == INSTALLATION
    set_limits(shared_database, app)
    assert shown_limit(limited_raw.post("getUnreadCount", body)) == INSTALLATION


@pytest.mark.parametrize("limits", [{"getMsgList": 2}, {"*": 2}])
def test_an_apps_own_limit_is_enforced(
    limited_raw: Raw, shared_database: str, app: Credentials, limits: dict[str, int]
) -> None:
    set_limits(shared_database, app, limits)
    left = []
    for _ in range(50):
        answer = limited_raw.post("getMsgList", {})
        if envelope(answer)["retCode"] == "400001":
            break
        left.append(answer.headers["ratelimit-remaining"])
    else:
        raise AssertionError("no limit")
    assert ("0", "0") not in pairwise(left), "a call beyond the limit of a window"
    assert shown_limit(answer) == 2
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["retry-after"] == "1"
    assert is_chinese(envelope(answer)["retDesc"])


def test_an_app_without_a_limit_is_never_refused(limited_raw: Raw, shared_database: str, app: Credentials) -> None:
    set_limits(shared_database, app, {"getMsgList": 0})
    answers = [limited_raw.post("getMsgList", {}) for _ in range(2 * INSTALLATION)]
    assert {envelope(answer)["retCode"] for answer in answers} == {"000000"}
    assert {shown_limit(answer) for answer in answers} == {None}


KINDS: dict[str, tuple[Callable[[Raw, Credentials], httpx.Response], int]] = {
    "success": (lambda raw, _: raw.post("getMsgList", {}), 200),
    "a refusal": (lambda raw, _: raw.post("getMsgStatus", {}), 200),
    "no JSON": (lambda raw, _: raw.post("getMsgStatus", b"{"), 200),
    "too large a body": (lambda raw, _: raw.post("getMsgList", b" " * (2 << 20)), 413),
    "no token": (lambda raw, _: raw.http.post(MESSAGE + "getMsgList", json={}), 200),
    "a wrong token": (lambda raw, _: raw.http.post(MESSAGE + "getMsgList?accessToken=x", json={}), 200),
    "a token": (lambda raw, app: raw.http.post("/apigateway/getAccessToken", json=token_request(app)), 200),
    "no key": (lambda raw, _: raw.http.post("/apigateway/getaccesstoken", json={}), 200),
    "an OAuth token": (
        lambda raw, app: raw.http.post(
            "/oauth2/token",
            data={"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key},
        ),
        200,
    ),
    "an OAuth error": (lambda raw, _: raw.http.post("/oauth2/token", data={}), 400),
    "no OAuth client": (
        lambda raw, _: raw.http.post("/oauth2/token", data={"grant_type": "client_credentials"}),
        401,
    ),
    "another method": (lambda raw, _: raw.http.get(MESSAGE + "getMsgList"), 405),
    "another path": (lambda raw, _: raw.http.post(MESSAGE + "nothing"), 404),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_the_limit_headers(limited_raw: Raw, app: Credentials, kind: str) -> None:
    ask, status = KINDS[kind]
    answer = ask(limited_raw, app)
    assert answer.status_code == status
    assert shown_limit(answer) == INSTALLATION


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_limit_no_answer_has_the_limit_headers(raw: Raw, app: Credentials, kind: str) -> None:
    ask, status = KINDS[kind]
    answer = ask(raw, app)
    assert answer.status_code == status
    assert shown_limit(answer) is None


@pytest.mark.parametrize(
    ("closing", "problem", "status"),
    [
        (True, None, 503),
        (False, Refusal(Reason.DATABASE_UNAVAILABLE), 503),
        (False, RuntimeError("a mistake"), 200),
    ],
)
async def test_server_errors_have_the_limit_headers(problem: Exception | None, status: int, *, closing: bool) -> None:
    gateway = Gateway(None, RateLimit(9), closing=closing)  # type: ignore[arg-type]  # no action is reached

    async def respond(gateway: Gateway, exchange: Exchange) -> bytes:
        await gateway.rate_limit.hit(exchange, "sendMsg")
        assert problem is not None
        raise problem

    router = Router(default=EndpointApp(gateway, "sendMsg", respond))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://server") as http:
        answer = await http.post("/msgCenter/message/sendMsg", json={})
    assert answer.status_code == status
    assert shown_limit(answer) == 9


# --- Daily quotas ---------------------------------------------------------------------------------------------------


def until_midnight(zone: str) -> float:
    """Return the seconds until midnight."""
    now = datetime.now(ZoneInfo(zone))
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


def refused_for_quota(raw: Raw, body: Json, zone: str = "Asia/Tokyo") -> None:
    """Check that a send is refused with 400002 in both languages until midnight."""
    for language, chinese in (("zh", True), ("en", False)):
        answer = raw.post("sendMsg", body, headers={"accept-language": language})
        refusal = envelope(answer)
        assert refusal["retCode"] == "400002"
        assert is_chinese(refusal["retDesc"]) == chinese
        assert abs(int(answer.headers["retry-after"]) - until_midnight(zone)) < 60


def test_a_quota_counts_all_ways_of_sending(
    limited_raw: Raw, shared_database: str, app: Credentials, user: str
) -> None:
    set_limits(shared_database, app, None, 4)
    sends = [
        text_to(user),
        text_to(user, f"{user}-2", requestId="once"),
        text_to(user, requestId="again"),
        {"toAll": True, "msgtype": "text", "text": {"content": "to everyone"}},
    ]
    sent = [envelope(limited_raw.post("sendMsg", body)) for body in sends]
    assert {answer["retCode"] for answer in sent} == {"000000"}
    refused_for_quota(limited_raw, text_to(user))
    refused_for_quota(limited_raw, text_to(user, requestId="new"))
    repeated = envelope(limited_raw.post("sendMsg", sends[1]))
    assert repeated["msgId"] == sent[1]["msgId"], "a repeat is answered again"
    for call, body in (
        ("modMsgStatus", {"publisherId": user, "msgId": [sent[0]["msgId"]]}),
        ("getUnreadCount", {"publisherId": user}),
        ("recallMsg", {"msgId": sent[0]["msgId"]}),
    ):
        assert envelope(limited_raw.post(call, body))["retCode"] == "000000", "only sends count"
    refused_for_quota(limited_raw, text_to(user))
    family = {"sendeeId": user, "msgType": "text", "text": {"content": "x"}}
    assert envelope(limited_raw.post("/eduopen/message/sendAppMsg", family))["retCode"] == "400002"
    set_limits(shared_database, app, None, 5)
    assert envelope(limited_raw.post("sendMsg", text_to(user, requestId="new")))["retCode"] == "000000"
    set_limits(shared_database, app)
    assert envelope(limited_raw.post("sendMsg", text_to(user)))["retCode"] == "000000"


def test_other_refusals_do_not_count_against_the_quota(
    raw: Raw, shared_database: str, app: Credentials, user: str
) -> None:
    set_limits(shared_database, app, None, 1)
    for body in (
        text_to(),
        text_to(user, platformCode="nowhere"),
        text_to(user, expireTime=1),
        {"topic": "nothing", "msgtype": "text", "text": {"content": "x"}},
        b"{",
    ):
        assert envelope(raw.post("sendMsg", body))["retCode"] not in {"000000", "400002"}
    assert envelope(raw.post("sendMsg", text_to(user)))["retCode"] == "000000"
    refused_for_quota(raw, text_to(user), "Asia/Shanghai")


def test_the_sdk_raises_limit_error_for_a_quota(
    client: Client, shared_database: str, app: Credentials, user: str
) -> None:
    set_limits(shared_database, app, None, 0)
    with pytest.raises(LimitError) as raised:
        client.send_text(user, "x")
    assert raised.value.ret_code == "400002"
    assert raised.value.retry_after is not None


@pytest.mark.slow
def test_several_processes_share_a_quota_exactly(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    # A time zone in which the day, and so the quota, does not end during the test.
    noon = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    shell = Shell(database_url, tmp_path_factory.mktemp("quota"), TIME_ZONE=noon)
    limit = 75
    with shell.started("serve", "--port", "0", "--workers", "2") as running:
        url = running.url()
        app = wait_for(_app_with(database_url, limit))
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        token = httpx.post(f"{url}/oauth2/token", data=form, trust_env=False).json()["access_token"]

        def send(number: int) -> str:
            # Every second send is repeated, in the other process.
            body = text_to("user", requestId=str(number // 2)) if number % 4 < 2 else text_to("user")
            client = clients[number % len(clients)]
            answer: Json = client.post(f"/msgCenter/message/sendMsg?accessToken={token}", json=body).json()
            return str(answer.get("msgId", answer["retCode"]))

        with ExitStack() as open_clients, ThreadPoolExecutor(16) as threads:
            clients = [client for pair in zip(*_clients_of_two(url, open_clients, 8), strict=True) for client in pair]
            outcomes = set(threads.map(send, range(240)))
    assert "400002" in outcomes
    assert len(outcomes - {"400002"}) == limit


def _clients_of_two(url: str, stack: ExitStack, number: int) -> list[list[httpx.Client]]:
    """Return this many clients of each of two server processes. Each has one connection, so it stays with its process.

    The kernel chooses the process of a new connection, so many are opened until both have enough.
    """
    clients: dict[str, list[httpx.Client]] = {}

    def have_enough() -> bool:
        limits = httpx.Limits(max_connections=1)
        client = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60, limits=limits))
        process = client.get("/readyz").headers["x-request-id"][:12]
        clients.setdefault(process, []).append(client)
        return len(clients) == 2 and all(len(group) >= number for group in clients.values())

    until(have_enough)
    return [group[:number] for group in clients.values()]


async def _app_with(url: str, quota: int) -> Credentials:
    async with Database(url, connections=2) as database:
        apps = Apps(database, KeyRing(SECRET_KEY))
        app, key = await apps.create("Test app", "420100")
        await AppSettings(database).set_limits(app.app_id, None, quota)
    return Credentials(app.app_id, key, app.platform_code, app.number)
