"""New accounts: their rules, and the row in the database."""

from typing import NamedTuple

from msgcenter.actions.portal.passwords import hash_of_new_password
from msgcenter.database.database import Connection
from msgcenter.domain.person import Actor, Person, Role, checked_login, checked_name
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit
from msgcenter.store.portal import people


class NewAccount(NamedTuple):
    """An account that follows the rules. `password_hash` is what is stored of its password."""

    login: str
    name: str
    role: Role
    password_hash: str


async def new_account(login: str, name: str, password: str, role: Role) -> NewAccount:
    """Return a new account. Refuses with FIELD_MALFORMED (login, name, password) what is not allowed."""
    login, name = checked_login(login), checked_name(name)
    return NewAccount(login, name, role, await hash_of_new_password(password, login, name))


async def insert_account(
    connection: Connection, account: NewAccount, *, by: Actor, now: int, one_time_until: int | None = None
) -> Person:
    """Insert an account in the caller's transaction; with `one_time_until` (ms since 1970) its password is one-time.

    Refuses with FIELD_MALFORMED (login) a login that is taken.
    """
    number = await people.insert_person(connection, **account._asdict(), now=now, one_time_until=one_time_until)
    if number is None:
        raise malformed("login", "已被使用", "is taken")
    await audit.record(connection, by, "person.create", account.login, now=now, role=account.role)
    return Person(
        number,
        account.login,
        account.name,
        account.role,
        disabled=False,
        has_second_factor=False,
        one_time_until=one_time_until,
    )
