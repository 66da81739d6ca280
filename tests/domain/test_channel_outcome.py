"""What apps see of channels: no addresses."""

import pytest

from msgcenter.domain.account import Platform
from msgcenter.domain.channels.outcome import without_addresses
from msgcenter.domain.webhook import channel_event


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("550 5.1.1 <li.lei@school.example>: user unknown", "550 5.1.1 <***>: user unknown"),
        ("user unknown: li+tag@mail.school.example", "user unknown: ***"),
        ("13800138000 is no mobile number", "*** is no mobile number"),
        ("the number +86 138-0013-8000 is wrong", "the number *** is wrong"),
        ("errcode 81013: no such user", "errcode 81013: no such user"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_reason_has_no_address(reason: str, shown: str) -> None:
    assert without_addresses(reason) == shown


def test_events_of_channels() -> None:
    recipient = Platform("420100", 1).recipient("parent-wang")
    sent = channel_event(7, 912, recipient, "email")
    common = {"msgId": "912", "userId": "parent-wang", "platformCode": "420100", "channel": "email"}
    assert (sent.app_number, sent.kind, sent.message_id, sent.data) == (7, "channel.sent", 912, common)
    failed = channel_event(7, 912, recipient, "sms", "13800138000 is blocked")
    assert failed.kind == "channel.failed"
    assert failed.data == {**common, "channel": "sms", "reason": "*** is blocked"}
