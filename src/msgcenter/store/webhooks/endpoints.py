"""The endpoints that apps have registered for webhooks."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.webhook import STATUS_KINDS, PauseReason

_COLUMNS = (
    "number, app_number, endpoint_id, url, events, secret_sealed, created_at, paused_at, pause_reason, failing_since,"
    " next_attempt_at, previous_secret_until"
)


class Endpoint(NamedTuple):
    """A registered endpoint. Times are ms since 1970; one that fails as a whole is tried at `next_attempt_at`."""

    number: int
    app_number: int
    endpoint_id: str
    url: str
    events: tuple[str, ...]
    secret_sealed: bytes
    created_at: int
    paused_at: int | None
    pause_reason: PauseReason | None
    failing_since: int | None
    next_attempt_at: int | None
    previous_secret_until: int | None


class Waiting(NamedTuple):
    """What waits for an endpoint: so many events, and when (ms since 1970) the first failed delivery is due again."""

    events: int
    due_at: int | None


class Owner(NamedTuple):
    """Whose a message is, and whether that app is told when it is set read or unread."""

    message_id: int
    app_number: int
    told: bool


def _endpoint(row: asyncpg.Record) -> Endpoint:
    return Endpoint(**{**dict(row), "events": tuple(row["events"])})


async def insert_endpoint(
    connection: Connection,
    *,
    app_number: int,
    endpoint_id: str,
    url: str,
    events: Sequence[str],
    secret_sealed: bytes,
    limit: int,
    now: int,
) -> bool:
    """Add an endpoint to an app; return False if the app has `limit` of them already. Runs inside a transaction."""
    await _lock_app(connection, app_number)
    count = await connection.fetchval("select count(*) from webhook_endpoint where app_number = $1", app_number)
    if count >= limit:
        return False
    await connection.execute(
        "insert into webhook_endpoint (app_number, endpoint_id, url, events, secret_sealed, created_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        app_number,
        endpoint_id,
        url,
        events,
        secret_sealed,
        now,
    )
    await _sum_up(connection, app_number)
    return True


async def list_endpoints(connection: Connection, app_number: int) -> list[Endpoint]:
    """Return an app's endpoints, the oldest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from webhook_endpoint where app_number = $1 order by number",
        app_number,
    )
    return [_endpoint(row) for row in rows]


async def find_endpoint(connection: Connection, app_number: int, endpoint_id: str) -> Endpoint | None:
    """Return an app's endpoint."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from webhook_endpoint where endpoint_id = $2 and app_number = $1",
        app_number,
        endpoint_id,
    )
    return _endpoint(row) if row else None


async def waiting(connection: Connection, endpoint_numbers: Sequence[int]) -> dict[int, Waiting]:
    """Return what of each endpoint is not delivered yet."""
    rows = await connection.fetch(
        "select k.n, (select count(*) from webhook_event v where v.endpoint_number = k.n)"
        " + (select coalesce(sum(d.event_count), 0) from webhook_delivery d"
        " where d.endpoint_number = k.n and d.state = 'pending') as events,"
        " (select d.next_attempt_at from webhook_delivery d where d.endpoint_number = k.n and d.state = 'pending'"
        " order by d.next_attempt_at limit 1) as due_at from unnest($1::int[]) as k (n)",
        endpoint_numbers,
    )
    return {row["n"]: Waiting(int(row["events"]), row["due_at"]) for row in rows}


async def set_url(connection: Connection, number: int, url: str) -> None:
    """Give an endpoint another URL; what has failed at the old one is tried there at once."""
    await connection.execute("update webhook_endpoint set url = $2 where number = $1", number, url)
    await start_afresh(connection, number)


async def set_events(connection: Connection, endpoint: Endpoint, events: Sequence[str]) -> None:
    """Set what an endpoint is told. Runs inside a transaction."""
    await _lock_app(connection, endpoint.app_number)
    await connection.execute("update webhook_endpoint set events = $2 where number = $1", endpoint.number, events)
    await _sum_up(connection, endpoint.app_number)


async def pause(connection: Connection, number: int, reason: PauseReason, now: int) -> None:
    """Send nothing more to an endpoint; what is for it is kept. A pause from before stays what it is."""
    await connection.execute(
        "update webhook_endpoint set paused_at = $3, pause_reason = $2 where number = $1 and paused_at is null",
        number,
        reason,
        now,
    )


async def resume(connection: Connection, number: int) -> None:
    """Go on with an endpoint, at once."""
    await connection.execute(
        "update webhook_endpoint set paused_at = null, pause_reason = null where number = $1", number
    )
    await start_afresh(connection, number)


async def start_afresh(connection: Connection, number: int) -> None:
    """Forget that an endpoint has failed: it is tried at once."""
    await connection.execute(
        "update webhook_endpoint set attempts = 0, next_attempt_at = null, failing_since = null where number = $1",
        number,
    )


async def replace_secret(
    connection: Connection, number: int, sealed: bytes, *, previous_until: int, repeated_after: int
) -> None:
    """Give an endpoint another secret; the one so far is used beside it until `previous_until` (ms since 1970).

    If the last rotation's end lies after `repeated_after`, this one repeats it: the secret before that one is kept.
    """
    await connection.execute(
        "update webhook_endpoint set previous_secret_until = $3, secret_sealed = $2, previous_secret_sealed ="
        " case when previous_secret_until > $4 then previous_secret_sealed else secret_sealed end where number = $1",
        number,
        sealed,
        previous_until,
        repeated_after,
    )


async def delete_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    """Delete an endpoint and all that is for it. Runs inside a transaction."""
    await _lock_app(connection, endpoint.app_number)
    # The row first: no transaction records an event for it any more.
    await connection.execute("delete from webhook_endpoint where number = $1", endpoint.number)
    await connection.execute("delete from webhook_event where endpoint_number = $1", endpoint.number)
    await connection.execute("delete from webhook_delivery where endpoint_number = $1", endpoint.number)
    await _sum_up(connection, endpoint.app_number)


async def owners(connection: Connection, message_ids: Sequence[int]) -> list[Owner]:
    """Return whose messages these are."""
    rows = await connection.fetch(
        "select m.id, m.app_number, a.webhook_events && $2::text[] as told"
        " from message m join app a on a.number = m.app_number where m.id = any($1)",
        message_ids,
        sorted(STATUS_KINDS),
    )
    return [Owner(*row) for row in rows]


async def _lock_app(connection: Connection, app_number: int) -> None:
    await connection.execute("select from app where number = $1 for no key update", app_number)


async def _sum_up(connection: Connection, app_number: int) -> None:
    """Let the app's row say what its endpoints want, all together."""
    await connection.execute(
        "update app set webhook_events = array(select distinct k from webhook_endpoint e"
        " cross join lateral unnest(e.events) as k where e.app_number = $1 order by k) where number = $1",
        app_number,
    )
