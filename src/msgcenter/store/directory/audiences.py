"""Audiences of organisations: each combination of organisations and roles is stored once and never changes."""

from collections.abc import Collection

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.audience import Organisations, OrgAudience, is_org_audience


async def ensure_audience(connection: Connection, platform_code: str, audience: OrgAudience) -> int:
    """Return the number of an audience of a platform; store the audience if it is new."""
    digest = audience.digest()
    number: int | None = None
    while number is None:
        number = await connection.fetchval("select number from directory_audience where digest = $1", digest)
        if number is None:
            number = await connection.fetchval(
                """
                insert into directory_audience (include_sub, platform_code, digest, org_numbers, roles)
                values ($1, $2, $3, $4, $5)
                on conflict (digest) do nothing
                returning number
                """,
                audience.include_sub,
                platform_code,
                digest,
                audience.org_numbers,
                audience.roles,
            )
    return number


async def find_audience(connection: Connection, number: int) -> OrgAudience:
    """Return the audience with a number, which a message has."""
    row = await connection.fetchrow(
        "select org_numbers, roles, include_sub from directory_audience where number = $1", number
    )
    assert row is not None
    return OrgAudience(tuple(row["org_numbers"]), _roles_of(row), row["include_sub"])


async def organisations_of(connection: Connection, topic_numbers: Collection[int | None]) -> dict[int, Organisations]:
    """Return the audiences of organisations among the numbers that messages are addressed to, by these numbers."""
    numbers = sorted({number for number in topic_numbers if number is not None and is_org_audience(number)})
    if not numbers:
        return {}
    rows = await connection.fetch(
        """
        select audience.number, audience.roles, audience.include_sub, array_agg(org.org_id) as org_ids
        from directory_audience as audience
        join directory_org as org on org.number = any(audience.org_numbers)
        where audience.number = any($1)
        group by audience.number
        """,
        numbers,
    )
    return {
        row["number"]: Organisations.of(row["org_ids"], _roles_of(row), include_sub=row["include_sub"]) for row in rows
    }


def _roles_of(row: asyncpg.Record) -> tuple[str, ...] | None:
    return None if row["roles"] is None else tuple(row["roles"])
