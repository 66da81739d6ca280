"""Topics of an app and their subscribers."""

from collections.abc import Collection, Iterable
from itertools import groupby

from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App, Platform, Recipient
from msgcenter.domain.audience import is_org_audience, receivers_of
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audit
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.directory.recipients import ever_members
from msgcenter.store.mailboxes import topics
from msgcenter.store.messages.audiences import by_cell


class Topics:
    """Subscribes users to an app's topics. A topic belongs to an app on a platform; its first subscription creates it.

    The audit log records how many subscriptions began or ended, not whose.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscribe(
        self, app: App, name: str, user_ids: Iterable[str], *, platform_code: str | None = None, by: Actor
    ) -> int:
        """Subscribe 1-1,000 users to what is sent to a topic from now on. Return how many were not subscribed before.

        Creates the topic if it is new. Refuses with NOT_AUTHORISED (platform, sandbox).
        """
        platform = app.platform_for(platform_code)
        subscribers = receivers_of(user_ids)
        app.check_receivers(subscribers)
        return await self._subscribe(app, platform, name, subscribers, by=by)

    @transactional
    async def _subscribe(
        self,
        connection: Connection,
        app: App,
        platform: Platform,
        name: str,
        subscribers: tuple[str, ...],
        *,
        by: Actor,
    ) -> int:
        number = await topics.ensure_topic(connection, app.number, platform.code, name, now_ms())
        new = 0
        for cell, user_ids in by_cell(platform, subscribers):
            new += await topics.subscribe(connection, number, cell, user_ids)
        if new:
            data = {"platform": platform.code, "users": new}
            await audit.record(connection, by, "topic.subscribe", name, now=now_ms(), app_number=app.number, **data)
        return new

    async def unsubscribe(
        self, app: App, name: str, user_ids: Iterable[str], *, platform_code: str | None = None, by: Actor
    ) -> int:
        """End the subscriptions of 1-1,000 users and return how many ended. The users keep what they received.

        Refuses with NOT_AUTHORISED (platform), AUDIENCE_UNKNOWN (topic) or FIELD_MALFORMED (userIds).
        """
        platform = app.platform_for(platform_code)
        subscribers = list(user_ids)
        recipients = [platform.recipient(user_id) for user_id in subscribers]
        await check_old_user_ids(self._database, recipients, "userIds[{}]")
        return await self._unsubscribe(app, platform, name, subscribers, by=by)

    @transactional
    async def _unsubscribe(
        self, connection: Connection, app: App, platform: Platform, name: str, subscribers: list[str], *, by: Actor
    ) -> int:
        number = await _number(connection, app, platform, name)
        ended = 0
        for cell, user_ids in by_cell(platform, receivers_of(subscribers)):
            ended += await topics.unsubscribe(connection, number, cell, user_ids)
        if ended:
            data = {"platform": platform.code, "users": ended}
            await audit.record(connection, by, "topic.unsubscribe", name, now=now_ms(), app_number=app.number, **data)
        return ended

    async def subscribers(
        self, app: App, name: str, *, platform_code: str | None, cursor: str | None, limit: int
    ) -> ListPage[str, str]:
        """Return up to `limit` subscribers in the order of their ids.

        Refuses with NOT_AUTHORISED (platform) or AUDIENCE_UNKNOWN (topic).
        """
        platform = app.platform_for(platform_code)
        async with self._database.connection() as connection:
            number = await _number(connection, app, platform, name)
            user_ids = await topics.subscribers(connection, number, platform.all_cells, cursor or "", limit + 1)
        return cut_page(user_ids, limit, lambda user_id: user_id)


async def topic_readers(database: Database, topic_number: int, recipients: Collection[Recipient]) -> list[str]:
    """Return the ids of those of the recipients whom the events of a topic or of an audience of organisations concern.

    They are or were subscribed, or members.
    """
    readers: list[str] = []
    async with database.connection() as connection:
        audience = await find_audience(connection, topic_number) if is_org_audience(topic_number) else None
    for cell, cell_recipients in groupby(sorted(recipients), key=lambda recipient: recipient.cell):
        user_ids = [recipient.user_id for recipient in cell_recipients]
        async with database.connection() as connection:
            if audience is None:
                readers += await topics.ever_subscribed(connection, topic_number, cell, user_ids)
            else:
                readers += await ever_members(connection, audience, cell, user_ids)
    return readers


async def _number(connection: Connection, app: App, platform: Platform, name: str) -> int:
    number = await topics.find_topic(connection, app.number, platform.code, name)
    if number is None:
        raise Refusal(Reason.AUDIENCE_UNKNOWN)
    return number
