"""Idempotency keys: which request made which message. A key is claimed for a day.

The keys of a statement are of one cell: the one of the app's own platform that has its keys (`Draft.app_cell`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays


class IdempotencyKey(NamedTuple):
    """A request id of an app. Sorts as the primary key does."""

    cell: int
    app_number: int
    request_id: str


class Claim(NamedTuple):
    """A request that made (or is about to make) a message; `digest` is a hash of the request."""

    key: IdempotencyKey
    digest: bytes
    message_id: int


async def claim(connection: Connection, claims: Sequence[Claim], now: int, oldest: int) -> dict[IdempotencyKey, Claim]:
    """Claim the keys that are free or were claimed before `oldest`; return the valid claim of every key.

    Keys, at least one, must be distinct and sorted. Waits for a transaction that is claiming the same key. Times are ms
    since 1970.
    """
    await connection.execute(
        """
        insert into idempotency_key as claim (cell, app_number, request_id, digest, message_id, created_at)
        select home.cell, app_number, request_id, digest, message_id, $6
        from feed_head as home
        cross join unnest($2::int[], $3::text[], $4::bytea[], $5::bigint[])
            as new_claim (app_number, request_id, digest, message_id)
        where home.cell = $1
        on conflict (cell, app_number, request_id) do update
        set digest = excluded.digest, message_id = excluded.message_id, created_at = excluded.created_at
        where claim.created_at < $7
        """,
        *_key_parameters([item.key for item in claims]),
        [item.digest for item in claims],
        [item.message_id for item in claims],
        now,
        oldest,
    )
    return await find(connection, [item.key for item in claims], oldest)


async def release(connection: Connection, claims: Sequence[Claim]) -> None:
    """Release keys, at least one, that this transaction has claimed, because their requests make no message."""
    await connection.execute(
        """
        delete from idempotency_key as claim
        using unnest($2::int[], $3::text[]) as key (app_number, request_id)
        where claim.cell = $1 and claim.app_number = key.app_number and claim.request_id = key.request_id
        """,
        *_key_parameters([item.key for item in claims]),
    )


async def find(connection: Connection, keys: Sequence[IdempotencyKey], oldest: int) -> dict[IdempotencyKey, Claim]:
    """Return the claims of these keys, at least one, that are not older than `oldest` (ms since 1970)."""
    rows = await connection.fetch(
        """
        select claim.cell, claim.app_number, claim.request_id, claim.digest, claim.message_id
        from unnest($2::int[], $3::text[]) as key (app_number, request_id)
        join idempotency_key as claim
            on claim.cell = $1 and claim.app_number = key.app_number and claim.request_id = key.request_id
        where claim.created_at >= $4
        """,
        *_key_parameters(keys),
        oldest,
    )
    claims = (Claim(IdempotencyKey(*key), digest, message_id) for *key, digest, message_id in rows)
    return {claim.key: claim for claim in claims}


def _key_parameters(keys: Sequence[IdempotencyKey]) -> tuple[object, ...]:
    cells, *columns = column_arrays(keys, len(IdempotencyKey._fields))
    return (cells[0], *columns)


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` keys that were claimed before `oldest` (ms since 1970); return how many."""
    status = await connection.execute(
        """
        delete from idempotency_key as claim
        using (
            select cell, app_number, request_id
            from idempotency_key
            where created_at < $1
            order by created_at
            limit $2
        ) as old
        where claim.cell = old.cell
            and claim.app_number = old.app_number
            and claim.request_id = old.request_id
            and claim.created_at < $1
        """,
        oldest,
        limit,
    )
    return affected_rows(status)
