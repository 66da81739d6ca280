"""What an app does with messages after it has sent them: recall, update, remind."""

from zoneinfo import ZoneInfo

from msgcenter.actions.channels.template_use import TemplateUse
from msgcenter.actions.messages.message_status import own_message
from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.channels.policy import Rules
from msgcenter.domain.channels.template import TemplateCall, UsedTemplate
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
from msgcenter.messaging.channels.plan import plan_reminder
from msgcenter.messaging.delivered_copies import delivered_copies
from msgcenter.store import audit
from msgcenter.store.channels import policy
from msgcenter.store.messages import messages
from msgcenter.store.messages import versions as message_versions
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.messages.versions import MessageVersion

_UTC = ZoneInfo("UTC")


class SentMessages:
    """Changes sent messages. A message id of None is an id that no message can have.

    Each change is written to the audit log in the name of `by`. No-op changes are not recorded.
    """

    def __init__(self, database: Database, *, zone: ZoneInfo = _UTC, on_change: Listener = ignore_events) -> None:
        self._database = database
        self._templates = TemplateUse(database, zone)
        self._on_change = on_change
        self._counts = ReceiptCounts(database)

    async def recall(self, app: App, message_id: int | None, *, by: Actor) -> None:
        """Remove a message from every mailbox, or cancel a scheduled one. Recalling it again changes nothing.

        Refuses with MESSAGE_UNKNOWN, or with NOT_AUTHORISED for an announcement: `Announcements.recall` also records
        the step in the announcement's history.
        """
        if app.notices:
            rule = Phrase("公告请在公告页面撤回", "an announcement is recalled on its own page")
            raise Refusal(Reason.NOT_AUTHORISED, rule=rule)
        if message_id is None:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        self._on_change(await recalls.recall(self._database, app.number, message_id, by))

    async def update(
        self, app: App, message_id: int | None, body: Body | TemplateCall, *, reset_read: bool, by: Actor
    ) -> None:
        """Update a message's content under the same id, and set it unread for everyone if `reset_read`.

        A repetition of the last update changes nothing. Refuses with FIELD_MALFORMED, MESSAGE_UNKNOWN (also for an
        expired message), ALREADY_RECALLED, or NOT_AUTHORISED if the app may not reach its audience any more.
        """
        if not isinstance(body, TemplateCall):
            check_body(body, app.app_schemes)
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
            await reach.check_message(connection, app, message)
        template: UsedTemplate | None = None
        if isinstance(body, TemplateCall):
            body, template = await self._templates.message(app, message.platform_code, body)
            check_body(body, app.app_schemes)
        self._on_change(
            await updates.update(
                self._database, app.number, message.id, body, template=template, reset_read=reset_read, by=by
            )
        )

    async def versions(self, app: App, message_id: int | None) -> list[MessageVersion]:
        """Return the versions of a message's content, oldest first. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            return await message_versions.versions(connection, await own_message(connection, app, message_id))

    async def remind(self, app: App, message_id: int | None, *, by: Actor) -> int:
        """Remind the recipients who have not read a message, also by its channels. Return how many there are.

        Refuses with MESSAGE_UNKNOWN (also for an expired message), ALREADY_RECALLED, NOT_AUTHORISED if the app may not
        reach its audience any more, or RATE_EXCEEDED within an hour of the last reminder.
        """
        async with self._database.connection() as connection:
            message = await own_message(connection, app, message_id)
            state = message.state_at(now_ms())
            if state is State.RECALLED:
                raise Refusal(Reason.ALREADY_RECALLED)
            if state is State.EXPIRED:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            await reach.check_message(connection, app, message)
            rules = (await policy.read_rules(connection, [message.platform_code])).get(message.platform_code)
        _, delivered, read = await self._counts.of(message)
        unread = delivered - read
        if unread:
            self._on_change(await self._set_reminded(app, message, rules, unread=unread, by=by))
        return unread

    @transactional
    async def _set_reminded(
        self, connection: Connection, app: App, message: Message, rules: Rules | None, *, unread: int, by: Actor
    ) -> list[MailboxEvent]:
        now = now_ms()
        if not await messages.set_reminded(connection, MessageKey.of(message), now, now - REMINDER_PAUSE_MS):
            reminded_at = (await own_message(connection, app, message.id)).reminded_at or now
            seconds = max(1, (reminded_at + REMINDER_PAUSE_MS - now + 999) // 1_000)
            raise Refusal(Reason.RATE_EXCEEDED, seconds=seconds)
        await plan_reminder(connection, app, message, rules, now)
        await audit.record(
            connection, by, "message.remind", str(message.id), now=now, app_number=app.number, unread=unread
        )
        if message.topic_number is not None:
            return [MailboxEvent("reminder", message.platform_code, (), (message.id,), message.topic_number)]
        return (await delivered_copies(connection, message)).events("reminder")
