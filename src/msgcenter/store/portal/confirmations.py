"""What one operator has asked for and another has to confirm."""

from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.person import Person
from msgcenter.store.portal.people import PERSON, person_of

ConfirmationKind = Literal["operator", "enable", "reset", "second_factor"]


class Confirmation(NamedTuple):
    """A request that waits. `person` is whom it concerns, `asker` the login of who has asked. Times: ms since 1970."""

    number: int
    kind: ConfirmationKind
    person: Person
    person_since: int
    asked_by: int
    asker: str
    asked_at: int
    expires_at: int
    half_sealed: bytes | None


_COLUMNS = (
    f"{PERSON}, p.created_at, c.number as request, c.kind, c.asked_by, a.login as asker, c.asked_at, c.expires_at,"
    " c.half_sealed from confirmation c join person p on p.number = c.person_number"
    " join person a on a.number = c.asked_by and a.role = 'operator' and a.disabled_at is null"
)
"""Whoever is no operator any more has asked for nothing."""


def _confirmation(row: asyncpg.Record) -> Confirmation:
    return Confirmation(
        row["request"],
        row["kind"],
        person_of(row),
        row["created_at"],
        row["asked_by"],
        row["asker"],
        row["asked_at"],
        row["expires_at"],
        row["half_sealed"],
    )


async def insert(
    connection: Connection,
    kind: ConfirmationKind,
    person_number: int,
    *,
    asked_by: int,
    half_sealed: bytes | None,
    now: int,
    expires_at: int,
) -> bool:
    """Add a request; return False if the same is asked for already. What has expired makes room for it."""
    await connection.execute(
        "update confirmation set decided_at = expires_at, confirmed = false, half_sealed = null"
        " where person_number = $1 and kind = $2 and decided_at is null and expires_at <= $3",
        person_number,
        kind,
        now,
    )
    status = await connection.execute(
        "insert into confirmation (kind, person_number, asked_by, half_sealed, asked_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        kind,
        person_number,
        asked_by,
        half_sealed,
        now,
        expires_at,
    )
    return status != "INSERT 0 0"


async def open_requests(connection: Connection, now: int) -> list[Confirmation]:
    """Return what waits, the oldest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} where c.decided_at is null and c.expires_at > $1 order by c.number limit 500",
        now,
    )
    return [_confirmation(row) for row in rows]


async def find_open(connection: Connection, number: int, now: int) -> Confirmation | None:
    """Return a request that waits."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} where c.number = $1 and c.decided_at is null and c.expires_at > $2",
        number,
        now,
    )
    return None if row is None else _confirmation(row)


async def decide(connection: Connection, number: int, *, confirmed: bool, by: int, now: int) -> bool:
    """Note what was decided; return False if it was decided before."""
    status = await connection.execute(
        "update confirmation set decided_by = $2, decided_at = $3, confirmed = $4, half_sealed = null"
        " where number = $1 and decided_at is null",
        number,
        by,
        now,
        confirmed,
    )
    return status != "UPDATE 0"


async def end_for(connection: Connection, person_number: int, now: int) -> None:
    """End all requests that concern a person, or that the person has made."""
    await connection.execute(
        "update confirmation set decided_at = $2, confirmed = false, half_sealed = null"
        " where decided_at is null and (person_number = $1 or asked_by = $1)",
        person_number,
        now,
    )
