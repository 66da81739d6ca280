"""What apps may address: subtrees of organisations, and roles in them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import column_arrays


class OrgRights(NamedTuple):
    """An organisation, and what an app may address in it.

    `is_granted` is whether the app may address some of its members; `roles` are the roles of these members, None for
    all of them.
    """

    org_id: str
    number: int
    is_granted: bool
    roles: frozenset[str] | None


class RightsQuery(NamedTuple):
    """Some organisations of a platform, and the app that is to address them."""

    app_number: int
    platform_code: str
    org_ids: tuple[str, ...]


async def rights_by_id(connection: Connection, queries: Sequence[RightsQuery]) -> list[list[OrgRights]]:
    """Return, for each query, the app's rights in those of the organisations that exist."""
    keys = {(query.platform_code, org_id) for query in queries for org_id in query.org_ids}
    grants = await _grants(
        connection,
        """
        (org.platform_code, org.org_id) in (select * from unnest($2::text[], $3::text[]))
        and org.deleted_at is null
        """,
        {query.app_number for query in queries},
        *column_arrays(keys, 2),
    )
    by_key = {org.key: org for org in grants}
    return [
        [
            by_key[query.platform_code, org_id].rights_of(query.app_number)
            for org_id in query.org_ids
            if (query.platform_code, org_id) in by_key
        ]
        for query in queries
    ]


async def rights_by_number(connection: Connection, app_number: int, org_numbers: Sequence[int]) -> list[OrgRights]:
    """Return an app's rights in organisations, also in those that were deleted."""
    grants = await _grants(connection, "org.number = any($2)", {app_number}, org_numbers)
    return [org.rights_of(app_number) for org in grants]


class _OrgGrants(NamedTuple):
    """An organisation by its platform and id, and the roles of each grant for it or above it, by app (None: all)."""

    key: tuple[str, str]
    number: int
    granted: dict[int, list[Sequence[str] | None]]

    def rights_of(self, app_number: int) -> OrgRights:
        granted = self.granted.get(app_number, [])
        roles = [codes for codes in granted if codes is not None]
        has_all = len(roles) < len(granted)
        return OrgRights(self.key[1], self.number, bool(granted), None if has_all else frozenset().union(*roles))


async def _grants(
    connection: Connection, condition: str, app_numbers: Collection[int], *parameters: object
) -> list[_OrgGrants]:
    """Return what apps are granted in the organisations that match: a grant is for an organisation and all below it."""
    rows = await connection.fetch(
        f"""
        with recursive line as (
            select org.platform_code, org.org_id, org.number, org.number as grantor_number, org.parent_number
            from directory_org as org
            where {condition}
            union all
            select line.platform_code, line.org_id, line.number, parent.number, parent.parent_number
            from line
            join directory_org as parent on parent.number = line.parent_number
        )
        select line.platform_code, line.org_id, line.number, directory_grant.app_number, directory_grant.roles
        from line
        left join directory_grant
            on directory_grant.app_number = any($1) and directory_grant.org_number = line.grantor_number
        """,
        sorted(app_numbers),
        *parameters,
    )
    orgs: dict[int, _OrgGrants] = {}
    for platform_code, org_id, number, app_number, roles in rows:
        org = orgs.setdefault(number, _OrgGrants((platform_code, org_id), number, {}))
        if app_number is not None:
            org.granted.setdefault(app_number, []).append(roles)
    return list(orgs.values())
