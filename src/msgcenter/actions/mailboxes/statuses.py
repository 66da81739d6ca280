"""Setting messages read and unread."""

from collections.abc import Sequence

from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.database.database import Database
from msgcenter.database.group_commit import GroupCommit
from msgcenter.domain.account import App, Recipient
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.webhook import CLOSED, STATUS_KINDS
from msgcenter.messaging import reach
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.set_status import Missing, StatusChange, apply_status_changes
from msgcenter.messaging.told_changes import ToldChange, apply_told_changes
from msgcenter.store.messages import messages

_CALLS_PER_COMMIT = 256
_TOLD_PER_COMMIT = 2_560
"""Messages, each of which may be a row for every endpoint of its app."""


class Statuses:
    """Changes read states; calls that wait at once share a statement and a commit."""

    def __init__(self, database: Database, *, waiting_limit: int, on_change: Listener = ignore_events) -> None:
        self._database = database
        self._on_change = on_change
        self._changes = GroupCommit(self._write, batch_weight=_CALLS_PER_COMMIT, waiting_limit=waiting_limit)
        self._told = GroupCommit(
            self._write_told,
            batch_weight=_TOLD_PER_COMMIT,
            waiting_limit=waiting_limit,
            weigh=lambda one: len(one.change.message_ids),
        )

    async def set_status(
        self, app: App, user_id: str, message_ids: frozenset[int], *, read: bool, platform_code: str | None = None
    ) -> Missing:
        """Set an app's messages to a user read or unread, and return the ids that this user did not get from it.

        The first read time is kept when a read message is set read again; setting unread clears it. Durable on
        return. Refuses with NOT_AUTHORISED (platform; and, to set unread, whom the app may not reach) or
        FIELD_MALFORMED (publisherId).
        """
        recipient = Recipient(user_id, app.platform_for(platform_code))
        if not read:
            app.check_receivers([user_id])
        await check_old_user_ids(self._database, [recipient], "publisherId")
        if not message_ids:
            return message_ids
        change = StatusChange(recipient, app.number, message_ids, read)
        if app.webhook_events and not app.webhook_events.isdisjoint(STATUS_KINDS):
            return await self._told.submit(ToldChange(change, "app"))
        return await self._changes.submit(change)

    async def set_own(
        self, recipient: Recipient, app_number: int, message_ids: frozenset[int], *, read: bool, tell: bool = False
    ) -> Missing:
        """Set messages of an app read or unread for a user who does so; return the ids that are not there.

        `tell` the app's webhooks of it.
        """
        change = StatusChange(recipient, app_number, message_ids, read)
        if tell:
            return await self._told.submit(ToldChange(change, "user"))
        return await self._changes.submit(change)

    async def decide_approvals(
        self, app: App, message_ids: frozenset[int], *, closed: bool, approver_id: str | None = None
    ) -> Missing:
        """Close or reopen an app's pending approvals for every approver; return the ids that it does not have.

        They are closed in the name of the approver, or else of the app's account. Refuses with NOT_AN_APPROVAL,
        changing nothing, if one of them is another kind of message, and with NOT_AUTHORISED to reopen one whose
        approvers the app may not reach any more.
        """
        if not closed:
            async with self._database.connection() as connection:
                for message in await messages.find_messages(connection, sorted(message_ids)):
                    if message.app_number == app.number:
                        await reach.check_message(connection, app, message)
        decision = await decide(
            self._database,
            app.number,
            sorted(message_ids),
            closed=closed,
            decided_by=approver_id or app.account,
            tell=CLOSED in app.webhook_events,
        )
        self._on_change(decision.events)
        return decision.missing

    def waiting(self) -> int:
        """Return how many changes wait to be written."""
        return self._changes.waiting + self._told.waiting

    async def drained(self) -> None:
        """Wait until every accepted change is written."""
        await self._changes.drained()
        await self._told.drained()

    async def _write(self, changes: list[StatusChange]) -> Sequence[Missing]:
        missing = await apply_status_changes(self._database, changes)
        self._publish(changes, missing)
        return missing

    async def _write_told(self, changes: list[ToldChange]) -> Sequence[Missing]:
        missing = await apply_told_changes(self._database, changes)
        self._publish([one.change for one in changes], missing)
        return missing

    def _publish(self, changes: Sequence[StatusChange], missing: Sequence[Missing]) -> None:
        self._on_change(
            [
                MailboxEvent("status", change.recipient.platform_code, (change.recipient.user_id,), tuple(changed))
                for change, absent in zip(changes, missing, strict=True)
                if (changed := change.message_ids - absent)
            ]
        )
