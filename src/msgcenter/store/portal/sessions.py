"""Who is logged in at the portal, and how often logging in has failed."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.person import Person
from msgcenter.store.portal.people import PERSON, person_of


class SessionRecord(NamedTuple):
    """A browser in which a person is logged in. Times are ms since 1970."""

    digest: bytes
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str


async def insert_session(connection: Connection, person_number: int, session: SessionRecord) -> None:
    """Add a session."""
    await connection.execute(
        "insert into portal_session (person_number, digest, created_at, seen_at, expires_at, address, agent)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        person_number,
        *session,
    )


async def find_session(
    connection: Connection, digest: bytes, now: int, idle_since: int
) -> tuple[Person, SessionRecord] | None:
    """Return a session that holds at `now` and was used after `idle_since`, and whose it is."""
    row = await connection.fetchrow(
        f"select {PERSON},"
        " s.digest, s.created_at, s.seen_at, s.expires_at, s.address, s.agent"
        " from portal_session s join person p on p.number = s.person_number"
        " where s.digest = $1 and s.expires_at > $2 and s.seen_at > $3 and p.disabled_at is null",
        digest,
        now,
        idle_since,
    )
    return None if row is None else (person_of(row), SessionRecord(*tuple(row)[-len(SessionRecord._fields) :]))


async def touch_session(connection: Connection, digest: bytes, now: int, address: str) -> None:
    """Note that a session was used."""
    await connection.execute(
        "update portal_session set seen_at = $2, address = $3 where digest = $1", digest, now, address
    )


async def sessions_of(connection: Connection, person_number: int, now: int, idle_since: int) -> list[SessionRecord]:
    """Return a person's sessions that hold at `now` and were used after `idle_since`, the one used last first."""
    rows = await connection.fetch(
        "select digest, created_at, seen_at, expires_at, address, agent from portal_session"
        " where person_number = $1 and expires_at > $2 and seen_at > $3 order by seen_at desc limit 200",
        person_number,
        now,
        idle_since,
    )
    return [SessionRecord(*row) for row in rows]


async def delete_session(connection: Connection, person_number: int, digest: bytes) -> bool:
    """End one session of a person; return False if there is none."""
    status = await connection.execute(
        "delete from portal_session where person_number = $1 and digest = $2", person_number, digest
    )
    return status != "DELETE 0"


async def delete_sessions(connection: Connection, person_number: int, but: bytes = b"") -> int:
    """End all sessions of a person but one; return how many."""
    status = await connection.execute(
        "delete from portal_session where person_number = $1 and digest <> $2", person_number, but
    )
    return int(status.rpartition(" ")[2])


async def delete_old_sessions(connection: Connection, now: int, limit: int) -> int:
    """Delete up to `limit` sessions that have ended; return how many."""
    status = await connection.execute(
        "delete from portal_session where digest = any(array("
        "select digest from portal_session where expires_at <= $1 order by expires_at limit $2))",
        now,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def count_attempt(connection: Connection, bucket: str, now: int, window_ms: int) -> tuple[int, int]:
    """Count an attempt before it is looked at; return how many there were in this window and when it began."""
    row = await connection.fetchrow(
        "insert into throttle as t (bucket, failures, since) values ($1, 1, $2)"
        " on conflict (bucket) do update set"
        " failures = case when t.since <= $2 - $3::bigint then 1 else t.failures + 1 end,"
        " since = case when t.since <= $2 - $3::bigint then $2 else t.since end"
        " returning failures, since",
        bucket,
        now,
        window_ms,
    )
    assert row is not None
    return row["failures"], row["since"]


async def forgive_attempt(connection: Connection, bucket: str, *, all_of_them: bool) -> None:
    """Take back an attempt that succeeded, or forget all that failed before it as well."""
    if all_of_them:
        await connection.execute("delete from throttle where bucket = $1", bucket)
    else:
        await connection.execute("update throttle set failures = greatest(failures - 1, 0) where bucket = $1", bucket)


async def delete_old_throttles(connection: Connection, before: int, limit: int) -> int:
    """Delete up to `limit` counts of windows that began before a time; return how many."""
    status = await connection.execute(
        "delete from throttle where bucket = any(array("
        "select bucket from throttle where since <= $1 order by since limit $2))",
        before,
        limit,
    )
    return int(status.rpartition(" ")[2])
