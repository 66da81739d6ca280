"""The state of the database and of the work that waits in it, for the health page and the metrics."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.migrate import SchemaError, pending_migrations
from msgcenter.store.channels.deliveries import Queue, queues
from msgcenter.store.messages.node_lease import RunningServer, running_servers
from msgcenter.store.webhooks.due import due_since


class WebhookCounts(NamedTuple):
    """Numbers of webhooks: all, those that fail at present, and paused ones."""

    all: int
    failing: int
    paused: int


class ChannelHealth(NamedTuple):
    """The gateways that are on, how many of them are paused because they fail, and what is due by channel."""

    gateways: int
    paused: int
    queues: list[Queue]

    @property
    def oldest_due(self) -> int | None:
        """Since when the oldest delivery is due, in ms since 1970."""
        return min((queue.oldest_due for queue in self.queues), default=None)


class DatabaseHealth(NamedTuple):
    """The state of the database at one moment. `size` is in bytes.

    `migrations_pending` is None if a newer version of MsgCenter has used the database. `oldest_due` is the time (ms
    since 1970) since when the oldest webhook event or delivery could have been sent. `servers` are on all machines.
    """

    version: str
    size: int
    sessions: int
    max_sessions: int
    migrations: int
    migrations_pending: int | None
    jobs_waiting: int
    jobs_running: int
    jobs_held: int
    webhooks: WebhookCounts
    oldest_due: int | None
    channels: ChannelHealth
    servers: list[RunningServer]


async def ping(connection: Connection) -> None:
    """Make a round trip to the database."""
    await connection.fetchval("select 1")


async def health(connection: Connection, now: int) -> DatabaseHealth:
    """Return the state of the database at `now` (ms since 1970)."""
    server = await connection.fetchrow(
        """
        select current_setting('server_version') as version,
            pg_database_size(current_database()) as size,
            (select count(*) from pg_stat_activity where backend_type = 'client backend') as sessions,
            current_setting('max_connections')::int as max_sessions,
            (select count(*) from schema_migration) as migrations
        """
    )
    assert server is not None
    rows = await connection.fetch("select status::text, count(*) from pgqueuer group by status")
    jobs = {row["status"]: row["count"] for row in rows}
    webhooks = await connection.fetchrow(
        """
        select count(*),
            count(*) filter (where paused_at is null and attempts > 0),
            count(*) filter (where paused_at is not null)
        from webhook_endpoint
        """
    )
    assert webhooks is not None
    return DatabaseHealth(
        version=str(server["version"]).split(maxsplit=1)[0],
        size=server["size"],
        sessions=server["sessions"],
        max_sessions=server["max_sessions"],
        migrations=server["migrations"],
        migrations_pending=await _count_pending_migrations(connection),
        jobs_waiting=jobs.get("queued", 0),
        jobs_running=jobs.get("picked", 0),
        jobs_held=jobs.get("failed", 0),
        webhooks=WebhookCounts(*webhooks),
        oldest_due=await due_since(connection, now),
        channels=await channel_health(connection, now),
        servers=await running_servers(connection),
    )


async def channel_health(connection: Connection, now: int) -> ChannelHealth:
    """Return the state of channels at `now` (ms since 1970)."""
    row = await connection.fetchrow(
        """
        select count(*) as gateways, count(*) filter (where coalesce(paused_until, 0) > $1 or failures > 0) as paused
        from channel_gateway
        where disabled_at is null
        """,
        now,
    )
    assert row is not None
    return ChannelHealth(row["gateways"], row["paused"], await queues(connection, now) if row["gateways"] else [])


async def _count_pending_migrations(connection: Connection) -> int | None:
    try:
        return len(await pending_migrations(connection))
    except SchemaError:
        return None
