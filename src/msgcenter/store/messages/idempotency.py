"""Idempotency keys: which request made which message, for a day."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection


class IdempotencyKey(NamedTuple):
    """A request id of an app, as unique as the primary key."""

    app_number: int
    request_id: str


class Claim(NamedTuple):
    """A request that made (or is about to make) a message."""

    key: IdempotencyKey
    digest: bytes
    message_id: int


async def claim(connection: Connection, claims: Sequence[Claim], now: int, oldest: int) -> dict[IdempotencyKey, Claim]:
    """Take the keys that are free or whose claim is older than `oldest`; return the standing claim of every key.

    Keys must be distinct and sorted. A key that another transaction is taking is waited for.
    """
    columns = list(zip(*((*item.key, item.digest, item.message_id) for item in claims), strict=True))
    await connection.execute(
        "insert into idempotency_key as k (app_number, request_id, digest, message_id, created_at)"
        " select a, r, d, m, $5 from unnest($1::int[], $2::text[], $3::bytea[], $4::bigint[]) as t (a, r, d, m)"
        " on conflict (app_number, request_id) do update"
        " set digest = excluded.digest, message_id = excluded.message_id, created_at = excluded.created_at"
        " where k.created_at < $6",
        *columns,
        now,
        oldest,
    )
    return await find(connection, [item.key for item in claims], oldest)


async def release(connection: Connection, claims: Sequence[Claim]) -> None:
    """Let go of keys that this transaction has taken: no message is made of their requests."""
    await connection.execute(
        "delete from idempotency_key k using unnest($1::int[], $2::text[]) as t (a, r)"
        " where k.app_number = t.a and k.request_id = t.r",
        [item.key.app_number for item in claims],
        [item.key.request_id for item in claims],
    )


async def find(connection: Connection, keys: Sequence[IdempotencyKey], oldest: int) -> dict[IdempotencyKey, Claim]:
    """Return the claims of these keys that are not older than `oldest` (ms since 1970)."""
    rows = await connection.fetch(
        "select k.app_number, k.request_id, k.digest, k.message_id"
        " from unnest($1::int[], $2::text[]) as t (a, r)"
        " join idempotency_key k on k.app_number = t.a and k.request_id = t.r where k.created_at >= $3",
        [key.app_number for key in keys],
        [key.request_id for key in keys],
        oldest,
    )
    claims = (
        Claim(IdempotencyKey(row["app_number"], row["request_id"]), row["digest"], row["message_id"]) for row in rows
    )
    return {claim.key: claim for claim in claims}


async def delete_old(connection: Connection, oldest: int, limit: int) -> int:
    """Delete up to `limit` keys claimed before `oldest` (ms since 1970); return how many."""
    status = await connection.execute(
        "delete from idempotency_key k using (select app_number, request_id from idempotency_key"
        " where created_at < $1 order by created_at limit $2) old"
        " where k.app_number = old.app_number and k.request_id = old.request_id and k.created_at < $1",
        oldest,
        limit,
    )
    return int(status.rpartition(" ")[2])
