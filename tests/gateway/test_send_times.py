"""When a message is sent, and when it expires (docs/protocol.md, "Schedule and expiry")."""

import pytest

from msgcenter_client import Client
from tests.conftest import Raw
from tests.gateway.calls import accepted, now_ms, refused, text_to, until

DAY = 86_400_000


@pytest.mark.parametrize("as_text", [False, True])
def test_a_scheduled_message_arrives_at_its_time_and_not_before(
    wire: Raw, sdk: Client, user: str, *, as_text: bool
) -> None:
    at = now_ms() + 2_000
    request = text_to(user, sendTime=str(at) if as_text else at, requestId=user)
    message_id = accepted(wire, "sendMsg", request)["msgId"]
    status = sdk.message_status(message_id)
    unread = sdk.unread_count(user)
    if now_ms() < at:
        assert (status.state, status.receivers, status.delivered, status.details) == ("scheduled", 1, 0, ())
        assert unread == 0
    until(lambda: sdk.unread_count(user) == 1)
    assert now_ms() >= at
    assert sdk.message_status(message_id).state == "sent"
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id, "a late repeat gets the first answer"


def test_a_scheduled_message_cannot_be_read_before_its_time(wire: Raw, user: str) -> None:
    message_id = accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() + DAY))["msgId"]
    refused(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]}, "300001")


def test_a_send_time_up_to_a_minute_in_the_past_is_accepted(wire: Raw, sdk: Client, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() - 50_000))
    assert sdk.unread_count(user) == 1


def test_a_send_time_has_bounds(wire: Raw, user: str) -> None:
    for past in (now_ms() - 61_000, now_ms() // 1_000, 0, "0"):
        refused(wire, "sendMsg", text_to(user, sendTime=past), "100003", "sendTime")
    accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() + 90 * DAY - 5_000))
    for far in (now_ms() + 90 * DAY + 5_000, 10**15 - 1):
        refused(wire, "sendMsg", text_to(user, sendTime=far), "100003", "sendTime", "90")


def test_an_expire_time_has_bounds(wire: Raw, user: str) -> None:
    for past in (now_ms() - 1, now_ms() // 1_000, 0, "1"):
        refused(wire, "sendMsg", text_to(user, expireTime=past), "100003", "expireTime")
    refused(wire, "sendMsg", text_to(user, expireTime=10**15 - 1), "100003", "expireTime", "2100")
    at = now_ms() + DAY
    for expiry in (at, at - 1):
        refused(wire, "sendMsg", text_to(user, sendTime=at, expireTime=expiry), "100005", "expireTime", "sendTime")
    accepted(wire, "sendMsg", text_to(user, sendTime=at, expireTime=at + 1))


@pytest.mark.parametrize("name", ["sendTime", "expireTime"])
@pytest.mark.parametrize("wrong", ["", "tomorrow", "2030-01-01", 1.5, -1, 10**15, "1\n", True, []])
def test_a_time_is_milliseconds(wire: Raw, user: str, name: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, **{name: wrong}), "100003", name)


def test_an_expired_message_leaves_every_count(wire: Raw, sdk: Client, user: str) -> None:
    kept = sdk.send_text(user, "x")
    short = accepted(wire, "sendMsg", text_to(user, expireTime=now_ms() + 2_500))["msgId"]
    assert sdk.message_status(short).state in {"sent", "expired"}
    until(lambda: sdk.message_status(short).state == "expired")
    assert sdk.unread_count(user) == 1
    assert sdk.message_status(kept).state == "sent"


def test_an_expired_message_that_was_read_changes_no_count(wire: Raw, sdk: Client, user: str) -> None:
    sdk.send_text(user, "x")
    short = accepted(wire, "sendMsg", text_to(user, expireTime=str(now_ms() + 2_500)))["msgId"]
    sdk.set_status(user, short)
    until(lambda: sdk.message_status(short).state == "expired")
    assert sdk.unread_count(user) == 1
