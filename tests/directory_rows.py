"""A small directory for tests: organisations, members, and what an app may address."""

from collections.abc import Iterable

from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.domain.directory import FormerMembership, Membership, OrgChange
from msgcenter.messaging.directory.change_members import add_members, remove_members
from msgcenter.messaging.directory.change_orgs import change_orgs
from tests.scene import START


class DirectoryRows:
    """The directory of a platform. Each change takes effect for the messages that are sent after it."""

    def __init__(self, database: Database, platform: Platform) -> None:
        self._database = database
        self._platform = platform

    async def add_org(self, org_id: str, parent_id: str = "", name: str | None = None) -> None:
        """Add an organisation below another one, or at the top; or move it."""
        await self._change_org(OrgChange(org_id, parent_id, name=name or org_id))

    async def delete_org(self, org_id: str) -> None:
        """Delete an organisation."""
        await self._change_org(OrgChange(org_id, deleted=True))

    async def _change_org(self, change: OrgChange) -> None:
        changed = await self._database.in_transaction(change_orgs, self._platform, [change], START)
        assert changed.changed == 1

    async def join(self, org_id: str, user_ids: Iterable[str], role: str = "stu") -> None:
        """Make users members of an organisation."""
        memberships = [Membership(org_id, user_id, role) for user_id in user_ids]
        changed = await self._database.in_transaction(add_members, self._platform, memberships)
        assert changed.changed == len(memberships)

    async def leave(self, org_id: str, user_ids: Iterable[str]) -> None:
        """End all memberships of users in an organisation."""
        former = [FormerMembership(org_id, user_id) for user_id in user_ids]
        await self._database.in_transaction(remove_members, self._platform, former)

    async def grant(self, app_number: int, org_id: str, roles: Iterable[str] | None = None) -> None:
        """Let an app address an organisation and those below it: some roles, or all members."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                insert into directory_grant (app_number, org_number, roles)
                select $1, number, $4 from directory_org where platform_code = $2 and org_id = $3
                on conflict (app_number, org_number) do update set roles = excluded.roles
                """,
                app_number,
                self._platform.code,
                org_id,
                None if roles is None else sorted(roles),
            )

    async def withdraw(self, app_number: int) -> None:
        """Withdraw all grants of an app."""
        async with self._database.connection() as connection:
            await connection.execute("delete from directory_grant where app_number = $1", app_number)
