"""Confirmations: requests of one operator that a second operator has to confirm."""

from typing import Literal, NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.person import Person
from msgcenter.store.portal.people import PERSON_COLUMNS, person_of

ConfirmationKind = Literal["operator", "enable", "reset", "second_factor"]


class Confirmation(NamedTuple):
    """An open request. Times are ms since 1970.

    `person` is the person concerned, known since `person_since`. `asked_by` is the number of the operator who asked,
    `asker` the login.
    """

    number: int
    kind: ConfirmationKind
    person: Person
    person_since: int
    asked_by: int
    asker: str
    asked_at: int
    expires_at: int
    half_sealed: bytes | None


# A request of a person who is no longer an operator does not count.
_REQUESTS = f"""
    select {PERSON_COLUMNS}, person.created_at, confirmation.number as request_number, confirmation.kind,
        confirmation.asked_by, asker.login as asker, confirmation.asked_at, confirmation.expires_at,
        confirmation.half_sealed
    from confirmation
    join person on person.number = confirmation.person_number
    join person as asker
        on asker.number = confirmation.asked_by and asker.role = 'operator' and asker.disabled_at is null
"""


def _confirmation_of(row: asyncpg.Record) -> Confirmation:
    return Confirmation(
        row["request_number"],
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
    """Add a request; return False if the same request is open. Times are ms since 1970.

    An expired request of the same kind for the same person is ended first.
    """
    await connection.execute(
        """
        update confirmation
        set decided_at = expires_at, confirmed = false, half_sealed = null
        where person_number = $1 and kind = $2 and decided_at is null and expires_at <= $3
        """,
        person_number,
        kind,
        now,
    )
    status = await connection.execute(
        """
        insert into confirmation (kind, person_number, asked_by, half_sealed, asked_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict do nothing
        """,
        kind,
        person_number,
        asked_by,
        half_sealed,
        now,
        expires_at,
    )
    return affected_rows(status) > 0


async def open_requests(connection: Connection, now: int) -> list[Confirmation]:
    """Return up to 500 open requests, the oldest first."""
    rows = await connection.fetch(
        f"""
        {_REQUESTS}
        where confirmation.decided_at is null and confirmation.expires_at > $1
        order by confirmation.number
        limit 500
        """,
        now,
    )
    return [_confirmation_of(row) for row in rows]


async def find_open(connection: Connection, number: int, now: int) -> Confirmation | None:
    """Return an open request."""
    row = await connection.fetchrow(
        f"""
        {_REQUESTS}
        where confirmation.number = $1 and confirmation.decided_at is null and confirmation.expires_at > $2
        """,
        number,
        now,
    )
    return None if row is None else _confirmation_of(row)


async def decide(connection: Connection, number: int, *, confirmed: bool, by: int, now: int) -> bool:
    """Store a decision by the operator with the number `by`; return False if the request was decided before."""
    status = await connection.execute(
        """
        update confirmation
        set decided_by = $2, decided_at = $3, confirmed = $4, half_sealed = null
        where number = $1 and decided_at is null
        """,
        number,
        by,
        now,
        confirmed,
    )
    return affected_rows(status) > 0


async def end_for(connection: Connection, person_number: int, now: int) -> None:
    """End all open requests that concern a person or were made by the person."""
    await connection.execute(
        """
        update confirmation
        set decided_at = $2, confirmed = false, half_sealed = null
        where decided_at is null and (person_number = $1 or asked_by = $1)
        """,
        person_number,
        now,
    )
