"""Audience chunks: up to 1,000 sorted user ids a row, stored once per content and bucket.

An audience is the list of its chunks' digests. Content addressing keeps a message small on disk: the same class, grade
or school is stored once per bucket, not once per message (docs/decisions/0002-audience-chunks.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays

CHUNK_SIZE = 1_000
"""User ids per row; also the number of receivers that one fan-out transaction serves."""
_LOOK_UP_ABOVE = 500
"""With more user ids than this, it pays to look up first which chunks are already stored."""


class Chunk(NamedTuple):
    """A part of an audience. `digest` and `bucket` are its key; digests decide the order of locks."""

    digest: bytes
    bucket: int
    user_ids: tuple[str, ...]


def chunks_of(receivers: tuple[str, ...], bucket: int) -> list[Chunk]:
    """Split sorted receivers into chunks, in order."""
    return [
        Chunk(_digest(part), bucket, part)
        for part in (receivers[start : start + CHUNK_SIZE] for start in range(0, len(receivers), CHUNK_SIZE))
    ]


def _digest(user_ids: tuple[str, ...]) -> bytes:
    # A user id has no control characters, so it cannot contain the separator.
    return sha256("\n".join(user_ids).encode()).digest()


async def insert_chunks(connection: Connection, chunks: Iterable[Chunk]) -> None:
    """Store the chunks that are not stored yet."""
    chunks_by_key = {(chunk.digest, chunk.bucket): chunk for chunk in chunks}
    if sum(len(chunk.user_ids) for chunk in chunks_by_key.values()) > _LOOK_UP_ABOVE:
        # The usual case of a class or a school: it is stored, so its user ids need not be sent to the database.
        for key in await _stored_keys(connection, list(chunks_by_key)):
            del chunks_by_key[key]
    ordered = [chunks_by_key[key] for key in sorted(chunks_by_key)]
    if ordered:
        await connection.execute(
            r"""
            insert into audience_chunk (digest, bucket, user_ids)
            select digest, bucket, string_to_array(user_ids, E'\n')
            from unnest($1::bytea[], $2::int[], $3::text[]) as chunk (digest, bucket, user_ids)
            on conflict (digest, bucket) do nothing
            """,
            [chunk.digest for chunk in ordered],
            [chunk.bucket for chunk in ordered],
            ["\n".join(chunk.user_ids) for chunk in ordered],
        )


async def _stored_keys(connection: Connection, keys: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    rows = await connection.fetch(
        """
        select chunk.digest, chunk.bucket
        from unnest($1::bytea[], $2::int[]) as key (digest, bucket)
        join audience_chunk as chunk on chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        *column_arrays(keys, 2),
    )
    return [(row["digest"], row["bucket"]) for row in rows]


async def first_user_ids(
    connection: Connection, keys: Iterable[tuple[bytes, int]], limit: int
) -> Mapping[tuple[bytes, int], tuple[str, ...]]:
    """Return up to `limit` user ids of each of these chunks, by digest and bucket."""
    rows = await connection.fetch(
        """
        select chunk.digest, chunk.bucket, chunk.user_ids[1:$3] as user_ids
        from unnest($1::bytea[], $2::int[]) as key (digest, bucket)
        join audience_chunk as chunk on chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        *column_arrays(sorted(set(keys)), 2),
        limit,
    )
    return {(row["digest"], row["bucket"]): tuple(row["user_ids"]) for row in rows}


async def read_chunks(connection: Connection, bucket: int, digests: Sequence[bytes]) -> Mapping[bytes, tuple[str, ...]]:
    """Return the user ids of chunks of one bucket, by digest."""
    rows = await connection.fetch(
        "select digest, user_ids from audience_chunk where digest = any($1) and bucket = $2", digests, bucket
    )
    return {row["digest"]: tuple(row["user_ids"]) for row in rows}
