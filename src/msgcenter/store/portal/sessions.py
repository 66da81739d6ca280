"""Sessions: the browsers in which people are logged in at the portal."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.person import Person
from msgcenter.store.portal.people import PERSON_COLUMNS, person_of


class SessionRecord(NamedTuple):
    """A session. `digest` is the hash of its token; times are ms since 1970."""

    digest: bytes
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str


async def insert_session(connection: Connection, person_number: int, session: SessionRecord) -> None:
    """Add a session of a person."""
    await connection.execute(
        """
        insert into portal_session (person_number, digest, created_at, seen_at, expires_at, address, agent)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        person_number,
        *session,
    )


async def find_session(
    connection: Connection, digest: bytes, now: int, idle_since: int
) -> tuple[Person, SessionRecord] | None:
    """Return a session that is valid at `now` and was used after `idle_since`, and its person."""
    row = await connection.fetchrow(
        f"""
        select {PERSON_COLUMNS}, session.digest, session.created_at, session.seen_at, session.expires_at,
            session.address, session.agent
        from portal_session as session join person on person.number = session.person_number
        where session.digest = $1
            and session.expires_at > $2
            and session.seen_at > $3
            and person.disabled_at is null
        """,
        digest,
        now,
        idle_since,
    )
    return None if row is None else (person_of(row), SessionRecord(*tuple(row)[-len(SessionRecord._fields) :]))


async def touch_session(connection: Connection, digest: bytes, now: int, address: str) -> None:
    """Store when a session was used last, and from which address."""
    await connection.execute(
        "update portal_session set seen_at = $2, address = $3 where digest = $1", digest, now, address
    )


async def sessions_of(connection: Connection, person_number: int, now: int, idle_since: int) -> list[SessionRecord]:
    """Return up to 200 sessions of a person that are valid at `now` and were used after `idle_since`.

    The session that was used last comes first.
    """
    rows = await connection.fetch(
        """
        select digest, created_at, seen_at, expires_at, address, agent
        from portal_session
        where person_number = $1 and expires_at > $2 and seen_at > $3
        order by seen_at desc
        limit 200
        """,
        person_number,
        now,
        idle_since,
    )
    return [SessionRecord(*row) for row in rows]


async def delete_session(connection: Connection, person_number: int, digest: bytes) -> bool:
    """End a session of a person; return False if there is no such session."""
    status = await connection.execute(
        "delete from portal_session where person_number = $1 and digest = $2", person_number, digest
    )
    return affected_rows(status) > 0


async def delete_sessions(connection: Connection, person_number: int, kept: bytes = b"") -> int:
    """End all sessions of a person except the one with the digest `kept`; return how many."""
    status = await connection.execute(
        "delete from portal_session where person_number = $1 and digest <> $2", person_number, kept
    )
    return affected_rows(status)


async def delete_old_sessions(connection: Connection, now: int, limit: int) -> int:
    """Delete up to `limit` sessions that have expired at `now` (ms since 1970); return how many."""
    status = await connection.execute(
        """
        delete from portal_session
        where digest = any(array(
            select digest from portal_session where expires_at <= $1 order by expires_at limit $2
        ))
        """,
        now,
        limit,
    )
    return affected_rows(status)
