"""Topics of an app: who is subscribed."""

from collections.abc import Iterable

from msgcenter.actions.mailboxes.old_user_ids import check_old_user_ids
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Recipient
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audit
from msgcenter.store.mailboxes import topics


class Topics:
    """Subscribes users to an app's topics. A topic belongs to an app on a platform, and is there once it had users.

    The audit log tells how many subscriptions began or ended, not whose.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscribe(
        self, app: App, name: str, user_ids: Iterable[str], *, platform_code: str | None = None, by: Actor
    ) -> int:
        """Subscribe 1-1,000 users from now on, the topic being made if it is new; return how many were not before.

        They get what is sent to the topic after this. Refuses with NOT_AUTHORISED (platform, sandbox).
        """
        platform = app.platform_for(platform_code)
        subscribers = receivers_of(user_ids)
        app.check_receivers(subscribers)

        async def write(connection: Connection) -> int:
            number = await topics.ensure_topic(connection, app.number, platform, name, now_ms())
            new = await topics.subscribe(connection, number, platform, subscribers)
            if new:
                told = {"platform": platform, "users": new}
                await audit.record(connection, by, "topic.subscribe", name, now=now_ms(), app_number=app.number, **told)
            return new

        return await self._database.in_transaction(write)

    async def unsubscribe(
        self, app: App, name: str, user_ids: Iterable[str], *, platform_code: str | None = None, by: Actor
    ) -> int:
        """End subscriptions of 1-1,000 users and return how many there were; what they got stays with them.

        Refuses with NOT_AUTHORISED (platform), AUDIENCE_UNKNOWN (topic) or FIELD_MALFORMED (userIds).
        """
        platform = app.platform_for(platform_code)
        subscribers = list(user_ids)
        await check_old_user_ids(self._database, [Recipient(one, platform) for one in subscribers], "userIds[{}]")

        async def write(connection: Connection) -> int:
            number = await _number(connection, app, platform, name)
            ended = await topics.unsubscribe(connection, number, platform, receivers_of(subscribers))
            if ended:
                told = {"platform": platform, "users": ended}
                await audit.record(
                    connection, by, "topic.unsubscribe", name, now=now_ms(), app_number=app.number, **told
                )
            return ended

        return await self._database.in_transaction(write)

    async def subscribers(
        self, app: App, name: str, *, platform_code: str | None, cursor: str | None, limit: int
    ) -> ListPage[str, str]:
        """Return up to `limit` subscribers. Refuses with NOT_AUTHORISED (platform) or AUDIENCE_UNKNOWN (topic)."""
        platform = app.platform_for(platform_code)
        async with self._database.connection() as connection:
            number = await _number(connection, app, platform, name)
            found = await topics.subscribers(connection, number, cursor or "", limit + 1)
        return cut_page(found, limit, lambda user_id: user_id)


async def _number(connection: Connection, app: App, platform_code: str, name: str) -> int:
    number = await topics.find_topic(connection, app.number, platform_code, name)
    if number is None:
        raise Refusal(Reason.AUDIENCE_UNKNOWN)
    return number
