"""The client's requests and results without a network."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from msgcenter_client import (
    EVERYONE,
    AsyncClient,
    Client,
    Organisations,
    StateError,
    Topic,
    TransportError,
)
from msgcenter_client.audience import audience_fields
from msgcenter_client.content import link_fields, oa_fields, text_fields
from msgcenter_client.status_batches import batches
from msgcenter_client.times import from_ms, to_ms
from tests.sdk.flow_script import NOW, NOW_MS, Script, answer, calls, options, set_status

# --- Status batches ---------------------------------------------------------------------------------------------------


def test_ids_are_split_into_batches_of_fifty_in_order_and_without_duplicates() -> None:
    split = list(batches([*range(120), 5, "7"]))
    assert [len(batch) for batch in split] == [50, 50, 20]
    assert [message_id for batch in split for message_id in batch] == [str(n) for n in range(120)]


@pytest.mark.parametrize(("ids", "expected"), [("3806", [["3806"]]), (3806, [["3806"]]), ([], [])])
def test_one_id_is_one_batch_and_no_ids_are_no_batch(ids: Any, expected: list[list[str]]) -> None:
    assert list(batches(ids)) == expected


def test_a_batch_of_unknown_ids_is_not_an_error_if_another_batch_has_known_ids() -> None:
    script = Script(answer("300001", invalidMsgId=[str(n) for n in range(50)]), answer(invalidMsgId=["51"]))
    result = script.run(set_status(range(52)))
    assert result.invalid_ids == (*(str(n) for n in range(50)), "51")


def test_if_all_ids_of_all_batches_are_unknown_the_error_lists_them() -> None:
    script = Script(answer("300001", invalidMsgId=[str(n) for n in range(50)]), answer("300001"))
    with pytest.raises(StateError) as caught:
        script.run(set_status(range(52)))
    assert caught.value.invalid_ids == tuple(str(n) for n in range(52))


def test_another_state_error_ends_the_batches() -> None:
    script = Script(answer("300002", invalidMsgId=["3"]), answer())
    with pytest.raises(StateError) as caught:
        script.run(set_status(range(52), recipient=None))
    assert caught.value.invalid_ids == ("3",)
    assert len(script.bodies) == 1


def test_set_status_sends_the_sample_request_of_the_protocol() -> None:
    script = Script(answer())
    using = calls(platform_code="420100")
    script.run(set_status(["3806", "1312"], recipient="7b551a5f23c242838c04e0fb02196e51", using=using))
    assert script.bodies == [
        {
            "publisherId": "7b551a5f23c242838c04e0fb02196e51",
            "platformCode": "420100",
            "isRead": 1,
            "msgId": ["3806", "1312"],
        }
    ]


def test_without_a_recipient_no_publisher_id_is_sent() -> None:
    script = Script(answer())
    script.run(set_status("1", recipient=None))
    assert script.bodies == [{"isRead": 1, "msgId": ["1"]}]


# --- Requests and results ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "fields"),
    [
        ("u1", {"receiverIds": ["u1"]}),
        (iter(["u1", "u2"]), {"receiverIds": ["u1", "u2"]}),
        (Topic("news"), {"topic": "news"}),
        (EVERYONE, {"toAll": True}),
        (Organisations("o"), {"orgIds": ["o"]}),
        (Organisations(iter(["o", "p"]), iter(["tea"])), {"orgIds": ["o", "p"], "roles": ["tea"]}),
        (Organisations(["o"], include_sub=False), {"orgIds": ["o"], "includeSub": False}),
    ],
)
def test_an_audience_is_addressed_in_exactly_one_way(audience: Any, fields: dict[str, Any]) -> None:
    assert audience_fields(audience) == fields


def test_send_link_sends_the_sample_link_of_the_protocol() -> None:
    sent = link_fields(
        title="百度",
        content="百度一下",
        business_id="AQWER1234",
        pc_url="http://www.baidu.com",
        app_url="http://www.baidu.com",
        image_url="http://xxx.yyy.com/zzz.jpg",
    )
    assert sent == {
        "msgtype": "link",
        "link": {
            "pcUrl": "http://www.baidu.com",
            "appUrl": "http://www.baidu.com",
            "picUrl": "http://xxx.yyy.com/zzz.jpg",
            "content": "百度一下",
            "title": "百度",
            "busiId": "AQWER1234",
        },
    }


def test_a_card_has_only_the_parts_that_are_set() -> None:
    bare: dict[str, Any] = dict.fromkeys(["bg_color", "title", "content", "image_url", "file_count", "author"])
    where = {"business_id": "b", "pc_url": "http://p", "app_url": "http://a"}
    outside = {"msgtype": "oa", "busiId": "b", "pcUrl": "http://p", "appUrl": "http://a"}
    assert oa_fields(head="h", form=(), **where, **bare) == {**outside, "oa": {"head": {"text": "h"}}}

    full = {**bare, "bg_color": "ff00CC00", "file_count": 0, "author": "me"}
    assert oa_fields(head="h", form=[("k", "v")], **where, **full) == {
        **outside,
        "oa": {
            "head": {"text": "h", "bgColor": "ff00CC00"},
            "body": {"fileCount": 0, "author": "me", "form": [{"key": "k", "value": "v"}]},
        },
    }


def test_send_options_become_fields_and_override_the_clients_platform() -> None:
    script = Script(answer(msgId="1"))
    send_options = options(platform_code="2", approval=True, idempotency_key="k", send_at=NOW, expire_at=NOW_MS + 1)
    script.run(calls(platform_code="1").send("u1", text_fields("hi"), send_options))
    assert script.bodies == [
        {
            "receiverIds": ["u1"],
            "msgtype": "text",
            "text": {"content": "hi"},
            "platformCode": "2",
            "requestId": "k",
            "approval": True,
            "sendTime": NOW_MS,
            "expireTime": NOW_MS + 1,
        }
    ]


def test_moments_keep_their_millisecond_and_need_a_time_zone() -> None:
    china = timezone(timedelta(hours=8))
    assert to_ms(datetime(2026, 11, 23, 20, 0, 0, 123_999, tzinfo=china)) == NOW_MS + 123
    assert to_ms(from_ms(NOW_MS + 123)) == NOW_MS + 123
    with pytest.raises(ValueError, match="time zone"):
        to_ms(datetime(2026, 11, 23))  # noqa: DTZ001 - the missing time zone is tested


def test_receipts_accept_numbers_and_flags_as_strings() -> None:
    details = [
        {"userId": "u1", "isRead": 1, "readTime": str(NOW_MS)},
        {"userId": "u2", "isRead": "0", "readTime": ""},
        {"userId": "u3", "isRead": False},
    ]
    counts: dict[str, Any] = {"receivers": 3, "delivered": "3", "read": 1, "unread": 2}
    script = Script(answer(**counts, state="sent", details=details, nextCursor="c2"))
    status = script.run(calls().message_status("9", read=None, cursor=None, page_size=None))
    assert [(receipt.recipient, receipt.read, receipt.read_at) for receipt in status.details] == [
        ("u1", True, NOW),
        ("u2", False, None),
        ("u3", False, None),
    ]
    assert (status.delivered, status.next_cursor) == (3, "c2")


def test_a_repeated_cursor_is_an_error() -> None:
    script = Script(
        answer(receivers=0, delivered=0, read=0, unread=0, state="sent", nextCursor="same"),
    )
    with pytest.raises(TransportError, match="cursor"):
        script.run(calls().receipts("1", read=None, cursor="same", page_size=None))


# --- The two clients --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base_url", ["msg.example.org", "ftp://msg.example.org", "https://", ""])
def test_a_base_url_without_http_is_refused_by_the_constructor(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(base_url, "app", "key")


def test_both_clients_have_the_same_calls_arguments_and_documentation() -> None:
    def described(client: type) -> dict[str, tuple[list[inspect.Parameter], str | None]]:
        return {
            name: (list(inspect.signature(member).parameters.values()), inspect.getdoc(member))
            for name, member in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_") and name not in {"close", "aclose"}
        }

    assert described(Client) == described(AsyncClient)
    assert {"send_text", "set_status", "messages", "recall", "subscribe", "webhooks"} <= described(Client).keys()
