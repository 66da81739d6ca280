"""The requests and answers of the calls about the directory."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from msgcenter.domain.directory import MAX_ITEMS, MAX_ROLES
from msgcenter.domain.directory_items import FormerMemberItem, MemberItem, OrgItem, UserItem
from msgcenter.domain.identifiers import OrgId, PlatformCode, RoleCode
from msgcenter.gateway.wire.requests import PAGE_SIZE

_PageSize: TypeAlias = Annotated[int, Meta(ge=1, le=200)]
_Raws: TypeAlias = Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_ITEMS)]
"""Items that are decoded one by one, because not all of them are valid."""


class SetOrgs(Struct, frozen=True):
    """Set or delete organisations. Items that cannot be applied are listed in the answer, the others are applied."""

    orgs: Annotated[list[OrgItem], Meta(min_length=1, max_length=MAX_ITEMS)]
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)

    @staticmethod
    def loose_kind() -> "type[SetOrgs]":
        """Return the type for requests with invalid items."""
        return _LooseSetOrgs


class _LooseSetOrgs(SetOrgs, frozen=True):
    orgs: _Raws  # type: ignore[assignment]  # each is decoded before it is used


class SetUsers(Struct, frozen=True):
    """Set or remove users. Items that cannot be applied are listed in the answer, the others are applied."""

    users: Annotated[list[UserItem], Meta(min_length=1, max_length=MAX_ITEMS)]
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)

    @staticmethod
    def loose_kind() -> "type[SetUsers]":
        """Return the type for requests with invalid items."""
        return _LooseSetUsers


class _LooseSetUsers(SetUsers, frozen=True):
    users: _Raws  # type: ignore[assignment]  # each is decoded before it is used


class SetMembers(Struct, frozen=True):
    """Begin memberships. Items that cannot be applied are listed in the answer, the others are applied."""

    members: Annotated[list[MemberItem], Meta(min_length=1, max_length=MAX_ITEMS)]
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)

    @staticmethod
    def loose_kind() -> "type[SetMembers]":
        """Return the type for requests with invalid items."""
        return _LooseSetMembers


class _LooseSetMembers(SetMembers, frozen=True):
    members: _Raws  # type: ignore[assignment]  # each is decoded before it is used


class RemoveMembers(Struct, frozen=True):
    """End memberships. Items that cannot be applied are listed in the answer, the others are applied."""

    members: Annotated[list[FormerMemberItem], Meta(min_length=1, max_length=MAX_ITEMS)]
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)

    @staticmethod
    def loose_kind() -> "type[RemoveMembers]":
        """Return the type for requests with invalid items."""
        return _LooseRemoveMembers


class _LooseRemoveMembers(RemoveMembers, frozen=True):
    members: _Raws  # type: ignore[assignment]  # each is decoded before it is used


class GetOrg(Struct, frozen=True):
    """Get an organisation with those directly below it; without `orgId`, the top organisations."""

    org_id: OrgId | UnsetType = field(name="orgId", default=UNSET)
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: _PageSize = field(name="pageSize", default=PAGE_SIZE)


class GetMembers(Struct, frozen=True):
    """List the members of an organisation, and of all below it unless `includeSub` is false."""

    org_id: OrgId = field(name="orgId")
    roles: Annotated[list[RoleCode], Meta(min_length=1, max_length=MAX_ROLES)] | UnsetType = UNSET
    include_sub: bool = field(name="includeSub", default=True)
    platform_code: PlatformCode | UnsetType = field(name="platformCode", default=UNSET)
    cursor: str | UnsetType = UNSET
    page_size: _PageSize = field(name="pageSize", default=PAGE_SIZE)


class InvalidItem(Struct, frozen=True):
    """An item that was not applied: its place in the request, from 0, the field and the reason."""

    index: int
    field: str
    reason: str


class DirectoryChanged(Struct, frozen=True, rename="camel"):
    """How many organisations, users or memberships have changed. `invalidItems` is absent if all items are valid."""

    changed: int
    invalid_items: list[InvalidItem] | UnsetType = UNSET


class ListedOrg(Struct, frozen=True, rename="camel"):
    """An organisation."""

    org_id: str
    kind: str
    name: str


class RoleCount(Struct, frozen=True):
    """How many members of an organisation have a role."""

    role: str
    count: int


class OrgAnswer(Struct, frozen=True, rename="camel"):
    """An organisation, the one above it, those directly below it, by id, and its own members by role.

    `org` and `members` are absent without `orgId`, `parent` for a top organisation, `nextCursor` on the last page.
    """

    children: list[ListedOrg]
    org: ListedOrg | UnsetType = UNSET
    parent: ListedOrg | UnsetType = UNSET
    members: list[RoleCount] | UnsetType = UNSET
    next_cursor: str | UnsetType = UNSET


class ListedMember(Struct, frozen=True, rename="camel"):
    """A role of a user in an organisation. `disabled` is present for disabled users."""

    org_id: str
    user_id: str
    role: str
    name: str
    disabled: bool | UnsetType = UNSET


class MemberList(Struct, frozen=True, rename="camel"):
    """Members, each once for each organisation and role. `nextCursor` is absent on the last page."""

    members: list[ListedMember]
    next_cursor: str | UnsetType = UNSET
