"""Feishu: the documented requests, and the meaning of its codes."""

import json
from typing import Any

import pytest

from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.outbound.network import Network
from tests.channels.fake_server import Call, FakeServer, Reply, exact, reply
from tests.channels.notes import parcel, send

FIELDS = {"app_id": "cli_1", "app_secret": "s"}
ACCEPTED = {"code": 0, "msg": "success", "data": {"message_id": "om_1"}}
TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
SEND = "/open-apis/im/v1/messages"


def config(server: FakeServer, **fields: str) -> Any:
    return parse_config("feishu", "", {**FIELDS, "base_url": server.url, **fields})


def answers(message: object, status: int = 200, **headers: str) -> Any:
    def answer(call: Call) -> Reply:
        if call.path == TOKEN:
            return reply({"code": 0, "msg": "ok", "tenant_access_token": "t-1", "expire": 7200})
        return reply(message, status, **headers)

    return answer


def plain(content: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": content}


async def test_a_card_is_sent_as_documented(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel("u1"))
    assert outcome == ("accepted", "", "om_1", 0, False)

    token, message = server.calls
    assert (token.method, token.target) == ("POST", TOKEN)
    assert token.body == exact({"app_id": "cli_1", "app_secret": "s"})
    assert (message.method, message.target) == ("POST", f"{SEND}?receive_id_type=user_id")
    assert message.headers["authorization"] == "Bearer t-1"
    assert message.headers["content-type"] == "application/json; charset=utf-8"
    card = {
        "config": {"wide_screen_mode": True},
        "header": {"template": "blue", "title": plain("放假通知")},
        "elements": [
            {"tag": "div", "text": plain("国庆节放假七天。\n请注意安全。")},
            {
                "tag": "div",
                "fields": [
                    {"is_short": False, "text": plain("时间: 10月1日–7日")},
                    {"is_short": False, "text": plain("地点: 全校")},
                ],
            },
            {
                "tag": "action",
                "actions": [
                    {
                        "tag": "button",
                        "type": "primary",
                        "text": plain("查看"),
                        "url": "https://msg.example/inbox#link=abc&x=1",
                    }
                ],
            },
            {"tag": "note", "elements": [plain("第一中学 · 教务")]},
        ],
    }
    assert message.body == exact(
        {
            "receive_id": "u1",
            "msg_type": "interactive",
            "content": exact(card).decode(),
            "uuid": message.json["uuid"],
        }
    )


async def test_a_repeated_attempt_has_the_same_uuid(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("u1", "a"), parcel("u1", "a"), parcel("u1", "b"))
    first, again, other = (call.json["uuid"] for call in server.calls[1:])
    assert first == again != other
    assert len(first) <= 50


async def test_the_kind_of_account_is_named(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server, id_type="open_id"), network), parcel("ou_1", is_urgent=True))
    assert server.calls[1].query == {"receive_id_type": "open_id"}
    assert json.loads(server.calls[1].json["content"])["header"]["template"] == "red"


async def test_a_card_stays_below_thirty_kilobytes(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    rows = tuple(("标" * 64, "值" * 255) for _ in range(30))
    await send(open_gateway(config(server), network), parcel("u1", title="题" * 255, text="文" * 4_096, fields=rows))
    assert len(server.calls[1].body) < 30_000


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"code": 230013, "msg": "no availability"}, ("never", 0, True)),
        ({"code": 230001, "msg": "invalid parameter, ext=invalid receive_id."}, ("never", 0, True)),
        ({"code": 230001, "msg": "invalid parameter, ext=invalid content."}, ("never", 0, False)),
        ({"code": 99992351, "msg": "not exist open_id"}, ("never", 0, True)),
        ({"code": 230020, "msg": "frequency limit"}, ("later", 0, False)),
        ({"code": 99991400, "msg": "frequency limit"}, ("later", 52_000, False)),
        ({"code": 230006, "msg": "no bot"}, ("later", 600_000, False)),
        ({"code": 99991672, "msg": "scope"}, ("later", 600_000, False)),
        ({"code": 230022, "msg": "sensitive"}, ("never", 0, False)),
        ({"code": 0, "data": []}, ("accepted", 0, False)),
        (None, ("never", 0, False)),
    ],
)
async def test_codes_are_classified(
    server: FakeServer, network: Network, message: object, expected: tuple[str, int, bool]
) -> None:
    server.answer = answers(message, 400, x_ogw_ratelimit_reset="52")
    (outcome,) = await send(open_gateway(config(server), network), parcel("u1"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [(429, {"Retry_After": "120"}, 120_000), (429, {}, 30_000), (503, {}, 30_000), (500, {"Retry_After": "1"}, 30_000)],
)
async def test_an_overloaded_host_pauses_the_gateway(
    server: FakeServer, network: Network, status: int, headers: dict[str, str], pause: int
) -> None:
    server.answer = answers({}, status, **headers)
    (outcome,) = await send(open_gateway(config(server), network), parcel("u1"))
    assert outcome == ("later", f"HTTP {status}", "", pause, False)


async def test_a_token_that_has_ended_is_fetched_again(server: FakeServer, network: Network) -> None:
    refused = iter(({"code": 99991663, "msg": "invalid token"}, ACCEPTED))
    server.answer = lambda call: answers(next(refused) if call.path == SEND else None)(call)
    (outcome,) = await send(open_gateway(config(server), network), parcel("u1"))
    assert outcome.verdict == "accepted"
    assert server.paths() == [TOKEN, SEND, TOKEN, SEND]


async def test_a_host_that_is_down_pauses_the_gateway(network: Network) -> None:
    made = parse_config("feishu", "", {**FIELDS, "base_url": "http://127.0.0.1:9"})
    (outcome,) = await send(open_gateway(made, network), parcel("u1"))
    assert (outcome.verdict, outcome.pause_ms) == ("later", 30_000)


async def test_a_forbidden_host_is_not_called(server: FakeServer, public_network: Network) -> None:
    (outcome,) = await send(open_gateway(config(server), public_network), parcel("u1"))
    assert outcome == ("later", "the host's address is not public", "", 600_000, False)
    assert server.calls == []
