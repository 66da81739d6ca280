"""Announcements to everyone of a platform: drafted by one operator, approved by another, sent once."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from msgcenter.actions.apps.key_ring import KeyRing, new_app_id, new_app_key
from msgcenter.actions.messages.message_status import MessageStatus, MessageStatuses
from msgcenter.actions.portal.operators import check_confirmers
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.announcement import (
    Announcement,
    AnnouncementVersion,
    FieldChange,
    State,
    Step,
    StepRecord,
    changes_between,
    checked_reason,
    may_review,
    request_id_of,
    reviewed_before,
    state_after,
)
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.content import check_body
from msgcenter.domain.event import Listener, MailboxEvent, ignore_events
from msgcenter.domain.message import Draft, check_times
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.messaging import recall as recalls
from msgcenter.messaging.send import OnStored, send_drafts
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.apps.platforms import list_platforms
from msgcenter.store.mailboxes import users
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.portal import announcements, people
from msgcenter.store.portal.announcements import AnnouncementRow

Result = TypeVar("Result")


class AnnouncementDetails(NamedTuple):
    """An announcement as one person sees it.

    `changes` are those since the `earlier` version that was last submitted or approved, which is None if none was;
    `names` are the people's names by their numbers.
    """

    announcement: Announcement
    version: AnnouncementVersion
    earlier: int | None
    changes: list[FieldChange]
    steps: list[StepRecord]
    names: dict[int, str]
    may_review: bool


class Announcements:
    """What operators announce. Whoever acts on an announcement names the version they saw."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        lease: NodeLease,
        message_statuses: MessageStatuses,
        *,
        on_change: Listener = ignore_events,
        on_stored: OnStored | None = None,
    ) -> None:
        self._database = database
        self._keys = keys
        self._lease = lease
        self._message_statuses = message_statuses
        self._on_change = on_change
        self._on_stored = on_stored

    # --- Looking ----------------------------------------------------------------------------------------------------

    async def page(
        self, state: State | None, platform_code: str | None, before: int, limit: int
    ) -> tuple[list[AnnouncementRow], int | None]:
        """Return announcements, the newest first, and the bound of the next page (None: there is none)."""
        async with self._database.connection() as connection:
            found = await announcements.list_announcements(connection, state, platform_code, before, limit + 1)
        return found[:limit], found[limit - 1].announcement.number if len(found) > limit else None

    async def open(self, number: int, person: Person) -> AnnouncementDetails:
        """Return an announcement. Refuses with MESSAGE_UNKNOWN."""
        async with self._database.connection() as connection:
            found = await announcements.find(connection, number)
            if found is None:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            versions = await announcements.versions(connection, number)
            steps = await announcements.steps(connection, number)
            involved = {found.created_by, *(step.by for step in steps), *(one.edited_by for one in versions.values())}
            names = await people.names_of(connection, sorted(involved))
        version = versions[found.version]
        earlier = reviewed_before(steps, found.version)
        changes = changes_between(versions[earlier], version) if earlier is not None else []
        review = may_review(found, version.edited_by, person.number)
        return AnnouncementDetails(found, version, earlier, changes, steps, names, review)

    async def audience(self, platform_code: str) -> int:
        """Return how many users an announcement would have now."""
        async with self._database.connection() as connection:
            return await users.count_users(connection, platform_code)

    async def waiting(self) -> int:
        """Return how many announcements wait for an approval."""
        async with self._database.connection() as connection:
            return await announcements.count_waiting(connection)

    async def reviewers_beside(self, person: Person) -> int:
        """Return how many other operators there are who may log in."""
        async with self._database.connection() as connection:
            return await people.count_other_operators(connection, [person.number])

    async def message_status(self, announcement: Announcement, version: AnnouncementVersion) -> MessageStatus | None:
        """Return where the message stands that an announcement became; None if it is none, or not kept any more."""
        async with self._database.connection() as connection:
            record = await apps.notices_app(connection, version.platform_code)
        if announcement.message_id is None or record is None:
            return None
        try:
            return await self._message_statuses.status(record.app, announcement.message_id)
        except Refusal as refusal:
            if refusal.reason is not Reason.MESSAGE_UNKNOWN:
                raise
            return None

    # --- Writing ----------------------------------------------------------------------------------------------------

    async def draft(self, said: AnnouncementVersion, person: Person, by: Actor) -> int:
        """Begin an announcement and return its number.

        Refuses as sendMsg does what cannot be sent (docs/protocol.md), or FIELD_MALFORMED an unknown platform.
        """

        async def write(connection: Connection) -> int:
            now = now_ms()
            await _check(connection, said, now)
            number = await announcements.insert(connection, person.number, now)
            version = replace(said, number=1, edited_by=person.number, edited_at=now)
            await announcements.add_version(connection, number, version)
            await _note(connection, "draft", number, version, person=person, by=by, now=now)
            return number

        return await self._database.in_transaction(write)

    async def edit(self, number: int, seen_version: int, said: AnnouncementVersion, person: Person, by: Actor) -> int:
        """Let an announcement say something else, which makes it a draft again; return the new version's number.

        Saying the same again changes nothing. Refuses as `draft` does, with MESSAGE_UNKNOWN, or FIELD_MALFORMED
        (version, state) when it has moved on.
        """

        async def write(connection: Connection, found: Announcement, present: AnnouncementVersion) -> int:
            now = now_ms()
            state = state_after(found, present.edited_by, "edit", person.number, seen_version)
            version = replace(said, number=found.version + 1, edited_by=person.number, edited_at=now)
            if not changes_between(present, version):
                return found.version
            await _check(connection, said, now)
            await announcements.add_version(connection, number, version)
            await announcements.set_state(connection, number, state, None, now)
            await _note(connection, "edit", number, version, person=person, by=by, now=now)
            return version.number

        return await self._with_locked(number, write)

    async def submit(self, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Ask for the approval of another operator. Refuses as `edit` does; with NOT_AUTHORISED if none is there."""

        async def write(connection: Connection, found: Announcement, present: AnnouncementVersion) -> None:
            now = now_ms()
            await check_confirmers(connection, person.number)
            state = state_after(found, present.edited_by, "submit", person.number, seen_version)
            await _check(connection, present, now)
            await announcements.set_state(connection, number, state, person.number, now)
            await _note(connection, "submit", number, present, person=person, by=by, now=now)

        await self._with_locked(number, write)

    async def send_back(self, number: int, seen_version: int, reason: str, person: Person, by: Actor) -> None:
        """Send back what waits, with a reason of 1-500 characters. Refuses as `approve` does."""
        checked = checked_reason(reason)

        async def write(connection: Connection, found: Announcement, present: AnnouncementVersion) -> None:
            now = now_ms()
            state = state_after(found, present.edited_by, "return", person.number, seen_version)
            await announcements.set_state(connection, number, state, found.submitted_by, now)
            await _note(connection, "return", number, present, person=person, by=by, now=now, reason=checked)

        await self._with_locked(number, write)

    async def withdraw(self, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Give up what is not sent. Refuses with MESSAGE_UNKNOWN or FIELD_MALFORMED (version, state)."""

        async def write(connection: Connection, found: Announcement, present: AnnouncementVersion) -> None:
            now = now_ms()
            state = state_after(found, present.edited_by, "withdraw", person.number, seen_version)
            await announcements.set_state(connection, number, state, found.submitted_by, now)
            await _note(connection, "withdraw", number, present, person=person, by=by, now=now)

        await self._with_locked(number, write)

    # --- Sending ----------------------------------------------------------------------------------------------------

    async def approve(self, number: int, seen_version: int, person: Person, by: Actor) -> int:
        """Approve what waits and send it to everyone of its platform, both or neither; return the message's id.

        Who has approved this version and does so again gets the same id. Refuses with NOT_AUTHORISED one who has a
        part in it, with MESSAGE_UNKNOWN, with FIELD_MALFORMED (version, state) when it has moved on, and as sendMsg
        does what cannot be sent any more.
        """
        async with self._database.connection() as connection:
            present = await announcements.find_version(connection, number, seen_version)
            found = await announcements.find(connection, number)
            again = await _has_approved(connection, person, number, seen_version)
            if not again:
                await check_confirmers(connection, person.number)
        if found is None:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        if present is None:
            raise malformed("version", "没有此版本", "there is no such version")
        if again and found.message_id is not None:
            return found.message_id
        state_after(found, present.edited_by, "approve", person.number, seen_version)
        app = await self._notices_app(present.platform_code)
        check_body(present.body, app.app_schemes)
        draft = _message_of(number, present, app)

        async def settle(connection: Connection, outcomes: list[int | Refusal]) -> None:
            # In the transaction of the send itself: if it was not to be approved, it was not sent either.
            (sent,) = outcomes
            if isinstance(sent, Refusal):
                raise sent
            locked = await announcements.find(connection, number, lock=True)
            assert locked is not None
            if locked.message_id == sent and await _has_approved(connection, person, number, seen_version):
                return  # a second click, while the first was on its way
            now = now_ms()
            state = state_after(locked, present.edited_by, "approve", person.number, seen_version)
            await announcements.set_state(connection, number, state, locked.submitted_by, now)
            await announcements.set_message(connection, number, app.number, sent)
            await _note(connection, "approve", number, present, person=person, by=by, now=now, message_id=str(sent))

        (message_id,) = await send_drafts(
            self._database, await self._lease.ids(), [draft], on_stored=self._on_stored, in_same_transaction=settle
        )
        assert isinstance(message_id, int)
        if draft.is_direct:
            self._on_change([MailboxEvent("message", draft.platform_code, (), (message_id,), EVERYONE)])
        return message_id

    async def recall(self, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Take back what was sent, from every inbox, at once: it undoes, so one operator may. Refuses as `edit`."""

        async def write(
            connection: Connection, found: Announcement, present: AnnouncementVersion
        ) -> list[MailboxEvent]:
            now = now_ms()
            state = state_after(found, present.edited_by, "recall", person.number, seen_version)
            assert found.app_number is not None
            assert found.message_id is not None
            await announcements.set_state(connection, number, state, found.submitted_by, now)
            await _note(connection, "recall", number, present, person=person, by=by, now=now)
            return await recalls.recall_within(connection, found.app_number, found.message_id, by)

        self._on_change(await self._with_locked(number, write))

    # --- Parts ------------------------------------------------------------------------------------------------------

    async def _with_locked(
        self, number: int, work: Callable[[Connection, Announcement, AnnouncementVersion], Awaitable[Result]]
    ) -> Result:
        async def write(connection: Connection) -> Result:
            found = await announcements.find(connection, number, lock=True)
            if found is None:
                raise Refusal(Reason.MESSAGE_UNKNOWN)
            present = await announcements.find_version(connection, number, found.version)
            assert present is not None
            return await work(connection, found, present)

        return await self._database.in_transaction(write)

    async def _notices_app(self, platform_code: str) -> App:
        """Return the app that the platform's announcements are sent as, made the first time."""
        app_id = new_app_id()
        sealed = self._keys.seal(app_id, new_app_key())  # never shown to anybody, and no call takes it

        async def write(connection: Connection) -> App:
            await apps.ensure_notices_app(connection, platform_code, app_id=app_id, key_sealed=sealed, now=now_ms())
            record = await apps.notices_app(connection, platform_code)
            if record is None:
                raise _no_platform()
            return record.app

        return await self._database.in_transaction(write)


async def _has_approved(connection: Connection, person: Person, number: int, version: int) -> bool:
    steps = await announcements.steps(connection, number)
    return any(one.step == "approve" and (one.by, one.version) == (person.number, version) for one in steps)


async def _note(
    connection: Connection,
    step: Step,
    number: int,
    version: AnnouncementVersion,
    *,
    person: Person,
    by: Actor,
    now: int,
    reason: str = "",
    **detail: str,
) -> None:
    """Write a step down, for the announcement's history and for the audit log."""
    await announcements.add_step(
        connection, number, step, version=version.number, by=person.number, now=now, reason=reason
    )
    if reason:
        detail["reason"] = reason
    await audit.record(
        connection,
        by,
        f"announcement.{step}",
        str(number),
        now=now,
        app_number=None,
        platform=version.platform_code,
        version=version.number,
        **detail,
    )


async def _check(connection: Connection, said: AnnouncementVersion, now: int) -> None:
    """Refuse what sendMsg would refuse."""
    found = [one for one in await list_platforms(connection) if one.code == said.platform_code]
    if not found:
        raise _no_platform()
    check_body(said.body, frozenset(found[0].app_schemes))
    check_times(said.send_at, said.expires_at, now)


def _no_platform() -> Refusal:
    return malformed("platform", "请选择一个平台", "must be one of the platforms")


def _message_of(number: int, version: AnnouncementVersion, app: App) -> Draft:
    draft = Draft(
        app_number=app.number,
        platform_code=version.platform_code,
        body=version.body,
        receivers=(),
        topic_number=EVERYONE,
        request_id=request_id_of(number, version.number),
        send_at=version.send_at,
        expires_at=version.expires_at,
    )
    scheduled = check_times(version.send_at, version.expires_at, now_ms())
    return replace(draft, digest=draft.fingerprint(), send_at=scheduled)
