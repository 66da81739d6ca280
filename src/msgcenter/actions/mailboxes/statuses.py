"""Setting messages read and unread."""

from collections.abc import Sequence

from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.database.database import Database
from msgcenter.database.group_commit import CellCommits
from msgcenter.domain.account import App, AppChangedError, Recipient
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook import CLOSED, STATUS_KINDS
from msgcenter.messaging import reach
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.set_status import (
    AttributedChange,
    MissingIds,
    StatusChange,
    apply_status_changes,
    apply_status_changes_with_events,
)
from msgcenter.store.messages import messages

_CALLS_PER_COMMIT = 256
_IDS_PER_COMMIT_WITH_EVENTS = 2_560
"""Message ids; each may become a row for every webhook of its app."""


class Statuses:
    """Changes read states. Calls that wait at the same time share a statement and a commit."""

    def __init__(self, database: Database, *, waiting_limit: int, on_change: Listener = ignore_events) -> None:
        self._database = database
        self._on_change = on_change
        self._changes = CellCommits(self._apply, batch_weight=_CALLS_PER_COMMIT, waiting_limit=waiting_limit)
        self._changes_with_events = CellCommits(
            self._apply_with_events,
            batch_weight=_IDS_PER_COMMIT_WITH_EVENTS,
            waiting_limit=waiting_limit,
            weigh=lambda attributed: len(attributed.change.message_ids),
        )

    async def set_status(
        self, app: App, user_id: str, message_ids: frozenset[int], *, read: bool, platform_code: str | None = None
    ) -> MissingIds:
        """Set an app's messages read or unread for a user. Return the ids that this user did not get from the app.

        A read message that is set read again keeps its first read time; setting it unread clears the time. The change
        is durable on return. Refuses with NOT_AUTHORISED (a platform that the app may not use; to set unread, also a
        user that it may not reach) or FIELD_MALFORMED (publisherId).

        An app with a version is compared with the current one. If they differ, or if the app has webhooks for these
        changes, nothing changes and AppChangedError is raised.
        """
        recipient = app.platform_for(platform_code).recipient(user_id)
        if not read:
            app.check_receivers([user_id])
        await check_old_user_ids(self._database, [recipient], "publisherId")
        if not message_ids:
            return message_ids
        change = StatusChange(recipient, app.number, message_ids, read, app.version)
        if app.webhook_events and not app.webhook_events.isdisjoint(STATUS_KINDS):
            _refuse_version(app)
            return await self._changes_with_events.submit(recipient.cell, AttributedChange(change, "app"))
        return await self._changes.submit(recipient.cell, change)

    async def set_own(
        self,
        recipient: Recipient,
        app_number: int,
        message_ids: frozenset[int],
        *,
        read: bool,
        with_events: bool = False,
    ) -> MissingIds:
        """Set an app's messages read or unread in the name of the recipient. Return the ids that are not there.

        `with_events` records events for the app's webhooks.
        """
        change = StatusChange(recipient, app_number, message_ids, read)
        if with_events:
            return await self._changes_with_events.submit(recipient.cell, AttributedChange(change, "user"))
        return await self._changes.submit(recipient.cell, change)

    async def decide_approvals(
        self, app: App, message_ids: frozenset[int], *, closed: bool, approver_id: str | None = None
    ) -> MissingIds:
        """Close or reopen approvals of an app for all their approvers. Return the ids that the app does not have.

        They are closed in the name of `approver_id`, or of the app's account without one. Refuses, changing nothing,
        with NOT_AN_APPROVAL if one of the ids is another kind of message, and with NOT_AUTHORISED to reopen one whose
        approvers the app may not reach any more. Raises AppChangedError for an app with a version.
        """
        _refuse_version(app)
        if not closed:
            async with self._database.connection() as connection:
                for message in await messages.find_sent(connection, app.number, sorted(message_ids)):
                    await reach.check_message(connection, app, message)
        decision = await decide(
            self._database,
            app.number,
            sorted(message_ids),
            closed=closed,
            decided_by=approver_id or app.account,
            with_events=CLOSED in app.webhook_events,
        )
        self._on_change(decision.events)
        return decision.missing

    def waiting(self) -> int:
        """Return how many changes wait to be written."""
        return self._changes.waiting + self._changes_with_events.waiting

    async def drained(self) -> None:
        """Wait until every accepted change is written."""
        await self._changes.drained()
        await self._changes_with_events.drained()

    async def _apply(self, changes: list[StatusChange]) -> Sequence[MissingIds | Refusal]:
        results = await apply_status_changes(self._database, changes)
        self._publish(changes, results)
        return results

    async def _apply_with_events(self, changes: list[AttributedChange]) -> Sequence[MissingIds]:
        missing = await apply_status_changes_with_events(self._database, changes)
        self._publish([change for change, _ in changes], missing)
        return missing

    def _publish(self, changes: Sequence[StatusChange], results: Sequence[MissingIds | Refusal]) -> None:
        self._on_change(
            MailboxEvent("status", change.recipient.platform_code, (change.recipient.user_id,), tuple(changed))
            for change, missing in zip(changes, results, strict=True)
            if not isinstance(missing, Refusal) and (changed := change.message_ids - missing)
        )


def _refuse_version(app: App) -> None:
    """Refuse an app that was read before this call, where its version is not compared."""
    if app.version is not None:
        raise AppChangedError
