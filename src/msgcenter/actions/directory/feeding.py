"""Changes of the directory by apps that operators have given the directory API."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App, Platform
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.channels.sealing import Sealing
from msgcenter.domain.directory import FormerMembership, Membership, OrgChange, UserChange
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.messaging.directory.change_members import ChangedMembers, add_members, remove_members
from msgcenter.messaging.directory.change_orgs import ChangedOrgs, change_orgs, end_members_of_deleted
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.store import audit

Item = TypeVar("Item", OrgChange, UserChange)
AnyMembership = TypeVar("AnyMembership", Membership, FormerMembership)


class Outcome(NamedTuple):
    """How many organisations, users or memberships have changed, and why items could not be applied, by their place."""

    changed: int
    problems: Mapping[int, Refusal]


class DirectoryChanges:
    """Changes the directory of a platform, as far as the items can be applied. Items are named by their place.

    Every call refuses with NOT_AUTHORISED (directory, platform). The audit log records numbers, not whose.
    """

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database = database
        self._sealing = sealing

    async def set_orgs(
        self, app: App, items: Mapping[int, OrgChange], *, platform_code: str | None, by: Actor
    ) -> Outcome:
        """Set or delete organisations; users keep what they have received."""
        platform = app.directory_platform(platform_code)
        by_id, problems = _distinct(items, "orgId")
        changes = list(by_id.values())
        await end_members_of_deleted(self._database, platform, changes)
        result = await self._set_orgs(_Change(app, platform, by), changes)
        for place, change in items.items():
            if change.org_id in result.problems and place not in problems:
                field, rule = result.problems[change.org_id]
                problems[place] = malformed(field, rule.zh, rule.en)
        return Outcome(result.changed, problems)

    @transactional
    async def _set_orgs(self, connection: Connection, change: "_Change", changes: Sequence[OrgChange]) -> ChangedOrgs:
        result = await change_orgs(connection, change.platform, changes, now_ms())
        await change.record(connection, "directory.orgs", result.changed)
        return result

    async def set_users(
        self, app: App, items: Mapping[int, UserChange], *, platform_code: str | None, by: Actor
    ) -> Outcome:
        """Set or remove users, with their contact points, which are sealed. New ones become known to the platform."""
        platform = app.directory_platform(platform_code)
        changes, problems = _distinct(items, "userId")
        return Outcome(await self._set_users(_Change(app, platform, by), list(changes.values())), problems)

    @transactional
    async def _set_users(self, connection: Connection, change: "_Change", changes: Sequence[UserChange]) -> int:
        writing = ContactWriting(self._sealing, change.app.number, now_ms())
        changed = await change_users(connection, change.platform, changes, writing)
        await change.record(connection, "directory.users", changed)
        return changed

    async def set_members(
        self, app: App, items: Mapping[int, Membership], *, platform_code: str | None, by: Actor
    ) -> Outcome:
        """Begin memberships. Users who are not in the directory are added without a name."""
        change = _Change(app, app.directory_platform(platform_code), by)
        return _members_outcome(items, await self._change_members(change, add_members, set(items.values())))

    async def remove_members(
        self, app: App, items: Mapping[int, FormerMembership], *, platform_code: str | None, by: Actor
    ) -> Outcome:
        """End memberships; what is none is not a problem. Users keep what they have received."""
        change = _Change(app, app.directory_platform(platform_code), by)
        return _members_outcome(items, await self._change_members(change, remove_members, set(items.values())))

    @transactional
    async def _change_members(
        self,
        connection: Connection,
        change: "_Change",
        work: Callable[[Connection, Platform, Collection[AnyMembership]], Awaitable[ChangedMembers]],
        memberships: Collection[AnyMembership],
    ) -> ChangedMembers:
        result = await work(connection, change.platform, memberships)
        await change.record(connection, "directory.members", result.changed)
        return result


class _Change(NamedTuple):
    """A call that changes the directory of a platform."""

    app: App
    platform: Platform
    by: Actor

    async def record(self, connection: Connection, action: str, changed: int) -> None:
        if changed:
            await audit.record(
                connection,
                self.by,
                action,
                self.platform.code,
                now=now_ms(),
                app_number=self.app.number,
                changed=changed,
            )


def _members_outcome(
    items: Mapping[int, Membership] | Mapping[int, FormerMembership], result: ChangedMembers
) -> Outcome:
    problems = {
        place: Refusal(Reason.ORGANISATION_UNKNOWN, field="orgId", org_ids=item.org_id)
        for place, item in items.items()
        if item.org_id in result.unknown_orgs
    }
    return Outcome(result.changed, problems)


def _distinct(items: Mapping[int, Item], key: str) -> tuple[dict[str, Item], dict[int, Refusal]]:
    """Return the items by their ids, and the refusals of those that contradict an earlier one."""
    distinct: dict[str, Item] = {}
    problems: dict[int, Refusal] = {}
    for place, item in items.items():
        if distinct.setdefault(item[0], item) != item:
            problems[place] = malformed(
                key, f"{item[0]}重复且内容不同", f"{item[0]} occurs twice with different values"
            )
    return distinct, problems
