"""Importing a directory from files. An interrupted import is completed by running it again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.actions.directory.difference import Difference, Kind, StoredOrgs, stored_users
from msgcenter.actions.directory.import_files import BadLine, open_source
from msgcenter.actions.directory.staging import Staging, place_key, unpacked
from msgcenter.database.database import Connection, Database
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.channels.sealing import Sealing
from msgcenter.domain.directory import BLOCK, FormerMembership, Membership, OrgChange, UserChange
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.messaging.directory.change_members import ChangedMembers, add_members, remove_members
from msgcenter.messaging.directory.change_orgs import change_orgs, end_members_of_deleted
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.store import audit

OnProgress = Callable[[str, int, int], None]
"""Is called with the name of a step, and how much of it is done, of how much."""
_PATHS = 16_000
"""Paths of organisations that one transaction writes, about."""


class BadFileError(ValueError):
    """The file cannot be imported. `bad_lines` are the first of `problems`, in order."""

    def __init__(self, bad_lines: Sequence[BadLine], problems: int) -> None:
        super().__init__(f"bad lines: {problems}")
        self.bad_lines, self.problems = bad_lines, problems


class UnconfirmedError(ValueError):
    """Other than the confirmed number of organisations, users and memberships would be deleted."""

    def __init__(self, difference: "Outcome", confirmed: int) -> None:
        super().__init__(f"would be deleted: {difference.missing}, confirmed: {confirmed}")
        self.difference, self.confirmed = difference, confirmed


class Outcome(NamedTuple):
    """What was in the file, and how much an import changes, with the first differences of each kind.

    `missing` are the organisations, users and memberships that are not in the file.
    """

    orgs: int
    users: int
    members: int
    counts: dict[Kind, int]
    examples: dict[Kind, list[str]]
    missing: int


async def import_directory(
    database: Database,
    platform_code: str,
    path: Path,
    *,
    sealing: Sealing,
    delete_missing: int | None = None,
    dry_run: bool = False,
    on_progress: OnProgress,
    by: Actor,
) -> Outcome:
    """Make the directory of a platform what a file says, after all of the file has been checked.

    `sealing` seals contact points. What is not in the file stays, unless `delete_missing` is exactly its number.
    Changes are committed in blocks; each is whole or not done. Raises UnknownPlatformError, BadFileError,
    UnconfirmedError, or ValueError if the file cannot be read.
    """
    platform = await check_platform(database, platform_code)
    writing = ContactWriting(sealing, None, now_ms())
    with Staging(platform) as staging:
        _read(staging, path, on_progress)
        difference = Difference(staging, writing)
        await _compare(database, difference, on_progress, delete_missing=delete_missing is not None)
        if staging.problems:
            raise BadFileError(sorted(staging.bad_lines, key=place_key), staging.problems)
        outcome = Outcome(*staging.counts(), difference.counts, difference.examples, difference.missing)
        if delete_missing not in {None, difference.missing} and not dry_run:
            assert delete_missing is not None
            raise UnconfirmedError(outcome, delete_missing)
        if not dry_run:
            await _Import(database, difference, writing, on_progress).run(by, deletes=delete_missing is not None)
        return outcome


def _read(staging: Staging, path: Path, on_progress: OnProgress) -> None:
    with open_source(path) as source:
        # A CSV file is read twice: once to find out its encoding.
        size, done = source.size * (2 if source.is_csv else 1), 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            on_progress("Checking", done, size)

        staging.read(source.entries(on_bytes))


async def _compare(
    database: Database, difference: Difference, on_progress: OnProgress, *, delete_missing: bool
) -> None:
    staging = difference.staging
    platform, contacts = staging.platform, staging.has_contacts
    async with database.snapshot() as connection:
        stored = await StoredOrgs.read(connection, platform)
        difference.compare_orgs(stored, delete_missing=delete_missing)
        if not staging.problems:
            for place, cell in enumerate(platform.all_cells):
                on_progress("Comparing", place, platform.cells)
                await difference.compare_users(stored_users(connection, cell, stored.ids, contacts=contacts), cell)


class _Import:
    """The changes of an import, in transactions of one block each."""

    def __init__(
        self, database: Database, difference: Difference, writing: ContactWriting, on_progress: OnProgress
    ) -> None:
        self._database, self._platform = database, difference.staging.platform
        self._difference, self._writing, self._on_progress = difference, writing, on_progress

    async def run(self, by: Actor, *, deletes: bool) -> None:
        """Apply everything; `deletes`: also delete what is not in the file."""
        counts = self._difference.counts
        changes = sum(counts.values()) - (0 if deletes else self._difference.missing)
        if not changes:
            return
        await self._database.in_transaction(self._record, by, deletes=deletes)
        await self._set_orgs(self._difference.orgs)
        await self._set_users()
        await self._set_contacts()
        await self._add_members()
        if deletes:
            await self._end_members()
            await self._remove_users()
            await self._delete_orgs(self._difference.missing_orgs)

    async def _record(self, connection: Connection, by: Actor, *, deletes: bool) -> None:
        counts = self._difference.counts
        await audit.record(
            connection,
            by,
            "directory.import",
            self._platform.code,
            now=now_ms(),
            orgs=counts[Kind.NEW_ORG] + counts[Kind.CHANGED_ORG],
            users=counts[Kind.NEW_USER] + counts[Kind.CHANGED_USER],
            contacts=counts[Kind.CHANGED_CONTACT],
            members=counts[Kind.NEW_MEMBER],
            deleted=self._difference.missing if deletes else 0,
        )

    async def _set_orgs(self, changes: Sequence[OrgChange]) -> None:
        size = max(20, _PATHS // (4 * self._platform.cells))
        for start in range(0, len(changes), size):
            self._on_progress("Organisations", start, len(changes))
            block = changes[start : start + size]
            result = await self._database.in_transaction(change_orgs, self._platform, block, now_ms())
            if result.problems:
                raise _changed_meanwhile()

    async def _set_users(self) -> None:
        done, counts = 0, self._difference.counts
        total = counts[Kind.NEW_USER] + counts[Kind.CHANGED_USER]
        for _, block in self._difference.blocks("new_user", BLOCK):
            self._on_progress("Users", done, total)
            changes = [
                UserChange(user_id, name, locale, time_zone, bool(disabled))
                for user_id, name, locale, time_zone, disabled in block
            ]
            await self._database.in_transaction(change_users, self._platform, changes)
            done += len(block)

    async def _set_contacts(self) -> None:
        done, total = 0, self._difference.counts[Kind.CHANGED_CONTACT]
        for _, block in self._difference.blocks("new_contact", BLOCK):
            self._on_progress("Contact points", done, total)
            changes = [UserChange(user_id, contacts=unpacked(contacts)) for user_id, contacts in block]
            await self._database.in_transaction(change_users, self._platform, changes, self._writing)
            done += len(block)

    async def _add_members(self) -> None:
        done = 0
        for _, block in self._difference.blocks("new_member", BLOCK):
            self._on_progress("Memberships", done, self._difference.counts[Kind.NEW_MEMBER])
            added = [Membership(org_id, user_id, role) for user_id, org_id, role in block]
            _check(await self._database.in_transaction(add_members, self._platform, added))
            done += len(block)

    async def _end_members(self) -> None:
        done = 0
        for _, block in self._difference.blocks("missing_member", BLOCK):
            self._on_progress("Ending memberships", done, self._difference.counts[Kind.MISSING_MEMBER])
            ended = [FormerMembership(org_id, user_id, role) for user_id, org_id, role in block]
            await self._database.in_transaction(remove_members, self._platform, ended)
            done += len(block)

    async def _remove_users(self) -> None:
        done = 0
        for _, block in self._difference.blocks("missing_user", BLOCK):
            self._on_progress("Removing users", done, self._difference.counts[Kind.MISSING_USER])
            removed = [UserChange(user_id, deleted=True) for (user_id,) in block]
            await self._database.in_transaction(change_users, self._platform, removed)
            done += len(block)

    async def _delete_orgs(self, changes: Sequence[OrgChange]) -> None:
        size = max(20, _PATHS // (4 * self._platform.cells))
        for start in range(0, len(changes), size):
            self._on_progress("Deleting organisations", start, len(changes))
            block = changes[start : start + size]
            await end_members_of_deleted(self._database, self._platform, block)
            result = await self._database.in_transaction(change_orgs, self._platform, block, now_ms())
            if result.problems:
                raise _changed_meanwhile()


def _check(result: ChangedMembers) -> None:
    if result.unknown_orgs:
        raise _changed_meanwhile()


def _changed_meanwhile() -> ValueError:
    return ValueError(
        "Somebody else has changed the organisations meanwhile. What is done stays; run the import again."
    )
