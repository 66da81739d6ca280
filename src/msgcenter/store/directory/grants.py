"""What apps may address: subtrees of organisations, and roles in them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection


class OrgRights(NamedTuple):
    """An organisation, and what an app may address in it.

    `is_granted` is whether the app may address some of its members; `roles` are the roles of these members, None for
    all of them.
    """

    org_id: str
    number: int
    is_granted: bool
    roles: frozenset[str] | None


async def rights_by_id(
    connection: Connection, app_number: int, platform_code: str, org_ids: Sequence[str]
) -> list[OrgRights]:
    """Return an app's rights in those of the organisations of a platform that exist, in no particular order."""
    return await _rights(
        connection,
        "org.platform_code = $2 and org.org_id = any($3) and org.deleted_at is null",
        app_number,
        platform_code,
        org_ids,
    )


async def rights_by_number(connection: Connection, app_number: int, org_numbers: Sequence[int]) -> list[OrgRights]:
    """Return an app's rights in organisations, also in those that were deleted."""
    return await _rights(connection, "org.number = any($2)", app_number, org_numbers)


async def _rights(connection: Connection, condition: str, app_number: int, *parameters: object) -> list[OrgRights]:
    """Return the rights in the organisations that match: a grant is for an organisation and for all below it."""
    rows = await connection.fetch(
        f"""
        with recursive line as (
            select org.org_id, org.number, org.number as grantor_number, org.parent_number
            from directory_org as org
            where {condition}
            union all
            select line.org_id, line.number, parent.number, parent.parent_number
            from line
            join directory_org as parent on parent.number = line.parent_number
        )
        select line.org_id, line.number, directory_grant.app_number is not null as is_granted, directory_grant.roles
        from line
        left join directory_grant
            on directory_grant.app_number = $1 and directory_grant.org_number = line.grantor_number
        """,
        app_number,
        *parameters,
    )
    rights: dict[int, OrgRights] = {}
    for org_id, number, is_granted, roles in rows:
        before = rights.get(number, OrgRights(org_id, number, is_granted=False, roles=frozenset()))
        if not is_granted:
            rights[number] = before
        elif roles is None or before.roles is None:
            rights[number] = OrgRights(org_id, number, is_granted=True, roles=None)
        else:
            rights[number] = OrgRights(org_id, number, is_granted=True, roles=before.roles.union(roles))
    return list(rights.values())
