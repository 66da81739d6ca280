"""What the database says of itself and of the work that waits in it, for the health page and the metrics."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.migrate import SchemaError, pending_migrations


class WebhookCounts(NamedTuple):
    """Numbers of webhooks: all, those that fail at present, and paused ones."""

    all: int
    failing: int
    paused: int


class DatabaseHealth(NamedTuple):
    """The database at one moment. `oldest_due` is since when (ms since 1970) the oldest webhook could have gone out.

    `migrations_pending` is None if a newer version of ours has used it.
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


async def ping(connection: Connection) -> None:
    """Ask for nothing."""
    await connection.fetchval("select 1")


async def health(connection: Connection, now: int) -> DatabaseHealth:
    """Ask the database how it is; `now` is ms since 1970."""
    row = await connection.fetchrow(
        "select current_setting('server_version'), pg_database_size(current_database()),"
        " (select count(*) from pg_stat_activity where backend_type = 'client backend'),"
        " current_setting('max_connections')::int, (select count(*) from schema_migration)"
    )
    assert row is not None
    rows = await connection.fetch("select status::text, count(*) from pgqueuer group by 1")
    jobs = {row[0]: row[1] for row in rows}
    hooks = await connection.fetchrow(
        "select count(*), count(*) filter (where paused_at is null and attempts > 0),"
        " count(*) filter (where paused_at is not null) from webhook_endpoint"
    )
    assert hooks is not None
    return DatabaseHealth(
        version=str(row[0]).split(maxsplit=1)[0],
        size=row[1],
        sessions=row[2],
        max_sessions=row[3],
        migrations=row[4],
        migrations_pending=await _pending(connection),
        jobs_waiting=jobs.get("queued", 0),
        jobs_running=jobs.get("picked", 0),
        jobs_held=jobs.get("failed", 0),
        webhooks=WebhookCounts(*hooks),
        oldest_due=await _oldest_due(connection, now),
    )


async def _pending(connection: Connection) -> int | None:
    try:
        return len(await pending_migrations(connection))
    except SchemaError:
        return None


async def _oldest_due(connection: Connection, now: int) -> int | None:
    """Return since when the oldest event or delivery waits that could go out now; an index probe an endpoint each."""
    oldest: int | None = await connection.fetchval(
        "select min(least("
        "(select v.created_at from webhook_event v where v.endpoint_number = e.number order by v.id limit 1),"
        " (select d.next_attempt_at from webhook_delivery d where d.endpoint_number = e.number"
        " and d.state = 'pending' and d.next_attempt_at <= $1 order by d.next_attempt_at, d.id limit 1)))"
        " from webhook_endpoint e join app a on a.number = e.app_number"
        " where e.paused_at is null and a.disabled_at is null and coalesce(e.next_attempt_at, 0) <= $1",
        now,
    )
    return oldest
