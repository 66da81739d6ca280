"""Audience chunks: up to 1,000 sorted user ids of one cell in a row, stored once per content and bucket.

An audience is the list of its chunks. Content addressing keeps a message small on disk: the same class, grade or school
is stored once per bucket, not once per message (docs/decisions/0002-audience-chunks.md).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays
from msgcenter.domain.account import Platform
from msgcenter.domain.message import AudienceChunk

CHUNK_SIZE = 1_000
"""User ids per row; also the number of receivers that one fan-out transaction serves."""
LARGE_CHUNK = 32
"""With this many user ids, it pays to look up first whether a chunk is stored."""


class Chunk(NamedTuple):
    """A part of an audience. `cell`, `digest` and `bucket` are its key, which decides the order of locks."""

    cell: int
    digest: bytes
    bucket: int
    user_ids: tuple[str, ...]

    @property
    def part(self) -> AudienceChunk:
        """The chunk as a message names it."""
        return AudienceChunk(self.cell, self.digest)


def chunks_of(platform: Platform, receivers: tuple[str, ...], bucket: int) -> list[Chunk]:
    """Split sorted receivers into chunks, in order: cell by cell."""
    return [
        Chunk(cell, _digest(part), bucket, part)
        for cell, user_ids in by_cell(platform, receivers)
        for part in (user_ids[start : start + CHUNK_SIZE] for start in range(0, len(user_ids), CHUNK_SIZE))
    ]


def by_cell(platform: Platform, user_ids: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """Return users by their cells, in order."""
    if platform.cells == 1:
        return [(platform.first_cell, user_ids)] if user_ids else []
    cells: dict[int, list[str]] = {}
    for user_id in user_ids:
        cells.setdefault(platform.cell_of(user_id), []).append(user_id)
    return [(cell, tuple(cells[cell])) for cell in sorted(cells)]


def _digest(user_ids: tuple[str, ...]) -> bytes:
    # A user id has no control characters, so it cannot contain the separator.
    return sha256("\n".join(user_ids).encode()).digest()


async def insert_chunks(connection: Connection, cell: int, chunks: Iterable[Chunk]) -> set[AudienceChunk]:
    """Store the chunks of a cell that are not stored yet. Return the large ones that were stored before."""
    chunks_by_key = {(chunk.digest, chunk.bucket): chunk for chunk in chunks}
    # The usual case of a class or a school: it is stored, so its user ids need not be sent to the database.
    large = [key for key, chunk in chunks_by_key.items() if len(chunk.user_ids) >= LARGE_CHUNK]
    stored = await _stored_keys(connection, cell, large) if large else []
    for key in stored:
        del chunks_by_key[key]
    ordered = [chunks_by_key[key] for key in sorted(chunks_by_key)]
    if ordered:
        await connection.execute(
            r"""
            insert into audience_chunk (cell, digest, bucket, user_ids)
            select home.cell, digest, bucket, string_to_array(user_ids, E'\n')
            from feed_head as home
            cross join unnest($2::bytea[], $3::int[], $4::text[]) as chunk (digest, bucket, user_ids)
            where home.cell = $1
            on conflict (cell, digest, bucket) do nothing
            """,
            cell,
            [chunk.digest for chunk in ordered],
            [chunk.bucket for chunk in ordered],
            ["\n".join(chunk.user_ids) for chunk in ordered],
        )
    return {AudienceChunk(cell, digest) for digest, _ in stored}


async def _stored_keys(connection: Connection, cell: int, keys: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    rows = await connection.fetch(
        """
        select chunk.digest, chunk.bucket
        from unnest($2::bytea[], $3::int[]) as key (digest, bucket)
        join audience_chunk as chunk on chunk.cell = $1 and chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        cell,
        *column_arrays(keys, 2),
    )
    return [(row["digest"], row["bucket"]) for row in rows]


async def first_user_ids(
    connection: Connection, keys: Iterable[tuple[AudienceChunk, int]], limit: int
) -> Mapping[tuple[AudienceChunk, int], tuple[str, ...]]:
    """Return up to `limit` user ids of each of these chunks, which are named with their buckets."""
    rows = await connection.fetch(
        """
        select chunk.cell, chunk.digest, chunk.bucket, chunk.user_ids[1:$4] as user_ids
        from unnest($1::int[], $2::bytea[], $3::int[]) as key (cell, digest, bucket)
        join audience_chunk as chunk
            on chunk.cell = key.cell and chunk.digest = key.digest and chunk.bucket = key.bucket
        """,
        *column_arrays(((*chunk, bucket) for chunk, bucket in sorted(set(keys))), 3),
        limit,
    )
    return {(AudienceChunk(row["cell"], row["digest"]), row["bucket"]): tuple(row["user_ids"]) for row in rows}


async def read_chunks(
    connection: Connection, bucket: int, chunks: Collection[AudienceChunk]
) -> dict[AudienceChunk, tuple[str, ...]]:
    """Return the user ids of chunks of one bucket. Takes a statement for each cell."""
    digests: dict[int, list[bytes]] = {}
    for chunk in sorted(chunks):
        digests.setdefault(chunk.cell, []).append(chunk.digest)
    user_ids: dict[AudienceChunk, tuple[str, ...]] = {}
    for cell, cell_digests in digests.items():
        rows = await connection.fetch(
            "select digest, user_ids from audience_chunk where cell = $1 and digest = any($2) and bucket = $3",
            cell,
            cell_digests,
            bucket,
        )
        user_ids |= {AudienceChunk(cell, row["digest"]): tuple(row["user_ids"]) for row in rows}
    return user_ids
