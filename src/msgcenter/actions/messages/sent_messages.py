"""What an app does with messages that it has sent: recall them, update them, remind of them."""

from msgcenter.actions.messages.message_status import own_message
from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.content import Body, check_body
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import REMINDER_PAUSE_MS, Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import reach
from msgcenter.messaging import recall as recalls
from msgcenter.messaging import update as updates
from msgcenter.messaging.delivered_copies import delivered_copies
from msgcenter.messaging.update import MessageVersion
from msgcenter.store import audit
from msgcenter.store.messages import messages


class SentMessages:
    """The life of messages after their send. An id that no message can have is given as None.

    What `by` changes is written to the audit log with it; what was so already is no change.
    """

    def __init__(self, database: Database, *, on_change: Listener = ignore_events) -> None:
        self._database = database
        self._on_change = on_change
        self._counts = ReceiptCounts(database)

    async def recall(self, app: App, message_id: int | None, *, by: Actor) -> None:
        """Withdraw a message from every mailbox, or cancel it if it is still to be sent; once is enough.

        Refuses with MESSAGE_UNKNOWN, or NOT_AUTHORISED an announcement: `Announcements.recall` keeps its history.
        """
        if app.notices:
            rule = Phrase("公告请在公告页面撤回", "an announcement is recalled on its own page")
            raise Refusal(Reason.NOT_AUTHORISED, rule=rule)
        if message_id is None:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        self._on_change(await recalls.recall(self._database, app.number, message_id, by))

    async def update(self, app: App, message_id: int | None, body: Body, *, reset_read: bool, by: Actor) -> None:
        """Let a message say something else under its id, and be unread again if `reset_read`.

        A repetition of the update before it changes nothing. Refuses with FIELD_MALFORMED, MESSAGE_UNKNOWN (also when
        it has expired), ALREADY_RECALLED, or NOT_AUTHORISED if the app may not reach its audience any more.
        """
        check_body(body, app.app_schemes)
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
            await reach.check_message(connection, app, message)
        self._on_change(
            await updates.update(self._database, app.number, message.id, body, reset_read=reset_read, by=by)
        )

    async def versions(self, app: App, message_id: int | None) -> list[MessageVersion]:
        """Return what a message has said, the first version first. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            return await updates.versions(connection, await own_message(connection, app, message_id))

    async def remind(self, app: App, message_id: int | None, *, by: Actor) -> int:
        """Remind those who have not read a message of it, and return how many they are.

        Refuses with MESSAGE_UNKNOWN (also when it has expired), ALREADY_RECALLED, NOT_AUTHORISED if the app may not
        reach its audience any more, or RATE_EXCEEDED within an hour of the last reminder.
        """
        now = now_ms()
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
            state = message.state_at(now)
            if state is State.RECALLED:
                raise Refusal(Reason.ALREADY_RECALLED)
            if state is State.EXPIRED:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            await reach.check_message(connection, app, message)
        _, delivered, read = await self._counts.of(message)
        unread = delivered - read

        async def write(connection: Connection) -> list[MailboxEvent]:
            if not await messages.set_reminded(connection, message.id, now, now - REMINDER_PAUSE_MS):
                last = (await own_message(connection, app, message_id)).reminded_at or now
                seconds = max(1, (last + REMINDER_PAUSE_MS - now + 999) // 1_000)
                raise Refusal(Reason.RATE_EXCEEDED, seconds=seconds)
            await audit.record(
                connection, by, "message.remind", str(message.id), now=now, app_number=app.number, unread=unread
            )
            return await _reminders(connection, message)

        if unread:
            self._on_change(await self._database.in_transaction(write))
        return unread


async def _reminders(connection: Connection, message: Message) -> list[MailboxEvent]:
    if message.topic_number is not None:
        return [MailboxEvent("reminder", message.platform_code, (), (message.id,), message.topic_number)]
    return (await delivered_copies(connection, message)).events("reminder")
