"""Where people can be reached. Values are sealed."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.channels.codes import ContactKind


class Contact(NamedTuple):
    """A contact point of a user. Nothing is sent to a disabled one. Times are ms since 1970.

    `app_number` is the app that wrote it; None for an import or an operator.
    """

    value_sealed: bytes
    disabled_at: int | None = None
    disabled_reason: str | None = None
    changed_at: int = 0
    app_number: int | None = None


class ContactKey(NamedTuple):
    """Which contact point of which user. It sorts like the primary key."""

    user_id: str
    kind: ContactKind


class SealedContact(NamedTuple):
    """A contact point to store."""

    user_id: str
    kind: ContactKind
    value_sealed: bytes


async def read(connection: Connection, cell: int, user_ids: Collection[str]) -> dict[str, dict[ContactKind, Contact]]:
    """Return the contact points of users of a cell, disabled ones as well; a user without any is left out."""
    rows = await connection.fetch(
        """
        select user_id, kind, value_sealed, disabled_at, disabled_reason, changed_at, app_number
        from contact_point
        where cell = $1 and user_id = any($2)
        order by user_id, kind
        """,
        cell,
        sorted(user_ids),
    )
    contacts: dict[str, dict[ContactKind, Contact]] = {}
    for user_id, kind, *values in rows:
        contacts.setdefault(user_id, {})[kind] = Contact(*values)
    return contacts


async def write(
    connection: Connection, cell: int, contacts: Iterable[SealedContact], *, app_number: int | None, now: int
) -> None:
    """Add contact points of users of a cell, or replace them. A replaced one is enabled again."""
    await connection.execute(
        """
        insert into contact_point (cell, user_id, kind, value_sealed, app_number, changed_at)
        select home.cell, new.user_id, new.kind, new.value_sealed, $5, $6
        from feed_head as home
        cross join unnest($2::text[], $3::text[], $4::bytea[]) as new (user_id, kind, value_sealed)
        where home.cell = $1
        on conflict (cell, user_id, kind) do update
        set value_sealed = excluded.value_sealed,
            app_number = excluded.app_number,
            changed_at = excluded.changed_at,
            disabled_at = null,
            disabled_reason = null
        """,
        cell,
        *column_arrays(sorted(contacts), len(SealedContact._fields)),
        app_number,
        now,
    )


async def disable(
    connection: Connection, cell: int, user_id: str, kind: ContactKind, *, value_sealed: bytes, reason: str, now: int
) -> None:
    """Send nothing to a contact point any more, until it is replaced. `now` is in ms since 1970.

    One that has another value than `value_sealed` by now was replaced meanwhile, and stays as it is.
    """
    await connection.execute(
        """
        update contact_point
        set disabled_at = $5, disabled_reason = $4
        where cell = $1 and user_id = $2 and kind = $3 and disabled_at is null and value_sealed = $6
        """,
        cell,
        user_id,
        kind,
        reason,
        now,
        value_sealed,
    )


async def remove(connection: Connection, cell: int, keys: Iterable[ContactKey]) -> int:
    """Remove contact points of users of a cell; return how many there were."""
    status = await connection.execute(
        """
        delete from contact_point
        where cell = $1
            and (user_id, kind) in (select * from unnest($2::text[], $3::text[]))
        """,
        cell,
        *column_arrays(sorted(keys), len(ContactKey._fields)),
    )
    return affected_rows(status)


async def remove_all(connection: Connection, cell: int, user_ids: Collection[str]) -> int:
    """Remove all contact points of users of a cell; return how many there were."""
    status = await connection.execute(
        "delete from contact_point where cell = $1 and user_id = any($2)", cell, sorted(user_ids)
    )
    return affected_rows(status)


async def count_by_kind(connection: Connection, cell: int) -> dict[ContactKind, int]:
    """Return how many contact points a cell has, without the disabled ones."""
    rows = await connection.fetch(
        """
        select kind, count(*)
        from contact_point
        where cell = $1 and disabled_at is null
        group by kind
        """,
        cell,
    )
    return {row["kind"]: row["count"] for row in rows}
