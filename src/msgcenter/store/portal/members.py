"""Members of apps: which people manage which app."""

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows
from msgcenter.domain.person import Person
from msgcenter.store.portal.people import PERSON_COLUMNS, person_of


async def add_member(connection: Connection, app_number: int, person_number: int, now: int) -> bool:
    """Make a person a member of an app; return False if they are one already. `now` is ms since 1970."""
    status = await connection.execute(
        "insert into app_member (app_number, person_number, created_at) values ($1, $2, $3) on conflict do nothing",
        app_number,
        person_number,
        now,
    )
    return affected_rows(status) > 0


async def remove_member(connection: Connection, app_number: int, person_number: int) -> bool:
    """Remove a member from an app; return False if the person is not a member."""
    status = await connection.execute(
        "delete from app_member where app_number = $1 and person_number = $2", app_number, person_number
    )
    return affected_rows(status) > 0


async def members_of(connection: Connection, app_number: int) -> list[Person]:
    """Return the members of an app, the oldest membership first. Inside a transaction, the memberships are locked."""
    rows = await connection.fetch(
        f"""
        select {PERSON_COLUMNS}
        from app_member as member join person on person.number = member.person_number
        where member.app_number = $1
        order by member.created_at, person.number
        for update of member
        """,
        app_number,
    )
    return [person_of(row) for row in rows]


async def app_numbers_of(connection: Connection, person_number: int) -> list[int]:
    """Return the numbers of the apps that a person manages, in order."""
    rows = await connection.fetch(
        "select app_number from app_member where person_number = $1 order by app_number", person_number
    )
    return [row["app_number"] for row in rows]
