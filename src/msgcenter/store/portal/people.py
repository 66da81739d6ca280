"""People: developers and operators who log in at the portal."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.person import Person, Role

PERSON_COLUMNS = """
    person.number, person.login, person.name, person.role, person.disabled_at is not null as disabled,
    person.second_factor_sealed is not null as has_second_factor, person.one_time_until
"""
"""The columns of `person_of`, from the table `person`."""
_RECORD_COLUMNS = f"""
    {PERSON_COLUMNS}, person.created_at, person.password_hash, person.second_factor_sealed,
    cardinality(person.recovery_digests) as recovery_left
"""


class PersonRecord(NamedTuple):
    """A person with the data that only the login may see. `created_at` is ms since 1970.

    `recovery_left` is the number of unused recovery codes.
    """

    person: Person
    created_at: int
    password_hash: str
    second_factor_sealed: bytes | None
    recovery_left: int


def person_of(row: asyncpg.Record) -> Person:
    """Return the person of a row that has the columns `PERSON_COLUMNS`."""
    names = ("number", "login", "name", "role", "disabled", "has_second_factor", "one_time_until")
    return Person(**{name: row[name] for name in names})


def _record_of(row: asyncpg.Record) -> PersonRecord:
    return PersonRecord(
        person_of(row), row["created_at"], row["password_hash"], row["second_factor_sealed"], row["recovery_left"]
    )


async def insert_person(
    connection: Connection,
    *,
    login: str,
    name: str,
    role: Role,
    password_hash: str,
    now: int,
    one_time_until: int | None = None,
) -> int | None:
    """Add a person; return the number, or None if the login is taken. Times are ms since 1970.

    With `one_time_until`, the password is a one-time password, valid until that time.
    """
    number: int | None = await connection.fetchval(
        """
        insert into person (login, name, role, password_hash, created_at, one_time_until)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (login) do nothing
        returning number
        """,
        login,
        name,
        role,
        password_hash,
        now,
        one_time_until,
    )
    return number


async def find_person(connection: Connection, *, login: str | None = None, number: int = 0) -> PersonRecord | None:
    """Return a person by login or by number."""
    row = await connection.fetchrow(
        f"""
        select {_RECORD_COLUMNS}
        from person
        where case when $1::text is null then person.number = $2 else person.login = $1 end
        """,
        login,
        number,
    )
    return _record_of(row) if row else None


async def list_people(connection: Connection) -> list[PersonRecord]:
    """Return up to 10,000 people, ordered by login."""
    rows = await connection.fetch(f"select {_RECORD_COLUMNS} from person order by person.login limit 10000")
    return [_record_of(row) for row in rows]


async def names_of(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the names of people by their numbers."""
    rows = await connection.fetch("select number, name from person where number = any($1)", numbers)
    return {row["number"]: row["name"] for row in rows}


async def lock_people(connection: Connection, numbers: Iterable[int]) -> dict[int, Person]:
    """Return people by their numbers, locked until the transaction ends."""
    rows = await connection.fetch(
        f"select {PERSON_COLUMNS} from person where person.number = any($1) order by person.number for update",
        sorted(set(numbers)),
    )
    return {row["number"]: person_of(row) for row in rows}


async def set_role(connection: Connection, number: int, role: Role) -> None:
    """Set a person's role."""
    await connection.execute("update person set role = $2 where number = $1", number, role)


async def set_person_disabled(connection: Connection, number: int, disabled_at: int | None) -> None:
    """Disable a person's login at a time (ms since 1970), or enable it with None."""
    await connection.execute("update person set disabled_at = $2 where number = $1", number, disabled_at)


async def operators_left(connection: Connection) -> int:
    """Lock the operators who may log in until the transaction ends; return how many there are.

    The lock makes concurrent transactions that call this wait for each other.
    """
    rows = await connection.fetch(
        "select number from person where role = 'operator' and disabled_at is null order by number for update"
    )
    return len(rows)


async def count_other_operators(connection: Connection, excluded: Sequence[int]) -> int:
    """Return how many operators may log in, without those whose numbers are `excluded`."""
    operators: int = await connection.fetchval(
        "select count(*) from person where role = 'operator' and disabled_at is null and number <> all($1)", excluded
    )
    return operators


# --- Password and second factor -------------------------------------------------------------------------------------


async def set_password(
    connection: Connection, number: int, password_hash: str, *, one_time_until: int | None = None
) -> None:
    """Set a person's password; with `one_time_until`, a one-time password that is valid until then (ms since 1970)."""
    await connection.execute(
        "update person set password_hash = $2, one_time_until = $3 where number = $1",
        number,
        password_hash,
        one_time_until,
    )


async def renew_hash(connection: Connection, number: int, password_hash: str) -> None:
    """Replace the hash of the same password."""
    await connection.execute("update person set password_hash = $2 where number = $1", number, password_hash)


async def set_second_factor(
    connection: Connection, number: int, sealed: bytes | None, recovery_digests: Sequence[bytes]
) -> None:
    """Store a TOTP secret and the recovery codes that belong to it, or remove both."""
    await connection.execute(
        "update person set second_factor_sealed = $2, recovery_digests = $3, second_factor_step = 0 where number = $1",
        number,
        sealed,
        recovery_digests,
    )


async def use_step(connection: Connection, number: int, step: int) -> bool:
    """Mark the code of a time step as used; return False if this code or a later one was used before."""
    status = await connection.execute(
        "update person set second_factor_step = $2 where number = $1 and second_factor_step < $2", number, step
    )
    return affected_rows(status) > 0


async def use_recovery_code(connection: Connection, number: int, digest: bytes) -> bool:
    """Remove a recovery code; return False if there is no such code."""
    status = await connection.execute(
        """
        update person
        set recovery_digests = array_remove(recovery_digests, $2)
        where number = $1 and $2 = any(recovery_digests)
        """,
        number,
        digest,
    )
    return affected_rows(status) > 0
