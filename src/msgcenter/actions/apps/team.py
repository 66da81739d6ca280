"""The members of apps, and what developers request from operators for an app."""

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.branding import Branding, check_branding
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps import apps, grants
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.grants import GrantKind, GrantRequest
from msgcenter.store.apps.platforms import platform_codes
from msgcenter.store.portal import people
from msgcenter.store.portal.members import add_member, app_numbers_of, members_of, remove_member

_MAX_REASON = 500


class Team:
    """Apps, as the people of the portal have access to them."""

    def __init__(self, database: Database, register: Apps) -> None:
        self._database = database
        self._register = register

    async def apps_of(self, person: Person) -> list[AppRecord]:
        """Return the apps that a person is a member of, oldest first."""
        async with self._database.connection() as connection:
            numbers = await app_numbers_of(connection, person.number)
            return list((await apps.find_apps(connection, numbers)).values())

    async def app_for(self, person: Person, app_id: str) -> AppRecord:
        """Return an app to one of its members, or to an operator. Refuses everybody else with APP_UNKNOWN."""
        record = await self._register.find(app_id)
        if not person.is_operator:
            async with self._database.connection() as connection:
                if record.app.number not in await app_numbers_of(connection, person.number):
                    raise Refusal(Reason.APP_UNKNOWN)
        return record

    # --- Members ----------------------------------------------------------------------------------------------------

    async def members(self, app: AppRecord) -> list[Person]:
        """Return the members of an app."""
        async with self._database.connection() as connection:
            return await members_of(connection, app.app.number)

    @transactional
    async def add(self, connection: Connection, app: AppRecord, login: str, by: Actor) -> Person:
        """Add a member. Refuses with FIELD_MALFORMED (login) an unknown or disabled login, or a member."""
        record = await people.find_person(connection, login=login.strip().lower())
        if record is None or record.person.disabled:
            raise malformed("login", "没有此用户,请先让对方注册", "no such user; they must sign up first")
        now, number, person = now_ms(), app.app.number, record.person
        if not await add_member(connection, number, person.number, now):
            raise malformed("login", "已是成员", "is a member already")
        await audit.record(connection, by, "app.member.add", person.login, now=now, app_number=number)
        return person

    @transactional
    async def remove(self, connection: Connection, app: AppRecord, person_number: int, by: Actor) -> None:
        """Remove a member. Refuses with FIELD_MALFORMED (login) to remove the last one."""
        number = app.app.number
        members = {person.number: person for person in await members_of(connection, number)}
        if person_number not in members:
            raise malformed("login", "不是成员", "is not a member")
        if len(members) < 2:
            raise malformed("login", "至少须保留一名成员", "is the last member; an app needs at least one")
        await remove_member(connection, number, person_number)
        login = members[person_number].login
        await audit.record(connection, by, "app.member.remove", login, now=now_ms(), app_number=number)

    # --- Grants -----------------------------------------------------------------------------------------------------

    async def ask(self, app: AppRecord, kind: GrantKind, value: str, reason: str, *, person: Person, by: Actor) -> None:
        """Request a grant for an app; `value` is the code of a platform, "" for other kinds.

        Refuses with FIELD_MALFORMED an unknown platform (value), a reason not of 1-500 characters (reason), or
        what is granted or requested already (kind).
        """
        reason = reason.strip()
        if not 1 <= len(reason) <= _MAX_REASON or "\0" in reason:
            raise malformed("reason", f"须为1–{_MAX_REASON}个字符", f"must be 1-{_MAX_REASON} characters")
        if is_granted(app, kind, value):
            raise malformed("kind", "已经开通", "is granted already")
        await self._request_grant(app, kind, value, reason, person=person, by=by)

    @transactional
    async def _request_grant(
        self,
        connection: Connection,
        app: AppRecord,
        kind: GrantKind,
        value: str,
        reason: str,
        *,
        person: Person,
        by: Actor,
    ) -> None:
        now, number = now_ms(), app.app.number
        if kind == "platform" and value not in await platform_codes(connection):
            raise malformed("value", "没有此平台", "there is no such platform")
        if not await grants.insert_request(
            connection,
            app_number=number,
            kind=kind,
            value=value,
            reason=reason,
            asked_by=person.number,
            now=now,
        ):
            raise malformed("kind", "已经申请,请等待审核", "is requested already")
        await audit.record(connection, by, f"grant.ask.{kind}", value, now=now, app_number=number, reason=reason)

    async def ask_branding(self, app: AppRecord, name: str, colour: str | None, *, person: Person, by: Actor) -> None:
        """Request another name or colour for a live app.

        Refuses with FIELD_MALFORMED as `check_branding` does, if nothing changes, or while another such request is
        pending (name).
        """
        if (name, colour) == (app.app.name, app.colour):
            raise malformed("name", "没有变化", "does not change")
        await self._request_branding(app, Branding(name, colour), person=person, by=by)

    @transactional
    async def _request_branding(
        self, connection: Connection, app: AppRecord, branding: Branding, *, person: Person, by: Actor
    ) -> None:
        await check_branding(connection, branding.name, branding.colour)
        now, number = now_ms(), app.app.number
        if not await grants.insert_request(
            connection,
            app_number=number,
            kind="branding",
            value=branding.as_text(),
            reason="",
            asked_by=person.number,
            now=now,
        ):
            raise malformed("name", "已有申请等待审核", "is requested already")
        await audit.record(
            connection,
            by,
            "grant.ask.branding",
            branding.name,
            now=now,
            app_number=number,
            name=branding.name,
            colour=branding.colour,
        )

    async def requests(self, app: AppRecord) -> list[GrantRequest]:
        """Return the requests for an app, the newest first."""
        async with self._database.connection() as connection:
            return await grants.requests_of(connection, app.app.number)

    async def open_requests(self) -> list[GrantRequest]:
        """Return the pending requests, the oldest first."""
        async with self._database.connection() as connection:
            return await grants.open_requests(connection)

    async def decide(
        self, number: int, *, granted: bool, answer: str, person: Person, by: Actor, seen_name: str = ""
    ) -> GrantRequest:
        """Grant or refuse a request, with an answer of up to 500 characters. A grant takes effect at once.

        `seen_name` is the app's name as the operator saw it, "" for any: to go live approves this name only. Refuses
        with FIELD_MALFORMED an answer that is too long (answer), or a request that is decided already or whose app has
        another name by now (number).
        """
        answer = answer.strip()
        if len(answer) > _MAX_REASON or "\0" in answer:
            raise malformed("answer", f"最多{_MAX_REASON}个字符", f"must be at most {_MAX_REASON} characters")
        return await self._decide(number, granted=granted, answer=answer, person=person, by=by, seen_name=seen_name)

    @transactional
    async def _decide(
        self,
        connection: Connection,
        number: int,
        *,
        granted: bool,
        answer: str,
        person: Person,
        by: Actor,
        seen_name: str,
    ) -> GrantRequest:
        now = now_ms()
        request = await grants.decide(
            connection, number, granted=granted, answer=answer or None, by=person.number, now=now
        )
        if request is None:
            raise malformed("number", "没有此申请,或已处理", "there is no such request, or it is decided")
        if granted and seen_name not in {"", request.app_name}:
            raise malformed("number", "应用名称已变更,请重新核对", "the app has another name now; check it again")
        if granted:
            await _grant(connection, request)
        await audit.record(
            connection,
            by,
            f"grant.{'give' if granted else 'refuse'}.{request.kind}",
            request.value,
            now=now,
            app_number=request.app_number,
            **({"answer": answer} if answer else {}),
        )
        return request


async def _grant(connection: Connection, request: GrantRequest) -> None:
    if request.kind == "live":
        await apps.set_live(connection, request.app_id, live=True)
    elif request.kind == "broadcasts":
        await apps.set_broadcasts(connection, request.app_id, allowed=True)
    elif request.kind == "platform_inbox":
        await apps.set_inbox_scope(connection, request.app_id, "platform")
    elif request.kind == "branding":
        branding = Branding.of(request.value)
        await check_branding(connection, branding.name, branding.colour)
        await apps.set_branding(connection, request.app_id, branding.name, branding.colour)
    else:
        record = await apps.find_app(connection, request.app_id)
        assert record is not None
        await apps.set_platforms(connection, request.app_id, sorted({*record.app.platforms, request.value}))


def is_granted(app: AppRecord, kind: GrantKind, value: str) -> bool:
    """Return whether an app has a grant already."""
    if kind == "live":
        return app.app.live
    if kind == "broadcasts":
        return app.app.broadcasts
    if kind == "platform_inbox":
        return app.inbox_scope == "platform"
    if kind == "branding":
        return Branding.of(value) == Branding(app.app.name, app.colour)
    return value == app.app.platform_code or value in app.app.platforms
