"""Idempotency keys: which request made which message. A key is claimed for a day."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays


class IdempotencyKey(NamedTuple):
    """A request id of an app. Sorts as the primary key does."""

    app_number: int
    request_id: str


class Claim(NamedTuple):
    """A request that made (or is about to make) a message; `digest` is a hash of the request."""

    key: IdempotencyKey
    digest: bytes
    message_id: int


async def claim(connection: Connection, claims: Sequence[Claim], now: int, oldest: int) -> dict[IdempotencyKey, Claim]:
    """Claim the keys that are free or were claimed before `oldest`; return the valid claim of every key.

    Keys must be distinct and sorted. Waits for a transaction that is claiming the same key. Times are ms since 1970.
    """
    await connection.execute(
        """
        insert into idempotency_key as claim (app_number, request_id, digest, message_id, created_at)
        select app_number, request_id, digest, message_id, $5
        from unnest($1::int[], $2::text[], $3::bytea[], $4::bigint[])
            as new_claim (app_number, request_id, digest, message_id)
        on conflict (app_number, request_id) do update
        set digest = excluded.digest, message_id = excluded.message_id, created_at = excluded.created_at
        where claim.created_at < $6
        """,
        *column_arrays(((*item.key, item.digest, item.message_id) for item in claims), 4),
        now,
        oldest,
    )
    return await find(connection, [item.key for item in claims], oldest)


async def release(connection: Connection, claims: Sequence[Claim]) -> None:
    """Release keys that this transaction has claimed, because their requests make no message."""
    await connection.execute(
        """
        delete from idempotency_key as claim
        using unnest($1::int[], $2::text[]) as key (app_number, request_id)
        where claim.app_number = key.app_number and claim.request_id = key.request_id
        """,
        *column_arrays((item.key for item in claims), 2),
    )


async def find(connection: Connection, keys: Sequence[IdempotencyKey], oldest: int) -> dict[IdempotencyKey, Claim]:
    """Return the claims of these keys that are not older than `oldest` (ms since 1970)."""
    rows = await connection.fetch(
        """
        select claim.app_number, claim.request_id, claim.digest, claim.message_id
        from unnest($1::int[], $2::text[]) as key (app_number, request_id)
        join idempotency_key as claim
            on claim.app_number = key.app_number and claim.request_id = key.request_id
        where claim.created_at >= $3
        """,
        *column_arrays(keys, 2),
        oldest,
    )
    claims = (
        Claim(IdempotencyKey(row["app_number"], row["request_id"]), row["digest"], row["message_id"]) for row in rows
    )
    return {claim.key: claim for claim in claims}


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` keys that were claimed before `oldest` (ms since 1970); return how many."""
    status = await connection.execute(
        """
        delete from idempotency_key as claim
        using (
            select app_number, request_id
            from idempotency_key
            where created_at < $1
            order by created_at
            limit $2
        ) as old
        where claim.app_number = old.app_number and claim.request_id = old.request_id and claim.created_at < $1
        """,
        oldest,
        limit,
    )
    return affected_rows(status)
