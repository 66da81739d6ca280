"""Web push: what a push service and a browser get, and what its answers mean."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from msgcenter.channels.base64url import from_base64url
from msgcenter.channels.config import fields_of
from msgcenter.channels.push import PushConfig
from msgcenter.channels.registry import label_of, open_gateway, parse_config
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.outbound.network import Network
from tests.channels.browser import Browser
from tests.channels.fake_server import FakeServer
from tests.channels.notes import NOTE, parcel, send


def config(**fields: str) -> PushConfig:
    made = parse_config("push", "webpush", {"contact": "mailto:ops@school.example", **fields})
    assert isinstance(made, PushConfig)
    return made


@pytest.fixture
def browser() -> Browser:
    return Browser()


async def test_a_browser_reads_the_note(server: FakeServer, network: Network, browser: Browser) -> None:
    server.answer = lambda _: (201, {"Location": f"{server.url}/message/1"}, b"")
    (outcome,) = await send(open_gateway(config(), network), parcel(browser.subscription(f"{server.url}/push/abc")))
    assert outcome == ("accepted", "", f"{server.url}/message/1", 0, False)

    (call,) = server.calls
    assert (call.method, call.target) == ("POST", "/push/abc")
    assert browser.read(call.body) == {
        "title": "放假通知",
        "body": "国庆节放假七天。\n请注意安全。\n时间:10月1日–7日\n地点:全校",
        "lang": "zh-CN",
        "msgId": "1234567890123",
        "url": "https://msg.example/inbox#link=abc&x=1",
        "badge": 3,
    }
    headers = {name: call.headers[name] for name in ("content-encoding", "ttl", "urgency", "content-length")}
    assert headers == {
        "content-encoding": "aes128gcm",
        "ttl": "86400",
        "urgency": "normal",
        "content-length": str(len(call.body)),
    }


async def test_the_push_service_can_verify_the_sender(server: FakeServer, network: Network, browser: Browser) -> None:
    made = config()
    await send(open_gateway(made, network), parcel(browser.subscription(f"{server.url}/push/abc")))

    scheme, _, parameters = server.calls[0].headers["authorization"].partition(" ")
    token, key = (part.strip().partition("=")[2] for part in parameters.split(","))
    assert (scheme, key) == ("vapid", made.public_key)
    public_key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), from_base64url(key))
    claims = jwt.decode(token, public_key, algorithms=["ES256"], audience=server.url)
    assert claims["sub"] == "mailto:ops@school.example"


async def test_one_signature_serves_many_messages(server: FakeServer, network: Network, browser: Browser) -> None:
    parcels = [parcel(browser.subscription(f"{server.url}/push/{number}")) for number in range(3)]
    await send(open_gateway(config(), network), *parcels)
    assert len({call.headers["authorization"] for call in server.calls}) == 1


async def test_a_topic_replaces_an_older_message_only(server: FakeServer, network: Network, browser: Browser) -> None:
    address = browser.subscription(f"{server.url}/push/abc")
    notes: list[dict[str, Any]] = [{}, {"title": "改"}, {"message_id": 2}, {"digest": (NOTE, NOTE)}]
    await send(open_gateway(config(), network), *(parcel(address, **changes) for changes in notes))
    topics = [call.headers["topic"] for call in server.calls]
    assert topics[0] == topics[1]
    assert len(set(topics)) == 3
    assert all(len(topic) == 32 for topic in topics)


@pytest.mark.parametrize(
    ("changes", "urgency"), [({"is_urgent": True}, "high"), ({"digest": (NOTE,)}, "low"), ({}, "normal")]
)
async def test_the_urgency_follows_the_note(
    server: FakeServer, network: Network, browser: Browser, changes: dict[str, Any], urgency: str
) -> None:
    await send(open_gateway(config(ttl="60"), network), parcel(browser.subscription(server.url), **changes))
    assert (server.calls[0].headers["urgency"], server.calls[0].headers["ttl"]) == (urgency, "60")


async def test_a_long_note_fits_into_a_push_message(server: FakeServer, network: Network, browser: Browser) -> None:
    address = browser.subscription(f"{server.url}/push/abc")
    long: dict[str, Any] = {"title": "题" * 255, "text": "😀" * 4_096, "link": "https://msg.example/" + "x" * 3_000}
    await send(open_gateway(config(), network), parcel(address, **long))
    content = browser.read(server.calls[0].body)
    assert len(server.calls[0].body) <= 4_096
    assert content["title"].endswith("…")
    assert content["body"].endswith("…")
    assert "url" not in content


@pytest.mark.parametrize(
    ("status", "verdict", "is_bad"),
    [
        (201, "accepted", False),
        (400, "never", False),
        (403, "never", False),
        (404, "never", True),
        (410, "never", True),
        (413, "never", False),
        (429, "later", False),
        (500, "later", False),
        (503, "later", False),
    ],
)
async def test_answers_are_classified(
    server: FakeServer, network: Network, browser: Browser, status: int, verdict: str, *, is_bad: bool
) -> None:
    server.answer = lambda _: (status, {}, b"because")
    (outcome,) = await send(open_gateway(config(), network), parcel(browser.subscription(server.url)))
    assert (outcome.verdict, outcome.is_bad_address, outcome.pause_ms) == (verdict, is_bad, 0)
    assert outcome.reason == ("" if verdict == "accepted" else f"HTTP {status} because")


async def test_a_push_service_that_is_down_does_not_pause_the_others(network: Network, browser: Browser) -> None:
    (outcome,) = await send(open_gateway(config(), network), parcel(browser.subscription("http://127.0.0.1:9/x")))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == ("later", 0, False)


async def test_an_endpoint_on_this_machine_is_not_called(
    server: FakeServer, public_network: Network, browser: Browser
) -> None:
    (outcome,) = await send(open_gateway(config(), public_network), parcel(browser.subscription(server.url)))
    assert outcome == ("never", "the host's address is not public", "", 0, True)
    assert server.calls == []


@pytest.mark.parametrize(
    "address",
    ["", "x", "{}", '{"endpoint": "https://x", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}', '{"endpoint": 1}'],
)
async def test_an_address_that_is_no_subscription_is_bad(network: Network, address: str) -> None:
    (outcome,) = await send(open_gateway(config(), network), parcel(address))
    assert (outcome.verdict, outcome.is_bad_address) == ("never", True)


def test_a_new_key_is_made_and_kept() -> None:
    made, other = config(), config()
    assert made.private_key != other.private_key
    assert parse_config("push", "webpush", fields_of(made)) == made
    assert len(from_base64url(made.public_key)) == 65
    assert made.private_key not in label_of(made) + repr(made)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"contact": "ops@school.example"}, "contact"),
        ({"contact": "mailto:ops"}, "contact"),
        ({"private_key": "AAAA"}, "private_key"),
        ({"private_key": "!"}, "private_key"),
        ({"ttl": "-1"}, "ttl"),
        ({"ttl": "1e3"}, "ttl"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, str], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        config(**fields)
    assert (refused.value.reason, refused.value.data["field"]) == (Reason.FIELD_MALFORMED, field)
