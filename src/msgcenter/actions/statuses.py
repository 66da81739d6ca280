"""Setting messages read and unread."""

from collections.abc import Sequence

from msgcenter.domain.account import App, Recipient
from msgcenter.domain.event import Listener, MailboxEvent, nobody
from msgcenter.store.approvals import decide
from msgcenter.store.database import Database
from msgcenter.store.group_commit import GroupCommit
from msgcenter.store.status_changes import Missing, StatusChange, apply_status_changes

_CALLS_PER_COMMIT = 256


class Statuses:
    """Changes read states; calls that wait at once share a statement and a commit."""

    def __init__(self, database: Database, *, waiting_limit: int, on_change: Listener = nobody) -> None:
        self._database = database
        self._on_change = on_change
        self._changes = GroupCommit(self._write, batch_weight=_CALLS_PER_COMMIT, waiting_limit=waiting_limit)

    async def set_status(
        self, app: App, user_id: str, message_ids: frozenset[int], *, read: bool, platform_code: str | None = None
    ) -> Missing:
        """Set an app's messages to a user read or unread, and return the ids that this user did not get from it.

        The first read time is kept when a read message is set read again; setting unread clears it. Durable on
        return. Refuses with NOT_AUTHORISED (platform).
        """
        recipient = Recipient(user_id, app.platform_for(platform_code))
        if not message_ids:
            return message_ids
        return await self._changes.submit(StatusChange(recipient, app.number, message_ids, read))

    async def set_own(
        self, recipient: Recipient, app_number: int, message_ids: frozenset[int], *, read: bool
    ) -> Missing:
        """Set messages of an app read or unread for a user who does so; return the ids that are not there."""
        return await self._changes.submit(StatusChange(recipient, app_number, message_ids, read))

    async def decide_approvals(self, app: App, message_ids: frozenset[int], *, closed: bool) -> Missing:
        """Close or reopen an app's pending approvals for every approver; return the ids that it does not have.

        Refuses with NOT_AN_APPROVAL, changing nothing, if one of them is another kind of message.
        """
        decision = await decide(self._database, app.number, sorted(message_ids), closed=closed)
        self._on_change(decision.events)
        return decision.missing

    async def drained(self) -> None:
        """Wait until every accepted change is written."""
        await self._changes.drained()

    async def _write(self, changes: list[StatusChange]) -> Sequence[Missing]:
        missing = await apply_status_changes(self._database, changes)
        self._on_change(
            [
                MailboxEvent("status", change.recipient.platform_code, (change.recipient.user_id,), tuple(changed))
                for change, absent in zip(changes, missing, strict=True)
                if (changed := change.message_ids - absent)
            ]
        )
        return missing
