"""The actions behind the calls of the app API. Each call names the one that it uses (routes.py)."""

from dataclasses import dataclass

from msgcenter.actions.directory.feeding import DirectoryChanges
from msgcenter.actions.directory.reading import DirectoryReads
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.actions.webhooks.registration import Webhooks


@dataclass(frozen=True)
class CallActions:
    """One object for each subject; a call gets only the one that it uses."""

    sending: Sending
    statuses: Statuses
    message_statuses: MessageStatuses
    sent_messages: SentMessages
    topics: Topics
    user_tokens: UserTokens
    webhooks: Webhooks
    webhook_deliveries: WebhookDeliveries
    directory_changes: DirectoryChanges
    directory_reads: DirectoryReads
