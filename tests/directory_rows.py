"""A small directory, written with SQL: organisations, memberships and grants, by the rules of their intervals."""

from collections.abc import Iterable

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.store.mailboxes import feed, users


class DirectoryRows:
    """The directory of a platform. Each change takes effect for the messages that are sent after it."""

    def __init__(self, database: Database, platform: Platform) -> None:
        self._database = database
        self._platform = platform
        self._parents: dict[str, str | None] = {}

    async def add_org(self, org_id: str, parent_id: str | None = None, name: str | None = None) -> None:
        """Add an organisation below another one, or at the top."""
        self._parents[org_id] = parent_id
        await self._database.in_transaction(self._add_org, org_id, parent_id, name or org_id)

    async def _add_org(self, connection: Connection, org_id: str, parent_id: str | None, name: str) -> None:
        await connection.execute(
            """
            insert into directory_org (parent_number, platform_code, org_id, kind, name)
            values ((select number from directory_org where platform_code = $1 and org_id = $3), $1, $2, '', $4)
            """,
            self._platform.code,
            org_id,
            parent_id,
            name,
        )
        line, above = [org_id], parent_id
        while above is not None:
            line.append(above)
            above = self._parents[above]
        for cell in self._platform.all_cells:
            (position,) = await feed.take_positions(connection, cell, 1)
            await connection.execute(
                """
                insert into directory_path (cell, org_number, ancestor_number, depth, since)
                select $1, org.number, above.number, line.place - 1, $4
                from directory_org as org
                cross join unnest($3::text[]) with ordinality as line (org_id, place)
                join directory_org as above on above.platform_code = org.platform_code and above.org_id = line.org_id
                where org.platform_code = $2 and org.org_id = $3[1]
                """,
                cell,
                self._platform.code,
                line,
                position,
            )

    async def join(self, org_id: str, user_ids: Iterable[str], role: str = "stu") -> None:
        """Make users members of an organisation."""
        await self._database.in_transaction(self._join, org_id, sorted(user_ids), role)

    async def _join(self, connection: Connection, org_id: str, user_ids: list[str], role: str) -> None:
        for cell, members in self._by_cell(user_ids):
            await users.register(connection, cell, members)
            (position,) = await feed.take_positions(connection, cell, 1)
            await connection.execute(
                """
                insert into directory_member (cell, org_number, since, user_id, role)
                select $1, number, $4, unnest($5::text[]), $6
                from directory_org
                where platform_code = $2 and org_id = $3
                """,
                cell,
                self._platform.code,
                org_id,
                position,
                members,
                role,
            )

    async def leave(self, org_id: str, user_ids: Iterable[str]) -> None:
        """End all memberships of users in an organisation."""
        await self._database.in_transaction(self._leave, org_id, sorted(user_ids))

    async def _leave(self, connection: Connection, org_id: str, user_ids: list[str]) -> None:
        for cell, members in self._by_cell(user_ids):
            (position,) = await feed.take_positions(connection, cell, 1)
            await connection.execute(
                """
                update directory_member as member
                set until = $4
                from directory_org as org
                where org.platform_code = $2 and org.org_id = $3 and member.cell = $1
                    and member.org_number = org.number and member.user_id = any($5) and member.until is null
                """,
                cell,
                self._platform.code,
                org_id,
                position,
                members,
            )

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

    def _by_cell(self, user_ids: Iterable[str]) -> Iterable[tuple[int, list[str]]]:
        by_cell: dict[int, list[str]] = {}
        for user_id in user_ids:
            by_cell.setdefault(self._platform.cell_of(user_id), []).append(user_id)
        return sorted(by_cell.items())
