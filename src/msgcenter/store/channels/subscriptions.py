"""The browsers that get push messages of users. Endpoints and keys are sealed."""

from collections.abc import Collection
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


class Subscription(NamedTuple):
    """A subscription of a user. `label` names the browser. Times are ms since 1970.

    `app_number` is the app whose messages it gets, None for all apps.
    """

    digest: bytes
    label: str
    sealed: bytes
    created_at: int
    succeeded_at: int | None = None
    app_number: int | None = None


async def read(
    connection: Connection, cell: int, user_ids: Collection[str], app_number: int
) -> dict[str, list[Subscription]]:
    """Return the subscriptions of users of a cell that get an app's messages; a user without any is left out."""
    rows = await connection.fetch(
        """
        select user_id, digest, label, sealed, created_at, succeeded_at, app_number
        from push_subscription
        where cell = $1 and user_id = any($2) and (app_number is null or app_number = $3)
        order by user_id, created_at, digest
        """,
        cell,
        sorted(user_ids),
        app_number,
    )
    subscriptions: dict[str, list[Subscription]] = {}
    for user_id, *values in rows:
        subscriptions.setdefault(user_id, []).append(Subscription(*values))
    return subscriptions


async def list_own(connection: Connection, cell: int, user_id: str, app_number: int | None) -> list[Subscription]:
    """Return a user's subscriptions, the newest first: those for one app, or all with None."""
    rows = await connection.fetch(
        """
        select digest, label, sealed, created_at, succeeded_at, app_number
        from push_subscription
        where cell = $1 and user_id = $2 and ($3::int is null or app_number = $3)
        order by created_at desc, digest
        """,
        cell,
        user_id,
        app_number,
    )
    return [Subscription(*row) for row in rows]


async def add(connection: Connection, cell: int, user_id: str, subscription: Subscription) -> None:
    """Add a subscription of a user, or replace the one with its digest."""
    await connection.execute(
        """
        insert into push_subscription (cell, user_id, digest, label, sealed, created_at, app_number)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (cell, user_id, digest) do update
        set label = excluded.label,
            sealed = excluded.sealed,
            created_at = excluded.created_at,
            app_number = excluded.app_number
        """,
        cell,
        user_id,
        subscription.digest,
        subscription.label,
        subscription.sealed,
        subscription.created_at,
        subscription.app_number,
    )


async def keep_newest(connection: Connection, cell: int, user_id: str, limit: int) -> int:
    """Remove all but the newest `limit` subscriptions of a user; return how many were removed."""
    status = await connection.execute(
        """
        delete from push_subscription
        where cell = $1 and user_id = $2 and digest = any(array(
            select digest
            from push_subscription
            where cell = $1 and user_id = $2
            order by created_at desc, digest
            offset $3
        ))
        """,
        cell,
        user_id,
        limit,
    )
    return affected_rows(status)


async def note_success(connection: Connection, cell: int, user_id: str, digest: bytes, now: int) -> None:
    """Record that the push service has accepted a message for a subscription."""
    await connection.execute(
        "update push_subscription set succeeded_at = $4 where cell = $1 and user_id = $2 and digest = $3",
        cell,
        user_id,
        digest,
        now,
    )


async def remove(connection: Connection, cell: int, user_id: str, digest: bytes) -> bool:
    """Remove a subscription; return whether there was one."""
    status = await connection.execute(
        "delete from push_subscription where cell = $1 and user_id = $2 and digest = $3", cell, user_id, digest
    )
    return affected_rows(status) == 1


async def remove_gone(connection: Connection, cell: int, user_id: str, digest: bytes, sealed: bytes) -> None:
    """Remove a subscription that its push service no longer knows, unless the browser has subscribed again since."""
    await connection.execute(
        "delete from push_subscription where cell = $1 and user_id = $2 and digest = $3 and sealed = $4",
        cell,
        user_id,
        digest,
        sealed,
    )


async def take(connection: Connection, cell: int, user_id: str, digest: bytes) -> Subscription | None:
    """Remove a subscription and return it; None if there is none."""
    row = await connection.fetchrow(
        """
        delete from push_subscription
        where cell = $1 and user_id = $2 and digest = $3
        returning digest, label, sealed, created_at, succeeded_at, app_number
        """,
        cell,
        user_id,
        digest,
    )
    return None if row is None else Subscription(*row)


async def remove_all(connection: Connection, cell: int, user_ids: Collection[str]) -> int:
    """Remove all subscriptions of users of a cell; return how many there were."""
    status = await connection.execute(
        "delete from push_subscription where cell = $1 and user_id = any($2)", cell, sorted(user_ids)
    )
    return affected_rows(status)
