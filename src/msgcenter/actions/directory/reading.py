"""What apps read from the directory: an organisation with its children, and members."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App, Platform
from msgcenter.domain.directory import DirectoryUser, Org
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store.directory import members, orgs, users
from msgcenter.store.directory.members import Member
from msgcenter.store.directory.orgs import OrgRow

_MAX_NUMBER = 2**31 - 1
_GONE = DirectoryUser("")
"""A user who was removed between two statements."""


class OrgView(NamedTuple):
    """An organisation and the one above it, a page of those directly below it, and how many members have each role.

    Without `org`, the children are the platform's top organisations.
    """

    org: Org | None
    parent: Org | None
    children: ListPage[Org, str]
    members: Mapping[str, int]


class MemberView(NamedTuple):
    """A role of a user in an organisation, and what the directory knows of the user."""

    org_id: str
    user_id: str
    role: str
    name: str
    disabled: bool


class DirectoryReads:
    """Reads the directory. Every call refuses with NOT_AUTHORISED (directory, platform) or ORGANISATION_UNKNOWN."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def org(
        self, app: App, org_id: str | None, *, platform_code: str | None, cursor: str | None, limit: int
    ) -> OrgView:
        """Return an organisation and up to `limit` of its children by org id; None: the top organisations."""
        platform = app.directory_platform(platform_code)
        async with self._database.connection() as connection:
            row = None if org_id is None else await _find(connection, platform, org_id)
            above = row.parent_number if row else None
            parent = None if above is None else await orgs.find_number(connection, above)
            number = None if row is None else row.number
            children = await orgs.children(connection, platform.code, number, cursor or "", limit + 1)
            counts: Counter[str] = Counter()
            if row is not None:
                for cell in platform.all_cells:
                    for count in await members.count_by_role(connection, cell, row.number):
                        counts[count.role] += count.members
        here = "" if row is None else row.org_id
        return OrgView(
            None if row is None else _org(row, "" if parent is None else parent.org_id),
            # Who asks for an organisation sees the one above it, not what is above that.
            None if parent is None else _org(parent, ""),
            cut_page([_org(child, here) for child in children], limit, lambda org: org.org_id),
            dict(sorted(counts.items())),
        )

    async def members(
        self,
        app: App,
        org_id: str,
        *,
        roles: Sequence[str] | None,
        include_sub: bool,
        platform_code: str | None,
        cursor: str | None,
        limit: int,
    ) -> ListPage[MemberView, str]:
        """Return up to `limit` members of an organisation, and of all below it if `include_sub`, with these roles.

        `roles` None: all roles. A user is listed once for each role in each organisation. Refuses an invalid cursor
        with FIELD_MALFORMED.
        """
        platform = app.directory_platform(platform_code)
        start = _Cursor.parse(cursor)
        async with self._database.connection() as connection:
            row = await _find(connection, platform, org_id)
            found: list[tuple[_Cursor, MemberView]] = []
            for place in range(start.place, platform.cells):
                after = start.after if place == start.place else Member("", 0, "")
                page = await members.list_org_members(
                    connection,
                    platform.first_cell + place,
                    row.number,
                    after,
                    limit + 1 - len(found),
                    roles=roles,
                    include_sub=include_sub,
                )
                views = await _views(connection, platform.first_cell + place, page)
                found += [(_Cursor(place, member), view) for member, view in zip(page, views, strict=True)]
                if len(found) > limit:
                    break
        shown = cut_page(found, limit, lambda item: item[0].text())
        return ListPage([view for _, view in shown.items], shown.next_cursor)


class _Cursor(NamedTuple):
    """Where a page of members starts: after a membership, in the cell at a place among those of the platform."""

    place: int
    after: Member

    def text(self) -> str:
        """Return the cursor for the wire."""
        user_id, number, role = self.after
        return urlsafe_b64encode(f"{self.place}.{number}.{role}.{user_id}".encode()).decode().rstrip("=")

    def is_possible(self) -> bool:
        """Return whether the numbers and texts are such as the database has."""
        user_id, number, role = self.after
        return self.place >= 0 and 0 <= number <= _MAX_NUMBER and "\0" not in role + user_id

    @staticmethod
    def parse(text: str | None) -> "_Cursor":
        """Return the cursor of a text, the first one without. Refuses with FIELD_MALFORMED."""
        if text is None:
            return _Cursor(0, Member("", 0, ""))
        cursor: _Cursor | None = None
        with suppress(ValueError):
            place, number, role, user_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(".", 3)
            cursor = _Cursor(int(place), Member(user_id, int(number), role))
        if cursor is None or not cursor.is_possible():
            raise malformed("cursor", "须为上一页返回的nextCursor", "must be nextCursor of the page before")
        return cursor


async def _find(connection: Connection, platform: Platform, org_id: str) -> OrgRow:
    row = await orgs.find(connection, platform.code, org_id)
    if row is None:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=org_id)
    return row


async def _views(connection: Connection, cell: int, page: Sequence[Member]) -> list[MemberView]:
    if not page:
        return []
    people = await users.find(connection, cell, {member.user_id for member in page})
    org_ids = await orgs.ids_of(connection, {member.org_number for member in page})
    return [
        MemberView(
            org_ids[member.org_number],
            member.user_id,
            member.role,
            people.get(member.user_id, _GONE).name,
            people.get(member.user_id, _GONE).disabled,
        )
        for member in page
    ]


def _org(row: OrgRow, parent_id: str) -> Org:
    return Org(row.org_id, parent_id, row.kind, row.name)
