"""SMS through the operator's own gateway: the signed post, and the meaning of its answers."""

from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import label_of, open_gateway, parse_config
from msgcenter.channels.sms_http import SmsHttpConfig
from msgcenter.domain.refusal import Refusal
from msgcenter.outbound.network import Network
from tests.channels.fake_server import FakeServer, reply
from tests.channels.notes import parcel, send


def config(server: FakeServer, **fields: str) -> SmsHttpConfig:
    made = parse_config("sms", "http", {"url": f"{server.url}/sms?key=k1", **fields})
    assert isinstance(made, SmsHttpConfig)
    return made


async def test_a_message_is_posted_with_a_signature(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply({"id": "g-1"}, 202)
    made = config(server)
    (outcome,) = await send(open_gateway(made, network), parcel("13800138000"))
    assert outcome == ("accepted", "", "g-1", 0, False)

    (call,) = server.calls
    assert (call.method, call.target) == ("POST", "/sms?key=k1")
    content = Webhook(made.secret).verify(call.body, dict(call.headers))
    assert content == {
        "id": call.headers["webhook-id"],
        "mobile": "+8613800138000",
        "text": "放假通知 国庆节放假七天。 请注意安全。 时间:10月1日–7日 地点:全校 "
        "https://msg.example/inbox#link=abc&x=1",
        "title": "放假通知",
        "link": "https://msg.example/inbox#link=abc&x=1",
        "app": "教务",
        "sender": "第一中学",
        "language": "zh",
    }


async def test_a_repeated_attempt_has_the_same_id(server: FakeServer, network: Network) -> None:
    number = "13800138000"
    await send(open_gateway(config(server), network), parcel(number, "a"), parcel(number, "a"), parcel(number, "b"))
    first, again, other = (call.json["id"] for call in server.calls)
    assert first == again != other


@pytest.mark.parametrize("link", ["https://msg.example/m", ""])
async def test_the_text_is_cut_and_the_link_is_not(server: FakeServer, network: Network, link: str) -> None:
    sent = parcel("13800138000", text="文" * 900, link=link)
    await send(open_gateway(config(server, text_limit="70"), network), sent)
    text = server.calls[0].json["text"]
    assert len(text) == 70
    assert text.endswith(f"… {link}" if link else "…")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ("accepted", 0, False)),
        (204, ("accepted", 0, False)),
        (302, ("later", 600_000, False)),
        (400, ("never", 0, False)),
        (401, ("later", 600_000, False)),
        (404, ("later", 600_000, False)),
        (410, ("never", 0, True)),
        (429, ("later", 30_000, False)),
        (503, ("later", 30_000, False)),
    ],
)
async def test_answers_are_classified(
    server: FakeServer, network: Network, status: int, expected: tuple[str, int, bool]
) -> None:
    server.answer = lambda _: (status, {}, b"")
    (outcome,) = await send(open_gateway(config(server), network), parcel("13800138000"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


def test_a_new_secret_is_made_and_kept(server: FakeServer) -> None:
    made = config(server)
    assert parse_config("sms", "http", fields_of(made)) == made
    assert label_of(made) == f"{server.url}/sms?…"
    assert made.secret not in repr(made)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "x"}, "url"),
        ({"url": "https://user@x/"}, "url"),
        ({"secret": "abc"}, "secret"),
        ({"secret": "whsec_!"}, "secret"),
        ({"text_limit": "0"}, "text_limit"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("sms", "http", {"url": "https://sms.school.example/", **fields})
    assert refused.value.data["field"] == field
