"""The channels, and the words for what becomes of a message on its way through one."""

from enum import IntEnum, StrEnum
from typing import Literal, get_args

Channel = Literal["email", "sms", "wecom", "dingtalk", "feishu", "push", "apprise"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
ContactKind = Literal["email", "mobile", "wecom", "dingtalk", "feishu"]
CONTACT_KINDS: tuple[ContactKind, ...] = get_args(ContactKind)

CONTACT_OF_CHANNEL: dict[Channel, ContactKind] = {
    "email": "email",
    "sms": "mobile",
    "wecom": "wecom",
    "dingtalk": "dingtalk",
    "feishu": "feishu",
}
"""The contact point that a channel needs. `push` needs subscriptions; `apprise` sends to the operator's own URLs."""

MAX_DELAY_MINUTES = 10_080
"""The longest time, a week, after which an unread message is sent elsewhere."""
DEFAULT_DELAY_MINUTES = 30


class Urgency(IntEnum):
    """How urgent the messages of a type are: low ones may become a digest, urgent ones ignore quiet hours."""

    LOW = 0
    NORMAL = 1
    URGENT = 2


class DeliveryState(IntEnum):
    """The state of a message on its way to one person by one channel."""

    WAITING = 0
    SENDING = 1
    SENT = 2
    FAILED = 3
    SKIPPED = 4


class SkipReason(StrEnum):
    """Why a message was not sent by a channel."""

    READ = "read"
    GONE = "gone"
    """It was recalled, has expired, or its user has deleted it."""
    MUTED = "muted"
    OFF = "off"
    """The user has turned the channel off for it."""
    NO_ADDRESS = "noAddress"
    OVER_QUOTA = "overQuota"
    NO_GATEWAY = "noGateway"
    """The platform has no gateway for the channel, or has turned it off."""
