"""Announcements, their versions, and the steps that were taken with them."""

from typing import NamedTuple

import asyncpg
import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.announcement import Announcement, State, Step, StepRecord, Version
from msgcenter.domain.content import body_type

_COLUMNS = (
    "a.number, a.version, a.state, a.created_by, a.created_at, a.changed_at, a.submitted_by, a.app_number, a.message_id"
)
_VERSION = "v.platform_code, v.kind, v.content, v.send_at, v.expires_at, v.version, v.edited_by, v.edited_at"


class AnnouncementRow(NamedTuple):
    """An announcement of a list, with what it says and the name of who began it."""

    announcement: Announcement
    version: Version
    created_by: str


def _version(row: asyncpg.Record) -> Version:
    return Version(
        platform_code=row["platform_code"],
        body=msgspec.json.decode(row["content"], type=body_type(row["kind"])),
        send_at=row["send_at"],
        expires_at=row["expires_at"],
        number=row["version"],
        edited_by=row["edited_by"],
        edited_at=row["edited_at"],
    )


async def insert(connection: Connection, created_by: int, now: int) -> int:
    """Add an announcement that has no version yet; return its number."""
    number: int = await connection.fetchval(
        "insert into announcement (version, state, created_by, created_at, changed_at) values (0, 'draft', $1, $2, $2)"
        " returning number",
        created_by,
        now,
    )
    return number


async def add_version(connection: Connection, number: int, version: Version) -> None:
    """Add a version and make it the present one."""
    await connection.execute(
        "insert into announcement_version"
        " (announcement_number, version, edited_by, edited_at, send_at, expires_at, platform_code, kind, content)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        number,
        version.number,
        version.edited_by,
        version.edited_at,
        version.send_at,
        version.expires_at,
        version.platform_code,
        version.kind,
        msgspec.json.encode(version.body).decode(),
    )
    await connection.execute("update announcement set version = $2 where number = $1", number, version.number)


async def find(connection: Connection, number: int, *, lock: bool = False) -> Announcement | None:
    """Return an announcement, with `lock` held until the transaction ends."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from announcement a where a.number = $1{' for update' if lock else ''}",
        number,
    )
    return Announcement(**dict(row)) if row else None


async def versions(connection: Connection, number: int) -> dict[int, Version]:
    """Return what an announcement has said, by the number of the version."""
    rows = await connection.fetch(
        f"select {_VERSION} from announcement_version v where v.announcement_number = $1 order by v.version",
        number,
    )
    return {row["version"]: _version(row) for row in rows}


async def find_version(connection: Connection, number: int, version: int) -> Version | None:
    """Return one version."""
    row = await connection.fetchrow(
        f"select {_VERSION} from announcement_version v where v.announcement_number = $1 and v.version = $2",
        number,
        version,
    )
    return _version(row) if row else None


async def steps(connection: Connection, number: int) -> list[StepRecord]:
    """Return what was done with an announcement, the first step first."""
    rows = await connection.fetch(
        "select step, version, person_number, at, reason from announcement_step where announcement_number = $1"
        " order by id",
        number,
    )
    return [StepRecord(*row) for row in rows]


async def set_state(connection: Connection, number: int, state: State, submitted_by: int | None, now: int) -> None:
    """Note where an announcement stands now."""
    await connection.execute(
        "update announcement set state = $2, submitted_by = $3, changed_at = $4 where number = $1",
        number,
        state,
        submitted_by,
        now,
    )


async def set_message(connection: Connection, number: int, app_number: int, message_id: int) -> None:
    """Note the message that an announcement became, and the app that it was sent as."""
    await connection.execute(
        "update announcement set app_number = $2, message_id = $3 where number = $1", number, app_number, message_id
    )


async def add_step(
    connection: Connection, number: int, step: Step, *, version: int, by: int, now: int, reason: str = ""
) -> None:
    """Note what was done."""
    await connection.execute(
        "insert into announcement_step (announcement_number, step, version, person_number, at, reason)"
        " values ($1, $2, $3, $4, $5, $6)",
        number,
        step,
        version,
        by,
        now,
        reason,
    )


async def list_announcements(
    connection: Connection, state: State | None, platform_code: str | None, before: int, limit: int
) -> list[AnnouncementRow]:
    """Return announcements with a number below `before`, the newest first; of a state or a platform, if given."""
    rows = await connection.fetch(
        f"select {_COLUMNS}, p.name, v.platform_code, v.kind, v.content, v.send_at, v.expires_at, v.edited_by,"
        " v.edited_at from announcement a"
        " join announcement_version v on v.announcement_number = a.number and v.version = a.version"
        " join person p on p.number = a.created_by"
        " where a.number < $3 and ($1::text is null or a.state = $1) and ($2::text is null or v.platform_code = $2)"
        " order by a.number desc limit $4",
        state,
        platform_code,
        before,
        limit,
    )
    names = Announcement.__struct_fields__
    return [
        AnnouncementRow(Announcement(**{name: row[name] for name in names}), _version(row), row["name"]) for row in rows
    ]


async def count_waiting(connection: Connection) -> int:
    """Return how many announcements wait for an approval."""
    waiting: int = await connection.fetchval("select count(*) from announcement where state = 'waiting'")
    return waiting
