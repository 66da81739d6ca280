"""People, invitations, and who looks after which app."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.person import Person, Role

PERSON = (
    "p.number, p.login, p.name, p.role, p.disabled_at is not null as disabled,"
    " p.second_factor_sealed is not null as has_second_factor,"
    " p.one_time_until"
)


class PersonRecord(NamedTuple):
    """A person with what only the login may see."""

    person: Person
    created_at: int
    password_hash: str
    second_factor_sealed: bytes | None
    recovery_left: int


class Invitation(NamedTuple):
    """An invitation to sign up that is still open."""

    number: int
    role: Role
    note: str
    created_at: int
    expires_at: int
    created_by: str


def person_of(row: asyncpg.Record) -> Person:
    """Return the person of a row that has the columns of one."""
    names = ("number", "login", "name", "role", "disabled", "has_second_factor", "one_time_until")
    return Person(**{name: row[name] for name in names})


def _record(row: asyncpg.Record) -> PersonRecord:
    rest = (row[name] for name in ("created_at", "password_hash", "second_factor_sealed", "recovery_left"))
    return PersonRecord(person_of(row), *rest)


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
    """Add a person and return the number; None if the login is taken."""
    number: int | None = await connection.fetchval(
        "insert into person (login, name, role, password_hash, created_at, one_time_until)"
        " values ($1, $2, $3, $4, $5, $6)"
        " on conflict (login) do nothing returning number",
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
        f"select {PERSON}, p.created_at, p.password_hash, p.second_factor_sealed,"
        " cardinality(p.recovery_digests) as recovery_left from person p"
        " where case when $1::text is null then p.number = $2 else p.login = $1 end",
        login,
        number,
    )
    return _record(row) if row else None


async def list_people(connection: Connection) -> list[PersonRecord]:
    """Return everyone, by login."""
    rows = await connection.fetch(
        f"select {PERSON}, p.created_at, p.password_hash, p.second_factor_sealed,"
        " cardinality(p.recovery_digests) as recovery_left from person p order by p.login limit 10000"
    )
    return [_record(row) for row in rows]


async def set_password(
    connection: Connection, number: int, password_hash: str, *, one_time_until: int | None = None
) -> None:
    """Give a person another password; a one-time password has to be changed, and holds until a time (ms since 1970)."""
    await connection.execute(
        "update person set password_hash = $2, one_time_until = $3 where number = $1",
        number,
        password_hash,
        one_time_until,
    )


async def renew_hash(connection: Connection, number: int, password_hash: str) -> None:
    """Store the hash of the same password anew."""
    await connection.execute("update person set password_hash = $2 where number = $1", number, password_hash)


async def lock_people(connection: Connection, numbers: Iterable[int]) -> dict[int, Person]:
    """Return people by their numbers, and keep them as they are until the transaction ends."""
    rows = await connection.fetch(
        f"select {PERSON} from person p where p.number = any($1) order by p.number for update",
        sorted(set(numbers)),
    )
    return {row["number"]: person_of(row) for row in rows}


async def set_role(connection: Connection, number: int, role: Role) -> None:
    """Make a person a developer or an operator."""
    await connection.execute("update person set role = $2 where number = $1", number, role)


async def set_person_disabled(connection: Connection, number: int, disabled_at: int | None) -> None:
    """Keep a person from logging in from a time on (ms since 1970), or let them in again with None."""
    await connection.execute("update person set disabled_at = $2 where number = $1", number, disabled_at)


async def set_second_factor(
    connection: Connection, number: int, sealed: bytes | None, recovery_digests: Sequence[bytes]
) -> None:
    """Store a TOTP secret and the recovery codes beside it, or remove both."""
    await connection.execute(
        "update person set second_factor_sealed = $2, recovery_digests = $3, second_factor_step = 0 where number = $1",
        number,
        sealed,
        recovery_digests,
    )


async def use_step(connection: Connection, number: int, step: int) -> bool:
    """Note that the code of a time step is used; return False if it or a later one was used before."""
    status = await connection.execute(
        "update person set second_factor_step = $2 where number = $1 and second_factor_step < $2", number, step
    )
    return status != "UPDATE 0"


async def use_recovery_code(connection: Connection, number: int, digest: bytes) -> bool:
    """Take a recovery code away; return whether there was one."""
    status = await connection.execute(
        "update person set recovery_digests = array_remove(recovery_digests, $2)"
        " where number = $1 and $2 = any(recovery_digests)",
        number,
        digest,
    )
    return status != "UPDATE 0"


async def operators_left(connection: Connection) -> int:
    """Return how many operators may log in. Runs in a transaction, which no other such transaction overtakes."""
    rows = await connection.fetch(
        "select number from person where role = 'operator' and disabled_at is null order by number for update"
    )
    return len(rows)


async def count_other_operators(connection: Connection, but: Sequence[int]) -> int:
    """Return how many operators besides some may log in."""
    others: int = await connection.fetchval(
        "select count(*) from person where role = 'operator' and disabled_at is null and number <> all($1)", but
    )
    return others


async def names_of(connection: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """Return the names of people by their numbers."""
    rows = await connection.fetch("select number, name from person where number = any($1)", numbers)
    return {row["number"]: row["name"] for row in rows}


# --- Invitations ----------------------------------------------------------------------------------------------------


async def insert_invitation(
    connection: Connection, digest: bytes, *, role: Role, note: str, created_by: int, now: int, expires_at: int
) -> None:
    """Add an invitation."""
    await connection.execute(
        "insert into invitation (digest, role, note, created_by, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        digest,
        role,
        note,
        created_by,
        now,
        expires_at,
    )


_OPEN = (
    " i.used_at is null and i.revoked_at is null and p.role = 'operator' and p.disabled_at is null and i.expires_at > "
)
"""Of an invitation i and its maker p. Whoever may not invite any more has no invitations either."""


async def open_invitation(connection: Connection, digest: bytes, now: int) -> Role | None:
    """Return the role that an open invitation is for, None if it is unknown, used, revoked or too old."""
    role: Role | None = await connection.fetchval(
        f"select i.role from invitation i join person p on p.number = i.created_by where i.digest = $1 and {_OPEN} $2",
        digest,
        now,
    )
    return role


async def use_invitation(connection: Connection, digest: bytes, now: int) -> tuple[Role, int] | None:
    """Use up an open invitation and return its role and whose it is; None if there is none."""
    row = await connection.fetchrow(
        "update invitation i set used_at = $2 from person p"
        f" where p.number = i.created_by and i.digest = $1 and {_OPEN} $2 returning i.role, i.created_by",
        digest,
        now,
    )
    return None if row is None else (row["role"], row["created_by"])


async def open_invitations(connection: Connection, now: int) -> list[Invitation]:
    """Return the invitations that are still open, the newest first."""
    rows = await connection.fetch(
        "select i.number, i.role, i.note, i.created_at, i.expires_at, p.login from invitation i"
        f" join person p on p.number = i.created_by where {_OPEN} $1 order by i.created_at desc limit 200",
        now,
    )
    return [Invitation(*row) for row in rows]


async def revoke_invitation(connection: Connection, number: int, now: int) -> Role | None:
    """End an open invitation and return its role; None if there is none."""
    role: Role | None = await connection.fetchval(
        "update invitation i set revoked_at = $2 from person p"
        f" where p.number = i.created_by and i.number = $1 and {_OPEN} $2 returning i.role",
        number,
        now,
    )
    return role


async def revoke_invitations_of(connection: Connection, person_number: int, now: int) -> None:
    """End all invitations that a person has made."""
    await connection.execute(
        "update invitation set revoked_at = $2 where created_by = $1 and used_at is null and revoked_at is null",
        person_number,
        now,
    )


# --- Who looks after which app --------------------------------------------------------------------------------------


async def add_member(connection: Connection, app_number: int, person_number: int, now: int) -> bool:
    """Let a person look after an app; return False if they do already."""
    status = await connection.execute(
        "insert into app_member (app_number, person_number, created_at) values ($1, $2, $3) on conflict do nothing",
        app_number,
        person_number,
        now,
    )
    return status != "INSERT 0 0"


async def remove_member(connection: Connection, app_number: int, person_number: int) -> bool:
    """End that; return False if they did not."""
    status = await connection.execute(
        "delete from app_member where app_number = $1 and person_number = $2", app_number, person_number
    )
    return status != "DELETE 0"


async def members(connection: Connection, app_number: int) -> list[Person]:
    """Return who looks after an app, the longest first. In a transaction, the rows are locked."""
    rows = await connection.fetch(
        f"select {PERSON} from app_member m join person p on p.number = m.person_number"
        " where m.app_number = $1 order by m.created_at, p.number for update of m",
        app_number,
    )
    return [person_of(row) for row in rows]


async def app_numbers_of(connection: Connection, person_number: int) -> list[int]:
    """Return the apps that a person looks after."""
    rows = await connection.fetch(
        "select app_number from app_member where person_number = $1 order by app_number", person_number
    )
    return [row[0] for row in rows]


# --- Settings -------------------------------------------------------------------------------------------------------


async def portal_setting(connection: Connection, name: str) -> str | None:
    """Return a setting that operators change in the portal."""
    value: str | None = await connection.fetchval("select value from portal_setting where name = $1", name)
    return value


async def set_portal_setting(connection: Connection, name: str, value: str) -> None:
    """Change a setting."""
    await connection.execute(
        "insert into portal_setting (name, value) values ($1, $2) on conflict (name) do update set value = $2",
        name,
        value,
    )
