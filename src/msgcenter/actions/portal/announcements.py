"""Announcements to everyone on a platform, or to organisations: written by one operator, approved by another."""

from typing import NamedTuple

from msgspec.structs import replace

from msgcenter.actions.apps.key_ring import KeyRing, new_app_id, new_app_key
from msgcenter.actions.portal.operators import check_confirmers
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.announcement import (
    Announcement,
    AnnouncementVersion,
    State,
    Step,
    changes_between,
    checked_reason,
    request_id_of,
    state_after,
)
from msgcenter.domain.audience import EVERYONE, OrgAudience
from msgcenter.domain.channels.policy import NO_WISH, resolve
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
from msgcenter.store.channels import policy
from msgcenter.store.directory import orgs
from msgcenter.store.directory.audiences import ensure_audience
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.store.portal import announcements


class _Locked(NamedTuple):
    """An announcement with its current version, locked until the transaction ends."""

    announcement: Announcement
    version: AnnouncementVersion


class Announcements:
    """The steps of an announcement. Each names the version that the person has seen.

    A step refuses with MESSAGE_UNKNOWN, with FIELD_MALFORMED (version) if there is a newer version, and with
    FIELD_MALFORMED (state) if the state does not allow it.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        lease: NodeLease,
        *,
        on_change: Listener = ignore_events,
        on_stored: OnStored | None = None,
    ) -> None:
        self._database = database
        self._keys = keys
        self._lease = lease
        self._on_change = on_change
        self._on_stored = on_stored

    # --- Writing ----------------------------------------------------------------------------------------------------

    @transactional
    async def draft(self, connection: Connection, content: AnnouncementVersion, person: Person, by: Actor) -> int:
        """Save a new announcement; return its number.

        Refuses as sendMsg does what cannot be sent (docs/protocol.md), an unknown organisation, too, and with
        FIELD_MALFORMED an unknown platform.
        """
        now = now_ms()
        await _check(connection, content, now)
        number = await announcements.insert(connection, person.number, now)
        version = replace(content, number=1, edited_by=person.number, edited_at=now)
        await announcements.add_version(connection, number, version)
        await _record_step(connection, "draft", number, version, person=person, by=by, now=now)
        return number

    @transactional
    async def edit(
        self,
        connection: Connection,
        number: int,
        seen_version: int,
        content: AnnouncementVersion,
        *,
        person: Person,
        by: Actor,
    ) -> int:
        """Save a new version, which makes the announcement a draft again; return the version's number.

        The same content again makes no new version. Also refuses as `draft` does.
        """
        now = now_ms()
        announcement, current = await _locked(connection, number)
        state = state_after(announcement, current.edited_by, "edit", person.number, seen_version)
        version = replace(content, number=announcement.version + 1, edited_by=person.number, edited_at=now)
        if not changes_between(current, version):
            return announcement.version
        await _check(connection, content, now)
        await announcements.add_version(connection, number, version)
        await announcements.set_state(connection, number, state, None, now)
        await _record_step(connection, "edit", number, version, person=person, by=by, now=now)
        return version.number

    @transactional
    async def submit(self, connection: Connection, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Ask for the approval of another operator.

        Also refuses as `draft` does, since a time may have passed, and with NOT_AUTHORISED if there is no other
        operator.
        """
        now = now_ms()
        locked = await _locked(connection, number)
        await check_confirmers(connection, person.number)
        state = _state_after(locked, "submit", person, seen_version)
        await _check(connection, locked.version, now)
        await announcements.set_state(connection, number, state, person.number, now)
        await _record_step(connection, "submit", number, locked.version, person=person, by=by, now=now)

    async def send_back(self, number: int, seen_version: int, reason: str, person: Person, by: Actor) -> None:
        """Return a submitted announcement to its author, with a reason of 1-500 characters.

        Also refuses with NOT_AUTHORISED a person who wrote, edited or submitted it.
        """
        await self._take_step("return", number, seen_version, person=person, by=by, reason=checked_reason(reason))

    async def withdraw(self, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Discard an announcement that is not sent."""
        await self._take_step("withdraw", number, seen_version, person=person, by=by)

    @transactional
    async def _take_step(
        self,
        connection: Connection,
        step: Step,
        number: int,
        seen_version: int,
        *,
        person: Person,
        by: Actor,
        reason: str = "",
    ) -> None:
        locked = await _locked(connection, number)
        await _change_state(connection, step, locked, seen_version, person=person, by=by, reason=reason)

    # --- Sending ----------------------------------------------------------------------------------------------------

    async def approve(self, number: int, seen_version: int, person: Person, by: Actor) -> int:
        """Approve a submitted announcement and send it; return the message id.

        Both happen in one transaction. Idempotent: approving the same version twice returns the same id. Also refuses
        with NOT_AUTHORISED a person who wrote, edited or submitted it, and as sendMsg does what cannot be sent any
        more.
        """
        async with self._database.connection() as connection:
            version = await announcements.find_version(connection, number, seen_version)
            announcement = await announcements.find(connection, number)
            is_repeat = await _has_approved(connection, person, number, seen_version)
            if not is_repeat:
                await check_confirmers(connection, person.number)
        if announcement is None:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        if version is None:
            raise malformed("version", "没有此版本", "there is no such version")
        if is_repeat and announcement.message_id is not None:
            return announcement.message_id
        state_after(announcement, version.edited_by, "approve", person.number, seen_version)
        app = await self._ensure_notices_app(version.platform_code)
        check_body(version.body, app.app_schemes)
        async with self._database.connection() as connection:
            organisations = await _organisations_of(connection, version)
            audience_number = EVERYONE
            if organisations is not None:
                audience_number = await ensure_audience(connection, version.platform_code, organisations)
            rules = (await policy.read_rules(connection, [version.platform_code])).get(version.platform_code)
        draft = _draft_of(number, version, app, audience_number, organisations)
        draft = replace(draft, route=resolve(rules, app, NO_WISH))

        async def settle(connection: Connection, outcomes: list[int | Refusal]) -> None:
            # Runs in the transaction of the send: if the approval is refused, nothing is sent.
            (message_id,) = outcomes
            if isinstance(message_id, Refusal):
                raise message_id
            latest = await announcements.find(connection, number, lock=True)
            assert latest is not None
            if latest.message_id == message_id and await _has_approved(connection, person, number, seen_version):
                return  # a second click while the first was being processed
            locked, detail = _Locked(latest, version), {"message_id": str(message_id)}
            await _change_state(connection, "approve", locked, seen_version, person=person, by=by, **detail)
            await announcements.set_message(connection, number, app.number, message_id)

        (message_id,) = await send_drafts(
            self._database, await self._lease.ids(), [draft], on_stored=self._on_stored, in_same_transaction=settle
        )
        assert isinstance(message_id, int)
        if draft.is_immediate:
            self._on_change([MailboxEvent("message", draft.platform.code, (), (message_id,), audience_number)])
        return message_id

    async def recall(self, number: int, seen_version: int, person: Person, by: Actor) -> None:
        """Recall a sent announcement from every inbox. One operator is enough, since this undoes the send."""
        self._on_change(await self._recall(number, seen_version, person, by))

    @transactional
    async def _recall(
        self, connection: Connection, number: int, seen_version: int, person: Person, by: Actor
    ) -> list[MailboxEvent]:
        locked = await _locked(connection, number)
        announcement = locked.announcement
        await _change_state(connection, "recall", locked, seen_version, person=person, by=by)
        assert announcement.app_number is not None
        assert announcement.message_id is not None
        return await recalls.recall_within(connection, announcement.app_number, announcement.message_id, by)

    @transactional
    async def _ensure_notices_app(self, connection: Connection, platform_code: str) -> App:
        """Return the app that sends the platform's announcements; create it the first time."""
        app_id = new_app_id()
        sealed = self._keys.seal(app_id, new_app_key())  # never shown, and no call accepts it
        await apps.ensure_notices_app(connection, platform_code, app_id=app_id, key_sealed=sealed, now=now_ms())
        record = await apps.notices_app(connection, platform_code)
        if record is None:
            raise _unknown_platform()
        return record.app


async def _locked(connection: Connection, number: int) -> _Locked:
    """Lock an announcement. Refuses with MESSAGE_UNKNOWN."""
    announcement = await announcements.find(connection, number, lock=True)
    if announcement is None:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    version = await announcements.find_version(connection, number, announcement.version)
    assert version is not None
    return _Locked(announcement, version)


def _state_after(locked: _Locked, step: Step, person: Person, seen_version: int) -> State:
    return state_after(locked.announcement, locked.version.edited_by, step, person.number, seen_version)


async def _change_state(
    connection: Connection,
    step: Step,
    locked: _Locked,
    seen_version: int,
    *,
    person: Person,
    by: Actor,
    reason: str = "",
    **detail: str,
) -> None:
    """Take a step that changes nothing but the state."""
    now = now_ms()
    announcement, version = locked
    state = _state_after(locked, step, person, seen_version)
    await announcements.set_state(connection, announcement.number, state, announcement.submitted_by, now)
    await _record_step(
        connection, step, announcement.number, version, person=person, by=by, now=now, reason=reason, **detail
    )


async def _has_approved(connection: Connection, person: Person, number: int, version: int) -> bool:
    steps = await announcements.steps(connection, number)
    return any(step.step == "approve" and (step.by, step.version) == (person.number, version) for step in steps)


async def _record_step(
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
    """Write a step to the announcement's history and to the audit log."""
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


async def _check(connection: Connection, content: AnnouncementVersion, now: int) -> None:
    """Refuse as sendMsg does what cannot be sent."""
    platforms = {platform.code: platform for platform in await list_platforms(connection)}
    platform = platforms.get(content.platform_code)
    if platform is None:
        raise _unknown_platform()
    check_body(content.body, frozenset(platform.app_schemes))
    check_times(content.send_at, content.expires_at, now)
    await _organisations_of(connection, content)


async def _organisations_of(connection: Connection, version: AnnouncementVersion) -> OrgAudience | None:
    """Return the organisations of a version by their numbers. Refuses with ORGANISATION_UNKNOWN."""
    audience = version.audience
    if audience is None:
        return None
    numbers = await orgs.numbers_of(connection, version.platform_code, audience.org_ids)
    unknown = sorted(set(audience.org_ids).difference(numbers))
    if unknown:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=", ".join(unknown))
    return OrgAudience(tuple(sorted(numbers.values())), audience.roles, audience.include_sub)


def _unknown_platform() -> Refusal:
    return malformed("platform", "请选择一个平台", "must be one of the platforms")


def _draft_of(
    number: int, version: AnnouncementVersion, app: App, audience_number: int, organisations: OrgAudience | None
) -> Draft:
    draft = Draft(
        app_number=app.number,
        app_cell=app.platform.first_cell,
        platform=app.platform,
        body=version.body,
        receivers=(),
        topic_number=audience_number,
        organisations=organisations,
        request_id=request_id_of(number, version.number),
        send_at=version.send_at,
        expires_at=version.expires_at,
    )
    scheduled = check_times(version.send_at, version.expires_at, now_ms())
    return replace(draft, digest=draft.fingerprint(), send_at=scheduled)
