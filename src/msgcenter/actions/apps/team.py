"""Who looks after which app, and what developers ask operators to open for one."""

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.branding import Branding, check_branding
from msgcenter.database.database import Connection, Database
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps import apps as accounts
from msgcenter.store.apps import grants
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.grants import GrantKind, GrantRequest
from msgcenter.store.apps.platforms import platform_codes
from msgcenter.store.portal import people
from msgcenter.store.portal.members import add_member, app_numbers_of, members_of, remove_member

_MAX_REASON = 500


class Team:
    """Apps as the people of the portal see them."""

    def __init__(self, database: Database, apps: Apps) -> None:
        self._database = database
        self._apps = apps

    async def apps_of(self, person: Person) -> list[AppRecord]:
        """Return the apps that a person looks after, oldest first."""
        async with self._database.connection() as connection:
            numbers = await app_numbers_of(connection, person.number)
            return list((await accounts.find_apps(connection, numbers)).values())

    async def app_for(self, person: Person, app_id: str) -> AppRecord:
        """Return an app to somebody who looks after it, or to an operator.

        Refuses with APP_UNKNOWN: for others an app is not there at all.
        """
        record = await self._apps.find(app_id)
        if not person.is_operator:
            async with self._database.connection() as connection:
                if record.app.number not in await app_numbers_of(connection, person.number):
                    raise Refusal(Reason.APP_UNKNOWN)
        return record

    # --- Members ----------------------------------------------------------------------------------------------------

    async def members(self, app: AppRecord) -> list[Person]:
        """Return who looks after an app."""
        async with self._database.connection() as connection:
            return await members_of(connection, app.app.number)

    async def add(self, app: AppRecord, login: str, by: Actor) -> Person:
        """Let somebody look after an app too. Refuses with FIELD_MALFORMED a login that nobody has."""

        async def write(connection: Connection) -> Person:
            record = await people.find_person(connection, login=login.strip().lower())
            if record is None or record.person.disabled:
                raise malformed("login", "没有此用户,请先让对方注册", "nobody has this login; they must sign up first")
            now = now_ms()
            if not await add_member(connection, app.app.number, record.person.number, now):
                raise malformed("login", "已是成员", "is a member already")
            await audit.record(
                connection, by, "app.member.add", record.person.login, now=now, app_number=app.app.number
            )
            return record.person

        return await self._database.in_transaction(write)

    async def remove(self, app: AppRecord, person_number: int, by: Actor) -> None:
        """End that. Refuses with FIELD_MALFORMED to leave an app to nobody."""

        async def write(connection: Connection) -> None:
            members = {person.number: person for person in await members_of(connection, app.app.number)}
            if person_number not in members:
                raise malformed("login", "不是成员", "is not a member")
            if len(members) < 2:
                raise malformed("login", "至少须保留一名成员", "would leave the app to nobody")
            await remove_member(connection, app.app.number, person_number)
            login = members[person_number].login
            await audit.record(connection, by, "app.member.remove", login, now=now_ms(), app_number=app.app.number)

        await self._database.in_transaction(write)

    # --- Grants -----------------------------------------------------------------------------------------------------

    async def ask(self, app: AppRecord, kind: GrantKind, value: str, reason: str, *, person: Person, by: Actor) -> None:
        """Ask the operators to open something for an app.

        Refuses with FIELD_MALFORMED an unknown platform, a reason that is empty or over 500 characters, or what is
        open or asked for already.
        """
        reason = reason.strip()
        if not 1 <= len(reason) <= _MAX_REASON or "\0" in reason:
            raise malformed("reason", f"须为1–{_MAX_REASON}个字符", f"must be 1-{_MAX_REASON} characters")
        if is_granted(app, kind, value):
            raise malformed("kind", "已经开通", "is open already")

        async def write(connection: Connection) -> None:
            now = now_ms()
            if kind == "platform" and value not in await platform_codes(connection):
                raise malformed("value", "没有此平台", "there is no such platform")
            number = app.app.number
            if not await grants.insert_request(
                connection,
                app_number=number,
                kind=kind,
                value=value,
                reason=reason,
                asked_by=person.number,
                now=now,
            ):
                raise malformed("kind", "已经申请,请等待审核", "is asked for already")
            await audit.record(connection, by, f"grant.ask.{kind}", value, now=now, app_number=number, reason=reason)

        await self._database.in_transaction(write)

    async def ask_branding(self, app: AppRecord, name: str, colour: str | None, *, person: Person, by: Actor) -> None:
        """Ask the operators for another name or colour of a live app. Refuses with FIELD_MALFORMED (`check_branding`),
        also while another such request waits, or what the app has already.
        """
        if (name, colour) == (app.app.name, app.colour):
            raise malformed("name", "没有变化", "is what it is already")
        value = Branding(name, colour).as_text()

        async def write(connection: Connection) -> None:
            await check_branding(connection, name, colour)
            now, number = now_ms(), app.app.number
            if not await grants.insert_request(
                connection, app_number=number, kind="branding", value=value, reason="", asked_by=person.number, now=now
            ):
                raise malformed("name", "已有申请等待审核", "is asked for already")
            await audit.record(
                connection, by, "grant.ask.branding", name, now=now, app_number=number, name=name, colour=colour
            )

        await self._database.in_transaction(write)

    async def requests(self, app: AppRecord) -> list[GrantRequest]:
        """Return what was asked for an app, the newest first."""
        async with self._database.connection() as connection:
            return await grants.requests_of(connection, app.app.number)

    async def open_requests(self) -> list[GrantRequest]:
        """Return what nobody has decided yet, the oldest first."""
        async with self._database.connection() as connection:
            return await grants.open_requests(connection)

    async def decide(
        self, number: int, *, granted: bool, answer: str, person: Person, by: Actor, seen_name: str = ""
    ) -> GrantRequest:
        """Grant or refuse a request, with up to 500 characters for who has asked; what is granted is open at once.

        `seen_name` is the app's name as the operator saw it, "" for any: going live approves just that one. Refuses
        with FIELD_MALFORMED if it is decided, if the name is another one by now, or an answer that is too long.
        """
        answer = answer.strip()
        if len(answer) > _MAX_REASON or "\0" in answer:
            raise malformed("answer", f"最多{_MAX_REASON}个字符", f"must be at most {_MAX_REASON} characters")

        async def write(connection: Connection) -> GrantRequest:
            now = now_ms()
            decided = await grants.decide(
                connection, number, granted=granted, answer=answer or None, by=person.number, now=now
            )
            if decided is None:
                raise malformed("number", "没有此申请,或已处理", "there is no such request, or it is decided")
            if granted and seen_name not in {"", decided.app_name}:
                raise malformed("number", "应用名称已变更,请重新核对", "the app has another name now; look at it again")
            if granted:
                await _open(connection, decided)
            await audit.record(
                connection,
                by,
                f"grant.{'give' if granted else 'refuse'}.{decided.kind}",
                decided.value,
                now=now,
                app_number=decided.app_number,
                **({"answer": answer} if answer else {}),
            )
            return decided

        return await self._database.in_transaction(write)


async def _open(connection: Connection, request: GrantRequest) -> None:
    if request.kind == "live":
        await accounts.set_live(connection, request.app_id, live=True)
    elif request.kind == "broadcasts":
        await accounts.set_broadcasts(connection, request.app_id, allowed=True)
    elif request.kind == "platform_inbox":
        await accounts.set_inbox_scope(connection, request.app_id, "platform")
    elif request.kind == "branding":
        asked = Branding.of(request.value)
        await check_branding(connection, asked.name, asked.colour)
        await accounts.set_branding(connection, request.app_id, asked.name, asked.colour)
    else:
        record = await accounts.find_app(connection, request.app_id)
        assert record is not None
        await accounts.set_platforms(connection, request.app_id, sorted({*record.app.platforms, request.value}))


def is_granted(app: AppRecord, kind: GrantKind, value: str) -> bool:
    """Tell whether something is open for an app already."""
    if kind == "live":
        return app.app.live
    if kind == "broadcasts":
        return app.app.broadcasts
    if kind == "platform_inbox":
        return app.inbox_scope == "platform"
    if kind == "branding":
        return Branding.of(value) == Branding(app.app.name, app.colour)
    return value == app.app.platform_code or value in app.app.platforms
