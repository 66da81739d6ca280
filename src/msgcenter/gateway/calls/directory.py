"""The calls under `/msgCenter/directory/`."""

from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET

from msgcenter.actions.directory.feeding import DirectoryChanges, Outcome
from msgcenter.actions.directory.reading import DirectoryReads
from msgcenter.domain.directory import Org
from msgcenter.domain.directory_items import FormerMemberItem, MemberItem, OrgItem, UserItem
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.directory_structs import (
    DirectoryChanged,
    GetMembers,
    GetOrg,
    InvalidItem,
    ListedMember,
    ListedOrg,
    MemberList,
    OrgAnswer,
    RemoveMembers,
    RoleCount,
    SetMembers,
    SetOrgs,
    SetUsers,
)
from msgcenter.gateway.wire.fields import text_of, value_or_none
from msgcenter.web.decode import decode

Change = TypeVar("Change")
AnyChange = TypeVar("AnyChange", covariant=True)  # noqa: PLC0105


class _Item(Protocol[AnyChange]):
    def change(self) -> AnyChange: ...


async def set_orgs(directory: DirectoryChanges, caller: Caller, request: SetOrgs) -> DirectoryChanged:
    """Set or delete organisations."""
    items = _Items.of(request.orgs, OrgItem)
    outcome = await directory.set_orgs(
        caller.app, items.valid, platform_code=text_of(request.platform_code), by=caller.actor
    )
    return items.answer("orgs", outcome, caller)


async def set_users(directory: DirectoryChanges, caller: Caller, request: SetUsers) -> DirectoryChanged:
    """Set or remove users."""
    items = _Items.of(request.users, UserItem)
    outcome = await directory.set_users(
        caller.app, items.valid, platform_code=text_of(request.platform_code), by=caller.actor
    )
    return items.answer("users", outcome, caller)


async def set_members(directory: DirectoryChanges, caller: Caller, request: SetMembers) -> DirectoryChanged:
    """Begin memberships."""
    items = _Items.of(request.members, MemberItem)
    outcome = await directory.set_members(
        caller.app, items.valid, platform_code=text_of(request.platform_code), by=caller.actor
    )
    return items.answer("members", outcome, caller)


async def remove_members(directory: DirectoryChanges, caller: Caller, request: RemoveMembers) -> DirectoryChanged:
    """End memberships."""
    items = _Items.of(request.members, FormerMemberItem)
    outcome = await directory.remove_members(
        caller.app, items.valid, platform_code=text_of(request.platform_code), by=caller.actor
    )
    return items.answer("members", outcome, caller)


async def get_org(directory: DirectoryReads, caller: Caller, request: GetOrg) -> OrgAnswer:
    """Return an organisation, and a page of those below it."""
    view = await directory.org(
        caller.app,
        text_of(request.org_id),
        platform_code=text_of(request.platform_code),
        cursor=value_or_none(request.cursor),
        limit=request.page_size,
    )
    return OrgAnswer(
        children=[_listed(child) for child in view.children.items],
        org=UNSET if view.org is None else _listed(view.org),
        parent=UNSET if view.parent is None else _listed(view.parent),
        members=UNSET if view.org is None else [RoleCount(role, count) for role, count in view.members.items()],
        next_cursor=view.children.next_cursor or UNSET,
    )


async def get_members(directory: DirectoryReads, caller: Caller, request: GetMembers) -> MemberList:
    """List the members of an organisation."""
    page = await directory.members(
        caller.app,
        str(request.org_id),
        roles=value_or_none(request.roles),
        include_sub=request.include_sub,
        platform_code=text_of(request.platform_code),
        cursor=value_or_none(request.cursor),
        limit=request.page_size,
    )
    return MemberList(
        [
            ListedMember(member.org_id, member.user_id, member.role, member.name, member.disabled or UNSET)
            for member in page.items
        ],
        page.next_cursor or UNSET,
    )


def _listed(org: Org) -> ListedOrg:
    return ListedOrg(org.org_id, org.kind, org.name)


class _Items(NamedTuple, Generic[Change]):
    """The items of a request: what the valid ones change, and the refusals of the others, by their places."""

    valid: Mapping[int, Change]
    invalid: Mapping[int, Refusal]

    @staticmethod
    def of(sent: Iterable[_Item[Change]], kind: type[_Item[Change]]) -> "_Items[Change]":
        """Return the items of a list. If not all of them are valid, each is `msgspec.Raw` (`web.decode`)."""
        valid: dict[int, Change] = {}
        invalid: dict[int, Refusal] = {}
        for place, item in enumerate(sent):
            raw: object = item
            try:
                valid[place] = (decode(bytes(raw), kind) if isinstance(raw, msgspec.Raw) else item).change()
            except Refusal as refusal:
                is_object = refusal.reason is not Reason.BODY_NOT_AN_OBJECT
                invalid[place] = refusal if is_object else malformed("item", "须为JSON对象", "must be a JSON object")
        return _Items(valid, invalid)

    def answer(self, name: str, outcome: Outcome, caller: Caller) -> DirectoryChanged:
        """Return the answer. If no item is valid, the call is refused as the first one."""
        problems = {**self.invalid, **outcome.problems}
        if not problems:
            return DirectoryChanged(outcome.changed)
        language = caller.exchange.language
        invalid_items = [
            InvalidItem(place, str(refusal.data.get("field", "")), refusal.describe(language))
            for place, refusal in sorted(problems.items())
        ]
        if len(problems) == len(self.valid) + len(self.invalid):
            place, first = min(problems.items())
            field = f"{name}[{place}].{first.data.get('field', '')}".rstrip(".")
            raise Refusal(first.reason, result={"invalidItems": invalid_items}, **{**first.data, "field": field})
        return DirectoryChanged(outcome.changed, invalid_items)
