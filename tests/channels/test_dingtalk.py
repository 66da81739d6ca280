"""DingTalk: the documented requests, and the meaning of its codes."""

from typing import Any

import pytest

from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.outbound.network import Network
from tests.channels.fake_server import Call, FakeServer, Reply, exact, reply
from tests.channels.notes import NOTE, parcel, send

FIELDS = {"app_key": "ding1", "app_secret": "s+cret", "agent_id": "123"}
ACCEPTED = {"errcode": 0, "task_id": 256271667526, "request_id": "4jzllmte0wau"}
SEND = "/topapi/message/corpconversation/asyncsend_v2"


def config(server: FakeServer) -> Any:
    return parse_config("dingtalk", "", {**FIELDS, "base_url": f"{server.url}/"})


def answers(message: object) -> Any:
    def answer(call: Call) -> Reply:
        token = {"errcode": 0, "access_token": "tok", "errmsg": "ok", "expires_in": 7200}
        return reply(token if call.path == "/gettoken" else message)

    return answer


async def test_a_work_notification_is_sent_as_documented(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel("user123", colour="ff00aa11"))
    assert outcome == ("accepted", "", "256271667526", 0, False)

    token, message = server.calls
    assert (token.method, token.target) == ("GET", "/gettoken?appkey=ding1&appsecret=s%2Bcret")
    assert (message.method, message.target) == ("POST", f"{SEND}?access_token=tok")
    assert message.headers["content-type"] == "application/json; charset=utf-8"
    assert message.body == exact(
        {
            "agent_id": 123,
            "userid_list": "user123",
            "msg": {
                "msgtype": "oa",
                "oa": {
                    "message_url": "https://msg.example/inbox#link=abc&x=1",
                    "pc_message_url": "https://msg.example/inbox#link=abc&x=1",
                    "head": {"bgcolor": "FF00AA11", "text": "教务"},
                    "body": {
                        "title": "放假通知",
                        "form": [{"key": "时间:", "value": "10月1日–7日"}, {"key": "地点:", "value": "全校"}],
                        "content": "国庆节放假七天。\n请注意安全。",
                        "author": "第一中学",
                    },
                },
            },
        }
    )


async def test_without_a_link_a_text_is_sent(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a", link="", fields=(), text="七天"))
    assert server.calls[1].json["msg"] == {"msgtype": "text", "text": {"content": "放假通知\n七天"}}


@pytest.mark.parametrize(("colour", "shown"), [("", "FF1677FF"), ("#12ab34", "FF12AB34"), ("red", "FF1677FF")])
async def test_the_colour_has_eight_digits(server: FakeServer, network: Network, colour: str, shown: str) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a", colour=colour))
    assert server.calls[1].json["msg"]["oa"]["head"]["bgcolor"] == shown


async def test_texts_are_cut(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    rows = tuple((f"标签{number}" * 20, "值" * 255) for number in range(9))
    await send(open_gateway(config(server), network), parcel("a", title="题" * 255, text="文" * 4_096, fields=rows))
    body = server.calls[1].json["msg"]["oa"]["body"]
    assert (len(body["title"]), len(body["content"]), len(body["form"])) == (64, 500, 6)
    assert all(len(row["key"]) <= 32 and len(row["value"]) <= 100 for row in body["form"])


async def test_the_text_of_a_template_replaces_the_rows(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a", parts={"title": "T", "text": "X"}))
    body = server.calls[1].json["msg"]["oa"]["body"]
    assert (body["title"], body["content"], body["form"]) == ("T", "X", [])


async def test_a_digest_lists_its_messages(server: FakeServer, network: Network) -> None:
    server.answer = answers(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("a", text="", fields=(), digest=(NOTE, NOTE)))
    assert server.calls[1].json["msg"]["oa"]["body"]["content"] == "• 放假通知\n• 放假通知"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"errcode": 33012, "errmsg": "invalid USERID"}, ("never", 0, True)),
        ({"errcode": 88, "sub_code": "60011", "sub_msg": "no right"}, ("later", 600_000, False)),
        ({"errcode": 88, "sub_code": "90018", "sub_msg": "blocked"}, ("later", 30_000, False)),
        ({"errcode": 90018, "errmsg": "blocked"}, ("later", 30_000, False)),
        ({"errcode": -1, "errmsg": "busy"}, ("later", 30_000, False)),
        ({"errcode": 34016, "errmsg": "too long"}, ("never", 0, False)),
        ({"errcode": 88, "sub_code": {}, "sub_msg": []}, ("never", 0, False)),
        ([], ("never", 0, False)),
    ],
)
async def test_codes_are_classified(
    server: FakeServer, network: Network, message: object, expected: tuple[str, int, bool]
) -> None:
    server.answer = answers(message)
    (outcome,) = await send(open_gateway(config(server), network), parcel("a"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


async def test_a_token_that_has_ended_is_fetched_again(server: FakeServer, network: Network) -> None:
    refused = iter(({"errcode": 88, "sub_code": "40014", "sub_msg": "invalid token"}, ACCEPTED))
    server.answer = lambda call: answers(next(refused) if call.path == SEND else None)(call)
    (outcome,) = await send(open_gateway(config(server), network), parcel("a"))
    assert outcome.verdict == "accepted"
    assert server.paths() == ["/gettoken", SEND, "/gettoken", SEND]


@pytest.mark.parametrize("address", ["", "a,b", "a b", "x" * 65])
async def test_only_one_user_is_addressed(server: FakeServer, network: Network, address: str) -> None:
    server.answer = answers(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel(address))
    assert (outcome.verdict, outcome.is_bad_address) == ("never", True)
    assert SEND not in server.paths()
