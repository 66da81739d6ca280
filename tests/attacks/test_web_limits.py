"""Limits outside the app API, on a real server: which clients are limited, and by which key."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from msgcenter.database.database import Database
from msgcenter.inbox.files import STATIC as INBOX_FILES
from msgcenter.settings import Settings
from tests.attacks.web_requests import Answer, Wire
from tests.conftest import Credentials, Raw, Server, SharedConnections, running_server
from tests.gateway.calls import until
from tests.inbox.conftest import Stream, opened_stream, user_token
from tests.portal.conftest import Company

ADDRESS, USER, STREAMS = 2, 3, 4
"""The limits of the server: pages and calls per second, and streams."""
WINDOW = 10
_WINDOWS = 20
"""Windows that are tried."""
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def strict(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small limits that trusts the client addresses of its proxy."""
    limits = {"ADDRESS_RATE_LIMIT": str(ADDRESS), "USER_RATE_LIMIT": str(USER), "STREAM_LIMIT": str(STREAMS)}
    folder = tmp_path_factory.mktemp("strict")
    with running_server(
        shared_database, folder, **limits, RATE_LIMIT="5", METRICS_TOKEN="the token for metrics of this test"
    ) as started:
        yield started


@pytest.fixture
def wire(strict: Server) -> Iterator[Wire]:
    """A connection to the strict server."""
    with Wire(strict.url) as opened:
        yield opened


@pytest.fixture
def company(strict: Server, shared_connections: SharedConnections) -> Iterator[Company]:
    """People with sessions on the strict server."""
    opened = Company(strict, shared_connections)
    yield opened
    opened.leave()


def at_the_beginning_of_a_window() -> None:
    """Wait for the start of a window, so that all requests of a test fall into the same one."""
    while time.time() % WINDOW > WINDOW / 2:
        time.sleep(0.1)


def from_address(address: str, **more: str) -> dict[str, str]:
    return {"x-forwarded-for": address, **more}


def refused_after(ask: Callable[[], Answer], limit: int) -> Answer:
    """Return the first answer 429, which must come exactly at the limit.

    A busy machine may need longer than a window for so many requests: then they begin anew in the next one.
    """
    for _ in range(_WINDOWS):
        at_the_beginning_of_a_window()
        window = time.time() // WINDOW
        answers = [ask() for _ in range(limit + 1)]
        if time.time() // WINDOW == window:
            assert [number for number, answer in enumerate(answers) if answer.status == 429] == [limit]
            assert 1 <= int(answers[-1].headers["retry-after"]) <= WINDOW
            return answers[-1]
    raise AssertionError(f"{limit} requests took longer than a window, {_WINDOWS} times")


# --- Addresses --------------------------------------------------------------------------------------------------------

STRANGERS = [
    ("GET", "/inbox"),
    ("GET", "/inbox/v1/counts"),
    ("GET", "/inbox/v1/messages?q=%00"),
    ("PUT", "/inbox/v1/counts"),
    ("GET", "/inbox/v1/nothing"),
    ("GET", "/inbox/v1/openapi.json"),
    ("GET", "/portal/docs/sendMsg"),
    ("GET", "/portal/docs/sendMsg?%00"),
    ("GET", "/portal/apps"),
    ("POST", "/portal/login"),
    ("GET", "/portal/nothing"),
    ("GET", "/portal/static/nothing.js"),
    ("PUT", "/portal/login"),
    ("GET", "/"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(("method", "target"), STRANGERS)
def test_a_stranger_is_limited_by_address(wire: Wire, method: str, target: str) -> None:
    number = STRANGERS.index((method, target))
    body = b"" if method in {"POST", "PUT"} else None
    headers = from_address(f"198.51.100.{number}", authorization="Bearer a guess")
    answer = refused_after(lambda: wire.ask(method, target, headers, body), ADDRESS * WINDOW)
    kind = answer.headers.get("content-type", "")
    if target.startswith("/inbox"):
        assert (kind, json.loads(answer.body)["code"]) == ("application/problem+json", "rate_exceeded")
    elif target == "/openapi.json":
        assert json.loads(answer.body)["retCode"] == "400001"
    elif target != "/metrics":
        assert kind.startswith("text/html")
        assert b"<h1" in answer.body
    other = wire.ask(method, target, {**headers, "x-forwarded-for": "198.51.100.200"}, body)
    assert other.status != 429
    assert wire.ask("GET", "/healthz", headers).status == 200, "probes are not counted"
    assert wire.ask("GET", "/readyz", headers).status == 200


def test_a_limited_browser_gets_a_page(wire: Wire) -> None:
    headers = from_address("198.51.100.100", **HTML)
    answer = refused_after(lambda: wire.ask("GET", "/inbox", headers), ADDRESS * WINDOW)
    assert answer.headers["content-type"].startswith("text/html")
    assert "秒后重试" in answer.text()


def test_files_have_a_limit_of_their_own(wire: Wire) -> None:
    headers = from_address("198.51.100.101")
    at_the_beginning_of_a_window()
    for _ in range(ADDRESS * WINDOW * 10):
        assert wire.ask("GET", "/inbox/dom.js", headers).status == 200
    assert wire.ask("GET", "/inbox", headers).status == 200
    for folder in ("/inbox/dom.js", "/portal/static/portal.css"):
        answers = {wire.ask("GET", folder, headers).status for _ in range(ADDRESS * WINDOW * 21)}
        assert 429 in answers


def test_an_ipv6_subscriber_is_limited_by_64_bits(wire: Wire, strict: Server) -> None:
    numbers = iter(range(10_000))

    def ask() -> Answer:
        return wire.ask("GET", "/portal/docs", from_address(f"2001:db8:0:7::{next(numbers):x}"))

    refused_after(ask, ADDRESS * WINDOW)
    assert wire.ask("GET", "/portal/docs", from_address("2001:db8:0:8::1")).status == 200
    refused = 0
    for number in range(20):  # the app API counts per second
        headers = from_address(f"2001:db8:0:9::{number:x}")
        answer = wire.ask("POST", "/msgCenter/message/getMsgList?accessToken=guess", headers, b"{}")
        refused += json.loads(answer.body)["retCode"] == "400001"
    assert refused > 0


# --- Users ------------------------------------------------------------------------------------------------------------


def test_a_user_is_limited_as_a_user_and_never_by_address(wire: Wire, raw: Raw, user: str) -> None:
    school = from_address("198.51.100.110")
    refused_after(lambda: wire.ask("GET", "/inbox", school), ADDRESS * WINDOW)
    first, second = ({**school, "authorization": f"Bearer {user_token(raw, f'{user}-{n}')}"} for n in (1, 2))
    answer = refused_after(lambda: wire.ask("GET", "/inbox/v1/counts", first), USER * WINDOW)
    assert json.loads(answer.body)["code"] == "rate_exceeded"
    assert wire.ask("GET", "/inbox/v1/stream", first).status == 429
    assert wire.ask("GET", "/inbox/v1/counts", {**first, "x-forwarded-for": "198.51.100.111"}).status == 429
    assert wire.ask("GET", "/inbox/v1/counts", second).status == 200


def test_a_logged_in_person_is_limited_as_a_person(wire: Wire, company: Company) -> None:
    at_the_beginning_of_a_window()
    person, _ = company.enter()
    other, _ = company.enter()
    for visitor in (person, other):
        visitor.http.headers["x-forwarded-for"] = "198.51.100.120"
    refused_after(lambda: wire.ask("GET", "/inbox", from_address("198.51.100.120")), ADDRESS * WINDOW)
    assert other.get("/docs").status_code == 200
    answers = [person.get("/docs") for _ in range(USER * WINDOW + 1)]
    assert answers[-1].status_code == 429
    assert "Too many requests" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) >= 1
    script = person.request("POST", "/apps/x/token", headers={"x-csrf-token": "x"})
    assert (script.status_code, "too many requests" in script.json()["error"]) == (429, True)
    assert other.get("/docs").status_code == 200


def test_a_school_opens_its_inboxes_at_eight(
    shared_database: str, raw: Raw, user: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limits = {
        "ADDRESS_RATE_LIMIT": str(Settings.address_rate_limit),
        "USER_RATE_LIMIT": str(Settings.user_rate_limit),
        "STREAM_LIMIT": str(Settings.stream_limit),
    }
    files = [path.name for path in INBOX_FILES.iterdir() if path.suffix != ".html"]
    tokens = [user_token(raw, f"{user}-{number}") for number in range(20)]
    with (
        running_server(shared_database, tmp_path_factory.mktemp("school"), **limits) as school,
        Wire(school.url) as wire,
    ):
        at_the_beginning_of_a_window()
        for number in range(120):  # in a few seconds, all from one address
            assert wire.ask("GET", "/inbox").status == 200
            for name in files:
                assert wire.ask("GET", f"/inbox/{name}").status == 200
            token = {"authorization": f"Bearer {tokens[number % len(tokens)]}"}
            for target in ("/inbox/v1/counts", "/inbox/v1/messages"):
                assert wire.ask("GET", target, token).status == 200


# --- Streams ----------------------------------------------------------------------------------------------------------


def test_one_stream_too_many_ends_the_oldest(strict: Server, raw: Raw, user: str) -> None:
    token = user_token(raw, user)
    with (
        opened_stream(strict, token) as first,
        opened_stream(strict, token) as second,
        opened_stream(strict, token) as third,
        opened_stream(strict, token) as fourth,
    ):
        open_ones = [second, third, fourth]
        assert not first.closed.is_set()
        with opened_stream(strict, token) as fifth:
            assert first.next("replaced") == ("replaced", {})
            assert first.closed.wait(60)
            open_ones.append(fifth)
            raw.post("sendMsg", {"receiverIds": [user], "msgtype": "text", "text": {"content": "x"}})
            for stream in open_ones:
                assert stream.next("message")[1]["body"] == {"content": "x"}
        with opened_stream(strict, user_token(raw, f"{user}-other")):
            assert not any(stream.closed.is_set() for stream in (second, third, fourth)), "each user has a number"


def test_a_user_has_no_more_streams_than_allowed_however_many_are_opened(
    strict: Server, wire: Wire, raw: Raw, user: str
) -> None:
    token = user_token(raw, user)
    opened: list[Stream] = []
    done = threading.Event()
    threads = []

    def hold() -> None:
        with opened_stream(strict, token) as stream:
            opened.append(stream)
            done.wait(60)

    for number in range(3 * STREAMS):
        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        threads.append(thread)
        until(lambda number=number: len(opened) > number)  # type: ignore[misc]
    until(lambda: sum(not stream.closed.is_set() for stream in opened) == STREAMS)
    assert not any(stream.closed.is_set() for stream in opened[-STREAMS:])
    metrics = wire.ask("GET", "/metrics", {"authorization": "Bearer the token for metrics of this test"}).text()
    assert any(line.startswith("msgcenter_streams_open") for line in metrics.splitlines())
    done.set()
    for thread in threads:
        thread.join(30)


# --- Probes, headers, tokens ------------------------------------------------------------------------------------------


def test_every_answer_has_the_security_headers(wire: Wire, raw: Raw, app: Credentials, user: str) -> None:
    token = {"authorization": f"Bearer {user_token(raw, user)}"}
    answers = [
        wire.ask("GET", target, {**headers, "x-forwarded-proto": proto, "x-forwarded-for": "198.51.100.130"})
        for proto in ("https", "http")
        for target, headers in (
            ("/healthz", {}),
            ("/readyz", {}),
            ("/openapi.json", {}),
            ("/nothing", {}),
            ("/msgCenter/message/sendMsg", {}),
            ("/inbox", {}),
            ("/inbox/dom.js", {}),
            ("/inbox/v1/counts", token),
            ("/inbox/v1/counts", {}),
            ("/inbox/v1/stream", token),
            ("/portal", {}),
            ("/portal/nothing", {}),
            ("/portal/static/portal.css", {}),
            ("/metrics", {}),
        )
    ]
    half = len(answers) // 2
    for number, answer in enumerate(answers):
        assert answer.headers["x-content-type-options"] == "nosniff", answer
        assert answer.headers.get("strict-transport-security") == ("max-age=31536000" if number < half else None)


async def test_readiness_is_checked_once_a_second(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with Database(database_url, connections=2) as database:
        with running_server(database_url, tmp_path_factory.mktemp("probed")) as probed, Wire(probed.url) as wire:
            before, began = await transactions(database), time.monotonic()
            for _ in range(1_000):
                assert wire.ask("GET", "/readyz").status == 200
            seconds = time.monotonic() - began
            await asyncio.sleep(1.5)  # a session reports its transactions at most once a second
            assert await transactions(database) - before < 300 + 30 * seconds


async def transactions(database: Database) -> int:
    """Return the number of transactions of the database."""
    async with database.connection() as connection:
        await connection.execute("select pg_stat_clear_snapshot()")
        return int(
            await connection.fetchval(
                "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
            )
        )


def test_no_cache_keeps_a_token_or_a_secret(raw: Raw, app: Credentials, user: str) -> None:
    hook = raw.post("/msgCenter/webhook/createWebhook", {"url": "https://127.0.0.1/x", "events": ["message.read"]})
    answers = [
        hook,
        raw.post("/msgCenter/webhook/rotateWebhookSecret", {"webhookId": hook.json()["webhookId"]}),
        raw.post("/msgCenter/user/getUserToken", {"publisherId": user}),
        raw.post("/apigateway/getAccessToken", {"appId": app.app_id, "timeStamp": 1, "keyInfo": "0" * 40}),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
