"""The calls about the directory, each defined once as a flow (protocol, "Directory")."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgcenter_client.directory_results import DirectoryChange, InvalidItem, Member, Membership, Org, OrgDetails
from msgcenter_client.fields import Answer, platform_fields
from msgcenter_client.flow import Flow
from msgcenter_client.paging import next_page, page_fields
from msgcenter_client.results import Page
from msgcenter_client.session import Session

_DIRECTORY = "/msgCenter/directory/"


class DirectoryCalls:
    """The calls about the directory of `platform_code` (None: the app's own platform)."""

    def __init__(self, session: Session, platform_code: str | None) -> None:
        self._session = session
        self._platform_code = platform_code

    def set_orgs(self, orgs: Iterable[Mapping[str, Any]], *, platform_code: str | None) -> Flow[DirectoryChange]:
        """Set or delete organisations."""
        return self._change("setOrgs", "orgs", [dict(org) for org in orgs], platform_code)

    def set_users(self, users: Iterable[Mapping[str, Any]], *, platform_code: str | None) -> Flow[DirectoryChange]:
        """Set or remove users."""
        return self._change("setUsers", "users", [dict(user) for user in users], platform_code)

    def set_members(self, members: Iterable[Membership], *, platform_code: str | None) -> Flow[DirectoryChange]:
        """Begin memberships."""
        items = [{"orgId": org_id, "userId": user_id, "role": role} for org_id, user_id, role in members]
        return self._change("setMembers", "members", items, platform_code)

    def remove_members(
        self, members: Iterable[tuple[str, str, str | None]], *, platform_code: str | None
    ) -> Flow[DirectoryChange]:
        """End memberships."""
        items = [
            {"orgId": org_id, "userId": user_id, **({} if role is None else {"role": role})}
            for org_id, user_id, role in members
        ]
        return self._change("removeMembers", "members", items, platform_code)

    def _change(
        self, call: str, field: str, items: list[dict[str, Any]], platform_code: str | None
    ) -> Flow[DirectoryChange]:
        body = {field: items, **self._platform(platform_code)}
        answer = yield from self._session.call(_DIRECTORY + call, body, _ChangeAnswer)
        return DirectoryChange(answer.changed, answer.invalid_items)

    def org(self, org_id: str | None, *, platform_code: str | None) -> Flow[OrgDetails]:
        """Return an organisation, None for the top."""
        answer = yield from self._session.call(
            _DIRECTORY + "getOrg", self._org_body(org_id, platform_code, None, 1), _OrgAnswer
        )
        return OrgDetails(
            None if answer.org is None else answer.org.org(),
            None if answer.parent is None else answer.parent.org(),
            {count.role: count.count for count in answer.members},
        )

    def children(
        self, org_id: str | None, *, platform_code: str | None, cursor: str | None, page_size: int | None
    ) -> Flow[Page[Org]]:
        """Return one page of the organisations directly below one, None for the top."""
        body = self._org_body(org_id, platform_code, cursor, page_size)
        answer = yield from self._session.call(_DIRECTORY + "getOrg", body, _OrgAnswer)
        return Page(tuple(child.org() for child in answer.children), next_page(answer.next_cursor, cursor))

    def members(
        self,
        org_id: str,
        *,
        roles: Iterable[str] | None,
        include_sub: bool,
        platform_code: str | None,
        cursor: str | None,
        page_size: int | None,
    ) -> Flow[Page[Member]]:
        """Return one page of the members of an organisation."""
        body: dict[str, Any] = {"orgId": org_id, "includeSub": include_sub, **self._platform(platform_code)}
        if roles is not None:
            body["roles"] = list(roles)
        body |= page_fields(cursor, page_size)
        answer = yield from self._session.call(_DIRECTORY + "getMembers", body, _MembersAnswer)
        return Page(tuple(entry.member() for entry in answer.members), next_page(answer.next_cursor, cursor))

    def _org_body(
        self, org_id: str | None, platform_code: str | None, cursor: str | None, page_size: int | None
    ) -> dict[str, Any]:
        body = {} if org_id is None else {"orgId": org_id}
        return {**body, **self._platform(platform_code), **page_fields(cursor, page_size)}

    def _platform(self, platform_code: str | None) -> dict[str, str]:
        return platform_fields(platform_code, self._platform_code)


class _ChangeAnswer(Answer, frozen=True):
    changed: int
    invalid_items: tuple[InvalidItem, ...] = ()


class _ListedOrg(Answer, frozen=True):
    org_id: str
    kind: str
    name: str

    def org(self) -> Org:
        return Org(self.org_id, self.kind, self.name)


class _RoleCount(Answer, frozen=True):
    role: str
    count: int


class _OrgAnswer(Answer, frozen=True):
    children: tuple[_ListedOrg, ...]
    org: _ListedOrg | None = None
    parent: _ListedOrg | None = None
    members: tuple[_RoleCount, ...] = ()
    next_cursor: str | None = None


class _ListedMember(Answer, frozen=True):
    org_id: str
    user_id: str
    role: str
    name: str
    disabled: bool = False

    def member(self) -> Member:
        return Member(self.org_id, self.user_id, self.role, self.name, self.disabled)


class _MembersAnswer(Answer, frozen=True):
    members: tuple[_ListedMember, ...]
    next_cursor: str | None = None
