"""The MsgCenter client: `Client` for threads, `AsyncClient` for asyncio."""

from msgcenter_client.access_token import key_info
from msgcenter_client.async_client import AsyncClient
from msgcenter_client.audience import EVERYONE, Audience, Everyone, Organisations, Topic
from msgcenter_client.client import Client
from msgcenter_client.directory_results import DirectoryChange, InvalidItem, Member, Membership, Org, OrgDetails
from msgcenter_client.errors import (
    ClockError,
    IdentityError,
    InvalidRequestError,
    LimitError,
    MsgCenterError,
    ServerError,
    StateError,
    TransportError,
)
from msgcenter_client.results import (
    ChannelOutcome,
    ChannelSum,
    Kind,
    Message,
    MessageStatus,
    OrgStatus,
    Receipt,
    StatusResult,
    UserToken,
    Version,
)
from msgcenter_client.times import Moment
from msgcenter_client.webhook import VerifiedWebhook, WebhookVerificationError, verify_webhook
from msgcenter_client.webhook_results import (
    DeliveryState,
    NewSecret,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    WebhookKind,
)

__all__ = [
    "EVERYONE",
    "AsyncClient",
    "Audience",
    "ChannelOutcome",
    "ChannelSum",
    "Client",
    "ClockError",
    "DeliveryState",
    "DirectoryChange",
    "Everyone",
    "IdentityError",
    "InvalidItem",
    "InvalidRequestError",
    "Kind",
    "LimitError",
    "Member",
    "Membership",
    "Message",
    "MessageStatus",
    "Moment",
    "MsgCenterError",
    "NewSecret",
    "NewWebhook",
    "Org",
    "OrgDetails",
    "OrgStatus",
    "Organisations",
    "Receipt",
    "ServerError",
    "StateError",
    "StatusResult",
    "Topic",
    "TransportError",
    "UserToken",
    "VerifiedWebhook",
    "Version",
    "Webhook",
    "WebhookDelivery",
    "WebhookKind",
    "WebhookVerificationError",
    "key_info",
    "verify_webhook",
]
