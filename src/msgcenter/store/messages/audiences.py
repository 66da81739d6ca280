"""Audience chunks: who was addressed, up to 1,000 sorted user ids a row, stored once per content and bucket.

An audience is the list of its chunks' digests. Content addressing is what keeps a message cheap on disk: the same
class, grade or school is written once a bucket, not once a message (docs/decisions/).
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgcenter.database.database import Connection

CHUNK_SIZE = 1_000
"""User ids per row; also how many receivers one fan-out transaction serves."""
_WORTH_A_LOOK = 500
"""User ids from which on it pays to ask first which chunks are stored already."""


class Chunk(NamedTuple):
    """A part of an audience. `digest` and `bucket` are its key; digests decide the order of locks."""

    digest: bytes
    bucket: int
    user_ids: tuple[str, ...]


def chunks_of(receivers: tuple[str, ...], bucket: int) -> list[Chunk]:
    """Cut sorted receivers into chunks, in order."""
    return [
        Chunk(_digest(part), bucket, part)
        for part in (receivers[start : start + CHUNK_SIZE] for start in range(0, len(receivers), CHUNK_SIZE))
    ]


def _digest(user_ids: tuple[str, ...]) -> bytes:
    # A user id has no control characters, so the separator cannot stand inside one.
    return sha256("\n".join(user_ids).encode()).digest()


async def insert_chunks(connection: Connection, chunks: Iterable[Chunk]) -> None:
    """Store the chunks that are not there yet."""
    wanted = {(chunk.digest, chunk.bucket): chunk for chunk in chunks}
    if sum(len(chunk.user_ids) for chunk in wanted.values()) > _WORTH_A_LOOK:
        # The usual case of a class or a school: it is there, so its user ids need not travel.
        for key in await _present(connection, list(wanted)):
            del wanted[key]
    ordered = [wanted[key] for key in sorted(wanted)]
    if ordered:
        await connection.execute(
            "insert into audience_chunk (digest, bucket, user_ids)"
            " select d, b, string_to_array(u, E'\\n') from unnest($1::bytea[], $2::int[], $3::text[]) as t (d, b, u)"
            " on conflict (digest, bucket) do nothing",
            [chunk.digest for chunk in ordered],
            [chunk.bucket for chunk in ordered],
            ["\n".join(chunk.user_ids) for chunk in ordered],
        )


async def _present(connection: Connection, keys: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    rows = await connection.fetch(
        "select c.digest, c.bucket from unnest($1::bytea[], $2::int[]) as t (d, b)"
        " join audience_chunk c on c.digest = t.d and c.bucket = t.b",
        [digest for digest, _ in keys],
        [bucket for _, bucket in keys],
    )
    return [(row["digest"], row["bucket"]) for row in rows]


async def first_user_ids(
    connection: Connection, keys: Iterable[tuple[bytes, int]], limit: int
) -> Mapping[tuple[bytes, int], tuple[str, ...]]:
    """Return up to `limit` user ids of each of these chunks (digest, bucket)."""
    ordered = sorted(set(keys))
    rows = await connection.fetch(
        "select c.digest, c.bucket, c.user_ids[1:$3] as user_ids from unnest($1::bytea[], $2::int[]) as t (d, b)"
        " join audience_chunk c on c.digest = t.d and c.bucket = t.b",
        [digest for digest, _ in ordered],
        [bucket for _, bucket in ordered],
        limit,
    )
    return {(row["digest"], row["bucket"]): tuple(row["user_ids"]) for row in rows}


async def read_chunks(connection: Connection, bucket: int, digests: Sequence[bytes]) -> Mapping[bytes, tuple[str, ...]]:
    """Return the user ids of chunks by digest."""
    rows = await connection.fetch(
        "select digest, user_ids from audience_chunk where digest = any($1) and bucket = $2", digests, bucket
    )
    return {row["digest"]: tuple(row["user_ids"]) for row in rows}
