"""Reading the directory of a platform page by page: the tree, an organisation with its members, users, searches."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import MAX_CELLS, Platform
from msgcenter.domain.directory import NEVER, DirectoryUser
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message import Message
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.directory import members, orgs, search, users
from msgcenter.store.directory.members import Member
from msgcenter.store.directory.orgs import OrgRow

_START = Member("", 0, "")
"""Before all memberships."""


class OrgInLine(NamedTuple):
    """An organisation, and those above it: `line` begins with the top one."""

    row: OrgRow
    line: tuple[OrgRow, ...]


class Branch(NamedTuple):
    """An organisation of the tree. `below` are the organisations directly below it, None if they are not opened."""

    row: OrgRow
    has_below: bool
    below: "ListPage[Branch, str] | None" = None


class OrgMember(NamedTuple):
    """A user and the roles in one organisation."""

    org_number: int
    user: DirectoryUser
    roles: tuple[str, ...]


class UserRoles(NamedTuple):
    """An organisation and the roles that a user has in it."""

    org: OrgInLine
    roles: tuple[str, ...]


class FoundItems(NamedTuple):
    """What a search has found. A list with one more than the limit stands for more."""

    orgs: list[OrgInLine]
    users: list[DirectoryUser]


class DirectoryBrowser:
    """Reads the directory for people. It reads a page at a time, however large the platform is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def platform(self, code: str) -> Platform | None:
        """Return the platform with this code."""
        async with self._database.connection() as connection:
            return (await find_platforms(connection)).get(code)

    async def find_org(self, platform: Platform, org_id: str) -> OrgInLine | None:
        """Return an organisation that exists, with those above it."""
        async with self._database.connection() as connection:
            return (await _in_line(connection, platform, [org_id])).get(org_id)

    async def below(self, platform: Platform, org: OrgRow | None, after: str, limit: int) -> ListPage[Branch, str]:
        """Return up to `limit` closed branches directly below an organisation (None: the top ones), by org id."""
        async with self._database.connection() as connection:
            return await _below(connection, platform, org, after, limit)

    async def tree(self, platform: Platform, opened: OrgInLine | None, after: str, limit: int) -> ListPage[Branch, str]:
        """Return the top branches, starting after the id `after`, open down to the organisations below `opened`.

        Each open branch has up to `limit` others below it, and always the one that is open.
        """
        async with self._database.connection() as connection:
            line = [] if opened is None else [*opened.line, opened.row]
            level: ListPage[Branch, str] | None = None
            for depth in range(len(line), 0, -1):
                page = await _below(connection, platform, line[depth - 1], "", limit)
                if depth < len(line):
                    page = _with_open(page, line[depth], level)
                level = page
            top = await _below(connection, platform, None, after, limit)
            return _with_open(top, line[0], level) if line else top

    async def roles(self, platform: Platform, org: OrgRow) -> dict[str, int]:
        """Return how many users have each role in an organisation itself, by role."""
        counts: dict[str, int] = {}
        async with self._database.connection() as connection:
            for cell in platform.all_cells:
                for _, role, count in await members.count_by_role(connection, cell, org.number):
                    counts[role] = counts.get(role, 0) + count
        return dict(sorted(counts.items()))

    async def members(
        self, platform: Platform, org: OrgRow, cursor: str, limit: int, *, include_sub: bool = False
    ) -> ListPage[OrgMember, str]:
        """Return the users of up to `limit` memberships in an organisation, by cell, organisation and user id.

        `include_sub`: also in those below it. `cursor` is the `next_cursor` of the page before, or "".
        """
        place, after = _parse_cursor(cursor)
        rows: list[tuple[int, Member]] = []
        async with self._database.connection() as connection:
            for cell_place in range(place, platform.cells):
                cell = platform.all_cells[cell_place]
                start = after if cell_place == place else _START
                page = await members.list_org_members(
                    connection, cell, org.number, start, limit + 1 - len(rows), roles=None, include_sub=include_sub
                )
                rows += ((cell_place, member) for member in page)
                if len(rows) > limit:
                    break
            known: dict[tuple[int, str], DirectoryUser] = {}
            for cell_place in {cell_place for cell_place, _ in rows}:
                user_ids = [member.user_id for at, member in rows if at == cell_place]
                named = await users.find(connection, platform.all_cells[cell_place], user_ids)
                known |= {(cell_place, user_id): user for user_id, user in named.items()}
        page_of_rows = cut_page(rows, limit, _cursor_of)
        listed: dict[tuple[int, int, str], list[str]] = {}
        for cell_place, member in page_of_rows.items:
            listed.setdefault((cell_place, member.org_number, member.user_id), []).append(member.role)
        items = [
            OrgMember(number, known.get((at, user_id), DirectoryUser(user_id)), tuple(roles))
            for (at, number, user_id), roles in listed.items()
        ]
        return ListPage(items, page_of_rows.next_cursor)

    async def org_rows(self, numbers: Collection[int], platform: Platform) -> dict[int, OrgRow]:
        """Return organisations by their numbers."""
        async with self._database.connection() as connection:
            ids = await orgs.ids_of(connection, numbers)
            rows = await orgs.with_ancestors(connection, platform.code, ids.values())
        return {row.number: row for row in rows if row.number in ids}

    async def opened_at(self, message: Message, numbers: Collection[int]) -> set[int]:
        """Return those of the organisations that had others below them when a message was sent; now, if it is not."""
        position = NEVER if message.positions is None else message.positions[0]
        async with self._database.connection() as connection:
            return await search.with_orgs_below_at(connection, message.platform.first_cell, position, numbers)

    async def names_of(self, platform: Platform, user_ids: Collection[str]) -> dict[str, str]:
        """Return the names of users that the directory knows, by user id."""
        cells: dict[int, list[str]] = {}
        for user_id in user_ids:
            cells.setdefault(platform.cell_of(user_id), []).append(user_id)
        names: dict[str, str] = {}
        async with self._database.connection() as connection:
            for cell, of_cell in cells.items():
                known = await users.find(connection, cell, of_cell)
                names |= {user_id: user.name for user_id, user in known.items() if user.name}
        return names

    async def find_user(self, platform: Platform, user_id: str) -> tuple[DirectoryUser, list[UserRoles]] | None:
        """Return a user of the directory, with the roles in all organisations, by org id."""
        cell = platform.cell_of(user_id)
        async with self._database.connection() as connection:
            user = (await users.find(connection, cell, [user_id])).get(user_id)
            if user is None:
                return None
            roles: dict[int, list[str]] = {}
            for member in sorted(await members.of_users(connection, cell, [user_id])):
                roles.setdefault(member.org_number, []).append(member.role)
            ids = await orgs.ids_of(connection, roles)
            lines = await _in_line(connection, platform, ids.values())
        by_org = [UserRoles(org, tuple(roles[org.row.number])) for _, org in sorted(lines.items())]
        return user, by_org

    async def find_orgs(self, platform: Platform, org_ids: Collection[str]) -> list[OrgInLine]:
        """Return those of the organisations that exist, by id."""
        async with self._database.connection() as connection:
            lines = await _in_line(connection, platform, org_ids)
        return [org for _, org in sorted(lines.items())]

    async def search_orgs(self, platform: Platform, text: str, limit: int) -> list[OrgInLine]:
        """Return up to `limit` organisations whose id or name contains a text; "": the top ones."""
        async with self._database.connection() as connection:
            if text:
                rows = await search.find_orgs(connection, platform.code, text, limit)
            else:
                rows = await orgs.children(connection, platform.code, None, "", limit)
            lines = await _in_line(connection, platform, [row.org_id for row in rows])
        return [lines[row.org_id] for row in rows if row.org_id in lines]

    async def search(self, platform: Platform, text: str, limit: int) -> FoundItems:
        """Return organisations whose id or name contains a text, and users whose id or name begins with it."""
        async with self._database.connection() as connection:
            rows = await search.find_orgs(connection, platform.code, text, limit + 1)
            lines = await _in_line(connection, platform, [row.org_id for row in rows])
            found = await search.find_users(connection, platform.all_cells, text, limit + 1)
        return FoundItems([lines[row.org_id] for row in rows if row.org_id in lines], [item.user for item in found])


async def _below(
    connection: Connection, platform: Platform, org: OrgRow | None, after: str, limit: int
) -> ListPage[Branch, str]:
    rows = await orgs.children(connection, platform.code, org.number if org else None, after, limit + 1)
    inner = await search.with_orgs_below(connection, [row.number for row in rows])
    branches = [Branch(row, row.number in inner) for row in rows]
    return cut_page(branches, limit, lambda branch: branch.row.org_id)


def _with_open(page: ListPage[Branch, str], row: OrgRow, below: ListPage[Branch, str] | None) -> ListPage[Branch, str]:
    """Return a page of branches with the one of `row` opened; it is added if it is on a later page."""
    opened = Branch(row, has_below=below is not None and bool(below.items), below=below)
    items: Sequence[Branch] = [opened if branch.row.number == row.number else branch for branch in page.items]
    if opened not in items:
        items = [*items, opened]
    return ListPage(items, page.next_cursor)


async def _in_line(connection: Connection, platform: Platform, org_ids: Collection[str]) -> dict[str, OrgInLine]:
    """Return those of the organisations that exist, by their ids."""
    if not org_ids:
        return {}
    by_number = {row.number: row for row in await orgs.with_ancestors(connection, platform.code, org_ids)}
    lines = {}
    for row in by_number.values():
        if row.org_id in org_ids and not row.is_deleted:
            line: list[OrgRow] = []
            above = row.parent_number
            while above is not None:
                line.insert(0, by_number[above])
                above = by_number[above].parent_number
            lines[row.org_id] = OrgInLine(row, tuple(line))
    return lines


def _cursor_of(row: tuple[int, Member]) -> str:
    cell_place, member = row
    return f"{cell_place}:{member.org_number}:{member.role}:{member.user_id}"


def _parse_cursor(cursor: str) -> tuple[int, Member]:
    """Return the place of a cell and the last member before a page; the beginning if the cursor is not one of ours."""
    place, _, rest = cursor.partition(":")
    number, _, rest = rest.partition(":")
    role, _, user_id = rest.partition(":")
    is_ours = all(part.isascii() and part.isdigit() and len(part) <= 10 for part in (place, number))
    if not is_ours or int(place) > MAX_CELLS or int(number) >= 2**31:
        return 0, _START
    return int(place), Member(user_id, int(number), role)
