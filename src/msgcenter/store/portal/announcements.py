"""Announcements, their versions, and the steps of their approval."""

from typing import NamedTuple

import asyncpg
import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import columns
from msgcenter.domain.announcement import Announcement, AnnouncementVersion, State, Step, StepRecord
from msgcenter.domain.audience import Organisations
from msgcenter.domain.content import body_type

_ANNOUNCEMENT = columns(
    "announcement",
    "number, version, state, created_by, created_at, changed_at, submitted_by, app_number, message_id",
)
_CONTENT = columns(
    "version",
    "platform_code, kind, content, send_at, expires_at, edited_by, edited_at, org_ids, roles, include_sub",
)
_VERSION = f"{_CONTENT}, version.version"


class AnnouncementRow(NamedTuple):
    """An announcement in a list, with its current version and the name of its author."""

    announcement: Announcement
    version: AnnouncementVersion
    created_by: str


def _version_of(row: asyncpg.Record) -> AnnouncementVersion:
    return AnnouncementVersion(
        platform_code=row["platform_code"],
        body=msgspec.json.decode(row["content"], type=body_type(row["kind"])),
        send_at=row["send_at"],
        expires_at=row["expires_at"],
        audience=None
        if row["org_ids"] is None
        else Organisations.of(row["org_ids"], row["roles"], include_sub=row["include_sub"]),
        number=row["version"],
        edited_by=row["edited_by"],
        edited_at=row["edited_at"],
    )


def _announcement_of(row: asyncpg.Record) -> Announcement:
    return Announcement(**{name: row[name] for name in Announcement.__struct_fields__})


async def insert(connection: Connection, created_by: int, now: int) -> int:
    """Add an announcement without a version; return its number. `now` is ms since 1970."""
    number: int = await connection.fetchval(
        """
        insert into announcement (version, state, created_by, created_at, changed_at)
        values (0, 'draft', $1, $2, $2)
        returning number
        """,
        created_by,
        now,
    )
    return number


async def add_version(connection: Connection, number: int, version: AnnouncementVersion) -> None:
    """Add a version and make it the current one."""
    await connection.execute(
        """
        insert into announcement_version
            (announcement_number, version, edited_by, edited_at, send_at, expires_at, platform_code, kind, content,
                org_ids, roles, include_sub)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        number,
        version.number,
        version.edited_by,
        version.edited_at,
        version.send_at,
        version.expires_at,
        version.platform_code,
        version.kind,
        msgspec.json.encode(version.body).decode(),
        None if version.audience is None else version.audience.org_ids,
        None if version.audience is None else version.audience.roles,
        version.audience is None or version.audience.include_sub,
    )
    await connection.execute("update announcement set version = $2 where number = $1", number, version.number)


async def find(connection: Connection, number: int, *, lock: bool = False) -> Announcement | None:
    """Return an announcement; `lock` locks it until the transaction ends."""
    row = await connection.fetchrow(
        f"select {_ANNOUNCEMENT} from announcement where announcement.number = $1 {'for update' if lock else ''}",
        number,
    )
    return _announcement_of(row) if row else None


async def versions(connection: Connection, number: int) -> dict[int, AnnouncementVersion]:
    """Return the versions of an announcement by their numbers."""
    rows = await connection.fetch(
        f"""
        select {_VERSION}
        from announcement_version as version
        where version.announcement_number = $1
        order by version.version
        """,
        number,
    )
    return {row["version"]: _version_of(row) for row in rows}


async def find_version(connection: Connection, number: int, version: int) -> AnnouncementVersion | None:
    """Return a version of an announcement."""
    row = await connection.fetchrow(
        f"""
        select {_VERSION}
        from announcement_version as version
        where version.announcement_number = $1 and version.version = $2
        """,
        number,
        version,
    )
    return _version_of(row) if row else None


async def steps(connection: Connection, number: int) -> list[StepRecord]:
    """Return the steps of an announcement, the first step first."""
    rows = await connection.fetch(
        """
        select step, version, person_number, at, reason
        from announcement_step
        where announcement_number = $1
        order by id
        """,
        number,
    )
    return [StepRecord(*row) for row in rows]


async def set_state(connection: Connection, number: int, state: State, submitted_by: int | None, now: int) -> None:
    """Set the state of an announcement, and the number of the person who submitted it."""
    await connection.execute(
        "update announcement set state = $2, submitted_by = $3, changed_at = $4 where number = $1",
        number,
        state,
        submitted_by,
        now,
    )


async def set_message(connection: Connection, number: int, app_number: int, message_id: int) -> None:
    """Store the message that an announcement was sent as, and the app that sent it."""
    await connection.execute(
        "update announcement set app_number = $2, message_id = $3 where number = $1", number, app_number, message_id
    )


async def add_step(
    connection: Connection, number: int, step: Step, *, version: int, by: int, now: int, reason: str = ""
) -> None:
    """Add a step that the person with the number `by` has taken."""
    await connection.execute(
        """
        insert into announcement_step (announcement_number, step, version, person_number, at, reason)
        values ($1, $2, $3, $4, $5, $6)
        """,
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
    """Return up to `limit` announcements with a number below `before`, the newest first.

    `state` and `platform_code` filter them unless None.
    """
    rows = await connection.fetch(
        f"""
        select {_ANNOUNCEMENT}, {_CONTENT}, author.name
        from announcement
        join announcement_version as version
            on version.announcement_number = announcement.number and version.version = announcement.version
        join person as author on author.number = announcement.created_by
        where announcement.number < $3
            and ($1::text is null or announcement.state = $1)
            and ($2::text is null or version.platform_code = $2)
        order by announcement.number desc
        limit $4
        """,
        state,
        platform_code,
        before,
        limit,
    )
    return [AnnouncementRow(_announcement_of(row), _version_of(row), row["name"]) for row in rows]


async def count_waiting(connection: Connection) -> int:
    """Return how many announcements wait for an approval."""
    count: int = await connection.fetchval("select count(*) from announcement where state = 'waiting'")
    return count
