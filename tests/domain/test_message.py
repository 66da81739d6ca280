"""Messages: send and expiry times, states, and when two requests are equal."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from msgcenter.domain.account import Platform
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.content import Link, Text
from msgcenter.domain.message import IMMEDIATE_RECEIVERS, AudienceChunk, Draft, Message, State, check_times
from msgcenter.domain.refusal import Reason, Refusal

NOW = 1_795_435_200_000
MINUTE = 60_000
DAY = 86_400_000
YEAR_2100 = 4_102_444_800_000
HOME = Platform("420100", 1)


@dataclass
class Times:
    send: int | None = None
    expire: int | None = None


@pytest.mark.parametrize(
    ("times", "scheduled"),
    [
        (Times(), None),
        (Times(send=NOW + 1), NOW + 1),
        (Times(send=NOW + 90 * DAY), NOW + 90 * DAY),
        (Times(send=NOW), None),
        (Times(send=NOW - MINUTE), None),
        (Times(expire=NOW + 1), None),
        (Times(expire=YEAR_2100), None),
        (Times(send=NOW + 10, expire=NOW + 11), NOW + 10),
        (Times(send=NOW - MINUTE, expire=NOW + 1), None),
    ],
)
def test_times_that_are_allowed(times: Times, scheduled: int | None) -> None:
    assert check_times(times.send, times.expire, NOW) == scheduled


@pytest.mark.parametrize(
    ("times", "reason", "field"),
    [
        (Times(send=NOW - MINUTE - 1), Reason.FIELD_MALFORMED, "sendTime"),
        (Times(send=0), Reason.FIELD_MALFORMED, "sendTime"),
        (Times(send=NOW // 1_000), Reason.FIELD_MALFORMED, "sendTime"),
        (Times(send=NOW + 90 * DAY + 1), Reason.FIELD_MALFORMED, "sendTime"),
        (Times(expire=NOW), Reason.FIELD_MALFORMED, "expireTime"),
        (Times(expire=NOW - 1), Reason.FIELD_MALFORMED, "expireTime"),
        (Times(expire=YEAR_2100 + 1), Reason.FIELD_MALFORMED, "expireTime"),
        (Times(send=NOW + 10, expire=NOW + 10), Reason.FIELDS_CONTRADICT, "expireTime/sendTime"),
        (Times(send=NOW + 10, expire=NOW + 9), Reason.FIELDS_CONTRADICT, "expireTime/sendTime"),
    ],
)
def test_times_that_are_refused(times: Times, reason: Reason, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_times(times.send, times.expire, NOW)
    assert refused.value.reason is reason
    assert refused.value.data["field"] == field


def test_receivers_are_sorted_and_named_once() -> None:
    assert receivers_of(["b", "a", "b", "B", "张三"]) == ("B", "a", "b", "张三")


def draft(receivers: int = 1) -> Draft:
    return Draft(1, HOME.first_cell, HOME, Text("hello"), tuple(f"u{number}" for number in range(receivers)))


def test_up_to_a_thousand_receivers_are_direct() -> None:
    assert draft(IMMEDIATE_RECEIVERS).is_immediate
    assert not draft(IMMEDIATE_RECEIVERS + 1).is_immediate
    assert not replace(draft(), send_at=NOW).is_immediate


LINK = Link(pc_url="http://a.b/", app_url="http://a.b/", title="title", busi_id="1", content="content")


@pytest.mark.parametrize(
    "other",
    [
        replace(draft(), body=Text("hello!")),
        replace(draft(), body=LINK),
        replace(draft(), receivers=("u0", "u1")),
        replace(draft(), platform=Platform("420101", 2)),
        replace(draft(), approval=True),
        replace(draft(), send_at=NOW),
        replace(draft(), expires_at=NOW),
        replace(draft(), sender_name="宋文萍"),
    ],
)
def test_any_difference_makes_another_request(other: Draft) -> None:
    assert other.fingerprint() != draft().fingerprint()


def test_a_request_without_a_name_keeps_the_fingerprint_of_earlier_versions() -> None:
    assert draft().fingerprint().hex() == "b74dd6dcb052614e22974293ee075e3911bdf85ec7f78de615c4e4f5b0624c79"


def test_the_fingerprint_leaves_the_request_id_out() -> None:
    assert replace(draft(), request_id="r1").fingerprint() == draft().fingerprint()


MESSAGE = Message(
    id=1,
    app_number=1,
    platform=HOME,
    kind="text",
    business_id=None,
    content="{}",
    approval=False,
    receivers=2_000,
    audience=(AudienceChunk(1, b"a"), AudienceChunk(1, b"b")),
    delivered_chunks=2,
    created_at=NOW,
    send_at=None,
    expires_at=None,
    recalled_at=None,
    closed_at=None,
)


@pytest.mark.parametrize(
    ("message", "state"),
    [
        (MESSAGE, State.SENT),
        (replace(MESSAGE, delivered_chunks=1), State.SENDING),
        (replace(MESSAGE, delivered_chunks=0, send_at=NOW + 1), State.SCHEDULED),
        (replace(MESSAGE, delivered_chunks=0, send_at=NOW), State.SENDING),
        (replace(MESSAGE, send_at=NOW - 1), State.SENT),
        (replace(MESSAGE, expires_at=NOW), State.EXPIRED),
        (replace(MESSAGE, expires_at=NOW + 1), State.SENT),
        (replace(MESSAGE, delivered_chunks=0, expires_at=NOW), State.EXPIRED),
        (replace(MESSAGE, recalled_at=NOW, expires_at=NOW), State.RECALLED),
        (replace(MESSAGE, delivered_chunks=0, send_at=NOW + 1, recalled_at=NOW), State.RECALLED),
    ],
)
def test_the_state_of_a_message(message: Message, state: State) -> None:
    assert message.state_at(NOW) is state
