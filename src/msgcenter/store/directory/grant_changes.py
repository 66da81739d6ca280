"""Granting apps what they may address: subtrees of organisations, and roles in them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


class OrgGrant(NamedTuple):
    """That an app may address an organisation and all below it: members with these roles, None for all members."""

    platform_code: str
    org_id: str
    name: str
    roles: tuple[str, ...] | None


async def list_grants(connection: Connection, app_number: int) -> list[OrgGrant]:
    """Return what an app may address, by platform and org id. Deleted organisations are left out."""
    rows = await connection.fetch(
        """
        select org.platform_code, org.org_id, org.name, directory_grant.roles
        from directory_grant
        join directory_org as org on org.number = directory_grant.org_number
        where directory_grant.app_number = $1 and org.deleted_at is null
        order by org.platform_code, org.org_id
        """,
        app_number,
    )
    return [
        OrgGrant(
            row["platform_code"], row["org_id"], row["name"], None if row["roles"] is None else tuple(row["roles"])
        )
        for row in rows
    ]


async def write(connection: Connection, app_number: int, org_number: int, roles: Sequence[str] | None) -> bool:
    """Let an app address an organisation and all below it; `roles` replace earlier ones. Return whether it is new."""
    status = await connection.execute(
        """
        insert into directory_grant (app_number, org_number, roles)
        values ($1, $2, $3)
        on conflict (app_number, org_number) do update
        set roles = excluded.roles
        where directory_grant.roles is distinct from excluded.roles
        """,
        app_number,
        org_number,
        roles,
    )
    return affected_rows(status) > 0


async def remove(connection: Connection, app_number: int, org_number: int) -> bool:
    """Take back what `write` has granted; return whether there was a grant."""
    status = await connection.execute(
        "delete from directory_grant where app_number = $1 and org_number = $2", app_number, org_number
    )
    return affected_rows(status) > 0
