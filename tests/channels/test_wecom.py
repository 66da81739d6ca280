"""WeCom: the documented requests, tokens, and the meaning of its codes."""

from typing import Any

import pytest

from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import label_of, open_gateway, parse_config
from msgcenter.domain.refusal import Refusal
from msgcenter.outbound.network import Network
from tests.channels.fake_server import Call, FakeServer, Reply, exact, reply
from tests.channels.notes import parcel, send

FIELDS = {"corp_id": "ww1", "agent_id": "1000002", "secret": "s&cret"}
TOKEN = {"errcode": 0, "errmsg": "ok", "access_token": "tok/1", "expires_in": 7200}
ACCEPTED = {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m-17"}


def config(server: FakeServer) -> Any:
    return parse_config("wecom", "", {**FIELDS, "base_url": server.url})


def answers(message: object, token: object = TOKEN) -> Any:
    """Return the answers of a server: to a request for a token, and to a message."""

    def answer(call: Call) -> Reply:
        return reply(token if call.path == "/cgi-bin/gettoken" else message)

    return answer


async def test_a_text_card_is_sent_as_documented(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel("zhangsan"))
    assert outcome == ("accepted", "", "m-17", 0, False)

    token, message = server.calls
    assert (token.method, token.target) == ("GET", "/cgi-bin/gettoken?corpid=ww1&corpsecret=s%26cret")
    assert (message.method, message.target) == ("POST", "/cgi-bin/message/send?access_token=tok%2F1")
    assert message.headers["host"] == server.host
    assert message.headers["content-type"] == "application/json; charset=utf-8"
    assert message.body == exact(
        {
            "touser": "zhangsan",
            "agentid": 1000002,
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 600,
            "msgtype": "textcard",
            "textcard": {
                "title": "放假通知",
                "description": "国庆节放假七天。<br>请注意安全。<br>时间:10月1日–7日<br>地点:全校<br>第一中学 · 教务",
                "url": "https://msg.example/inbox#link=abc&x=1",
                "btntxt": "查看",
            },
        }
    )


async def test_without_a_link_a_text_is_sent(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a", link="", fields=(), text="七天"))
    content = server.calls[1].json
    assert (content["msgtype"], content["text"]) == ("text", {"content": "放假通知\n七天"})


async def test_long_texts_are_cut_to_the_documented_bytes(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    long = parcel("a", title="题" * 255, text="一二三\n<b>四</b>" * 300, language="en")
    await send(open_gateway(config(server), network), long)
    card = server.calls[1].json["textcard"]
    assert len(card["title"].encode()) <= 128
    assert len(card["description"].encode()) <= 512
    assert card["description"].endswith("…")
    assert "<b>" not in card["description"]
    assert card["btntxt"] == "Open"


async def test_all_parcels_share_a_token(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a"), parcel("b"), parcel("c"))
    assert server.paths() == ["/cgi-bin/gettoken", *["/cgi-bin/message/send"] * 3]


@pytest.mark.parametrize("code", [40014, 41001, 42001])
async def test_a_token_that_has_ended_is_fetched_again(server: FakeServer, network: Network, code: int) -> None:
    tokens = iter(("old", "new"))

    def answer(call: Call) -> Reply:
        if call.path == "/cgi-bin/gettoken":
            return reply({**TOKEN, "access_token": next(tokens)})
        return reply(ACCEPTED if call.query["access_token"] == "new" else {"errcode": code, "errmsg": "invalid"})

    server.answer = answer
    first, second = await send(open_gateway(config(server), network), parcel("a"), parcel("b"))
    assert (first.verdict, second.verdict) == ("accepted", "accepted")
    assert len(server.calls) == 5


async def test_a_token_is_fetched_again_only_once(server: FakeServer, network: Network) -> None:
    server.answer = answers({"errcode": 42001, "errmsg": "expired"})
    (outcome,) = await send(open_gateway(config(server), network), parcel("a"))
    assert (outcome.verdict, outcome.pause_ms > 0) == ("later", True)
    assert len(server.calls) == 4


async def test_a_token_is_fetched_again_before_it_ends(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED, {**TOKEN, "expires_in": 0})
    await send(open_gateway(config(server), network), parcel("a"), parcel("b"))
    assert server.paths().count("/cgi-bin/gettoken") == 2


@pytest.mark.parametrize(
    ("token", "pause"),
    [
        ({"errcode": 40001, "errmsg": "invalid secret"}, 600_000),
        ({"errcode": 40013, "errmsg": "invalid corpid"}, 600_000),
        ({"errcode": -1, "errmsg": "busy"}, 30_000),
        ({"errcode": 45009, "errmsg": "too often"}, 30_000),
        ({"errcode": 0}, 600_000),
        ([], 600_000),
    ],
)
async def test_without_a_token_the_gateway_pauses(
    server: FakeServer, network: Network, token: object, pause: int
) -> None:
    server.answer = answers(ACCEPTED, token)
    (outcome,) = await send(open_gateway(config(server), network), parcel("a"))
    assert (outcome.verdict, outcome.pause_ms) == ("later", pause)
    assert outcome.reason.startswith(("40001 no access token: invalid secret", "40013", "-1", "45009", "0 no", "None"))
    assert server.paths() == ["/cgi-bin/gettoken"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({**ACCEPTED, "invaliduser": "a"}, ("never", 0, True)),
        ({**ACCEPTED, "unlicenseduser": "a"}, ("never", 0, False)),
        ({"errcode": 81013, "errmsg": "all invalid"}, ("never", 0, True)),
        ({"errcode": 60111, "errmsg": "userid not found"}, ("never", 0, True)),
        ({"errcode": 45009, "errmsg": "too often"}, ("later", 30_000, False)),
        ({"errcode": 45033, "errmsg": "too many at once"}, ("later", 30_000, False)),
        ({"errcode": 60020, "errmsg": "not allowed from your ip"}, ("later", 600_000, False)),
        ({"errcode": 44004, "errmsg": "content is empty"}, ("never", 0, False)),
        ({"errcode": ["x"]}, ("never", 0, False)),
        ("text", ("never", 0, False)),
    ],
)
async def test_codes_are_classified(
    server: FakeServer, network: Network, message: object, expected: tuple[str, int, bool]
) -> None:
    server.answer = answers(message)
    (outcome,) = await send(open_gateway(config(server), network), parcel("a"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


@pytest.mark.parametrize("address", ["", "@all", "@ALL", "a|b", "a b", "x" * 65])
async def test_only_one_user_is_addressed(server: FakeServer, network: Network, address: str) -> None:
    server.answer = answers(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel(address))
    assert (outcome.verdict, outcome.is_bad_address) == ("never", True)
    assert "/cgi-bin/message/send" not in server.paths()


def test_the_secret_is_not_shown() -> None:
    made = parse_config("wecom", "wecom", FIELDS)
    assert label_of(made) == "ww1 · 1000002"
    assert "s&cret" not in repr(made)
    assert fields_of(made) == {**FIELDS, "base_url": "https://qyapi.weixin.qq.com"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"agent_id": "x"}, "agent_id"),
        ({"secret": ""}, "secret"),
        ({"base_url": "ftp://x"}, "base_url"),
        ({"base_url": "https://user@x"}, "base_url"),
        ({"base_url": "https://x/?y"}, "base_url"),
        ({"other": "x"}, "other"),
        ({"corp_id": "a\nb"}, "corp_id"),
    ],
)
def test_wrong_fields_are_refused(changes: dict[str, str], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("wecom", "", {**FIELDS, **changes})
    assert refused.value.data["field"] == field
