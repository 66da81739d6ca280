"""Templates and their versions."""

from typing import NamedTuple

import asyncpg
import msgspec

from msgcenter.database.database import Connection
from msgcenter.database.statements import columns
from msgcenter.domain.channels.template import Template, TemplateContent, TemplateVersion, VersionState

_TEMPLATE = columns("template", "number, platform_code, code, name, app_number, live_version, created_at, archived_at")
_VERSION = columns(
    "version",
    "template_number, version, state, created_at, created_by, decided_at, decided_by, answer, variables, parts",
)


class ListedTemplate(NamedTuple):
    """A template in a list, with the appId of its app, and its newest version and that version's state."""

    template: Template
    app_id: str | None
    version: int
    state: VersionState


def _template_of(row: asyncpg.Record) -> Template:
    return Template(**{name: row[name] for name in Template.__struct_fields__})


def _version_of(row: asyncpg.Record) -> TemplateVersion:
    content = {"variables": msgspec.json.decode(row["variables"]), "parts": msgspec.json.decode(row["parts"])}
    return TemplateVersion(
        template_number=row["template_number"],
        version=row["version"],
        state=row["state"],
        content=msgspec.convert(content, TemplateContent),
        created_at=row["created_at"],
        created_by=row["created_by"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        answer=row["answer"],
    )


async def insert(
    connection: Connection, platform_code: str, code: str, *, name: str, app_number: int | None, now: int
) -> Template | None:
    """Add a template without a version; return None if its code is taken. `now` is ms since 1970."""
    row = await connection.fetchrow(
        f"""
        insert into message_template as template (platform_code, code, name, app_number, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict (platform_code, code) do nothing
        returning {_TEMPLATE}
        """,
        platform_code,
        code,
        name,
        app_number,
        now,
    )
    return _template_of(row) if row else None


async def find(connection: Connection, platform_code: str, code: str, *, lock: bool = False) -> Template | None:
    """Return the template with this code; `lock` locks it until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        select {_TEMPLATE}
        from message_template as template
        where template.platform_code = $1 and template.code = $2
        {"for update" if lock else ""}
        """,
        platform_code,
        code,
    )
    return _template_of(row) if row else None


async def list_templates(
    connection: Connection, platform_code: str | None = None, app_number: int | None = None
) -> list[ListedTemplate]:
    """Return the templates of a platform, of an app, or all, by platform and code."""
    rows = await connection.fetch(
        f"""
        select {_TEMPLATE}, app.app_id, newest.version, newest.state
        from message_template as template
        left join app on app.number = template.app_number
        cross join lateral (
            select version.version, version.state
            from template_version as version
            where version.template_number = template.number
            order by version.version desc
            limit 1
        ) as newest
        where ($1::text is null or template.platform_code = $1) and ($2::int is null or template.app_number = $2)
        order by template.platform_code, template.code
        """,
        platform_code,
        app_number,
    )
    return [ListedTemplate(_template_of(row), row["app_id"], row["version"], row["state"]) for row in rows]


async def versions(connection: Connection, template_number: int) -> list[TemplateVersion]:
    """Return the versions of a template, newest first."""
    rows = await connection.fetch(
        f"""
        select {_VERSION}
        from template_version as version
        where version.template_number = $1
        order by version.version desc
        """,
        template_number,
    )
    return [_version_of(row) for row in rows]


async def find_version(connection: Connection, template_number: int, version: int) -> TemplateVersion | None:
    """Return a version of a template."""
    row = await connection.fetchrow(
        f"""
        select {_VERSION}
        from template_version as version
        where version.template_number = $1 and version.version = $2
        """,
        template_number,
        version,
    )
    return _version_of(row) if row else None


async def read_contents(
    connection: Connection, template_numbers: list[int], version_numbers: list[int]
) -> dict[tuple[int, int], TemplateContent]:
    """Return the contents of versions, by template and version; the two lists are pairs."""
    rows = await connection.fetch(
        f"""
        select {_VERSION}
        from template_version as version
        join unnest($1::int[], $2::int[]) as used (template_number, version)
            on used.template_number = version.template_number and used.version = version.version
        """,
        template_numbers,
        version_numbers,
    )
    return {(row["template_number"], row["version"]): _version_of(row).content for row in rows}


async def wants_approval(connection: Connection, platform_code: str) -> bool:
    """Return whether an operator has to approve the templates of a platform's apps."""
    return bool(
        await connection.fetchval(
            "select approves_templates from channel_settings where platform_code = $1", platform_code
        )
    )


# --- Changes ----------------------------------------------------------------------------------------------------------


async def insert_version(connection: Connection, version: TemplateVersion) -> None:
    """Add a version."""
    await connection.execute(
        """
        insert into template_version (template_number, version, state, created_at, created_by, decided_at, decided_by,
            variables, parts)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        version.template_number,
        version.version,
        version.state,
        version.created_at,
        version.created_by,
        version.decided_at,
        version.decided_by,
        msgspec.json.encode(version.content.variables).decode(),
        msgspec.json.encode(version.content.parts).decode(),
    )


async def delete_undecided(connection: Connection, template_number: int) -> None:
    """Delete the drafts of a template, and what waits for an approval: a newer version replaces them."""
    await connection.execute(
        "delete from template_version where template_number = $1 and state in ('draft', 'waiting')", template_number
    )


async def set_state(connection: Connection, template_number: int, version: int, state: VersionState) -> None:
    """Set the state of a version that nobody has decided about."""
    await connection.execute(
        "update template_version set state = $3 where template_number = $1 and version = $2",
        template_number,
        version,
        state,
    )


async def decide(
    connection: Connection,
    template_number: int,
    version: int,
    *,
    state: VersionState,
    by: str,
    answer: str = "",
    now: int,
) -> None:
    """Set what was decided about a version, by whom, why, and when (ms since 1970)."""
    await connection.execute(
        """
        update template_version
        set state = $3, decided_by = $4, answer = $5, decided_at = $6
        where template_number = $1 and version = $2
        """,
        template_number,
        version,
        state,
        by,
        answer or None,
        now,
    )


async def change(
    connection: Connection, template_number: int, name: str, live_version: int | None, archived_at: int | None
) -> None:
    """Set a template's name, the version in use, and when it was archived (ms since 1970; None: it is not)."""
    await connection.execute(
        "update message_template set name = $2, live_version = $3, archived_at = $4 where number = $1",
        template_number,
        name,
        live_version,
        archived_at,
    )
