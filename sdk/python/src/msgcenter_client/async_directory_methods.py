"""The part of `AsyncClient` that feeds and reads the directory."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgcenter_client.directory_calls import DirectoryCalls
from msgcenter_client.directory_results import DirectoryChange, Member, Membership, Org, OrgDetails
from msgcenter_client.flow import Flow
from msgcenter_client.results import Page

Result = TypeVar("Result")


class AsyncDirectoryMethods:
    """The calls of `AsyncClient` about the directory (protocol, "Directory"), for apps that operators allow to.

    Calls that change it take 1-1,000 items and are idempotent. They return how many have changed, and which items
    could not be applied. If that is every item, they raise the error of the first one; its `data["invalidItems"]` lists
    them. platform_code: the platform of the directory; None: the client's.
    """

    _directory_calls: DirectoryCalls

    @abstractmethod
    async def _run(self, flow: Flow[Result]) -> Result: ...

    @abstractmethod
    def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> AsyncIterator[Result]: ...

    async def set_orgs(self, orgs: Iterable[Mapping[str, Any]], *, platform_code: str | None = None) -> DirectoryChange:
        """Add, change, move or delete organisations.

        orgs: the items of the protocol's `setOrgs`, such as `{"orgId": "c-3a", "parentId": "s-1", "name": "3(2)"}`. A
            field that is left out keeps its value.
        """
        return await self._run(self._directory_calls.set_orgs(orgs, platform_code=platform_code))

    async def set_users(
        self, users: Iterable[Mapping[str, Any]], *, platform_code: str | None = None
    ) -> DirectoryChange:
        """Add, change, disable or remove users.

        users: the items of the protocol's `setUsers`, such as `{"userId": "parent-wang", "name": "Wang Fang",
            "email": "wang@school.example", "mobile": "13800138000", "accounts": {"wecom": "wangfang"}}`. A field that
            is left out keeps its value, "" clears it. Contact points are never returned.
        """
        return await self._run(self._directory_calls.set_users(users, platform_code=platform_code))

    async def set_members(self, members: Iterable[Membership], *, platform_code: str | None = None) -> DirectoryChange:
        """Give users roles in organisations. They get what is sent to these from now on.

        members: triples of organisation, user and role.
        """
        return await self._run(self._directory_calls.set_members(members, platform_code=platform_code))

    async def remove_members(
        self, members: Iterable[tuple[str, str, str | None]], *, platform_code: str | None = None
    ) -> DirectoryChange:
        """End roles of users in organisations. They keep what they have received.

        members: triples of organisation, user and role; None for the role ends all of the user's roles there.
        """
        return await self._run(self._directory_calls.remove_members(members, platform_code=platform_code))

    async def org(self, org_id: str, *, platform_code: str | None = None) -> OrgDetails:
        """Return an organisation, the one above it, and how many members of its own it has, by role.

        Also raises StateError (300007: no such organisation).
        """
        return await self._run(self._directory_calls.org(org_id, platform_code=platform_code))

    def child_orgs(
        self, org_id: str | None = None, *, platform_code: str | None = None, page_size: int | None = 200
    ) -> AsyncIterator[Org]:
        """Iterate over the organisations directly below one, None for the top ones; pages are fetched when needed.

        page_size: organisations per request, 1-200; None: 50.
        Errors, also StateError (300007: no such organisation), are raised by the iteration.
        """
        return self._items(
            lambda cursor: self._directory_calls.children(
                org_id, platform_code=platform_code, cursor=cursor, page_size=page_size
            )
        )

    def members(
        self,
        org_id: str,
        *,
        roles: Iterable[str] | None = None,
        include_sub: bool = True,
        platform_code: str | None = None,
        page_size: int | None = 200,
    ) -> AsyncIterator[Member]:
        """Iterate over the members of an organisation; pages are fetched when they are needed.

        roles: only members with one of these roles, 1-20; None: all.
        include_sub: also the members of the organisations below it.
        page_size: members per request, 1-200; None: 50.
        Errors, also StateError (300007: no such organisation), are raised by the iteration.
        """
        wanted = None if roles is None else list(roles)
        return self._items(
            lambda cursor: self._directory_calls.members(
                org_id,
                roles=wanted,
                include_sub=include_sub,
                platform_code=platform_code,
                cursor=cursor,
                page_size=page_size,
            )
        )
