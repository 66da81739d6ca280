"""The people of the portal: they sign up, change what is theirs, and operators look after them."""

from typing import Literal, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, new_token, token_digest
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.operators import ONE_TIME_MS, ask, check_confirmers
from msgcenter.actions.portal.passwords import hash_of_new_password
from msgcenter.actions.portal.proof import prove
from msgcenter.actions.portal.second_factor import (
    SECOND_FACTOR,
    is_secret,
    new_recovery_codes,
    recovery_digest,
    step_of,
)
from msgcenter.database.database import Connection, Database
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import (
    COMMAND,
    Actor,
    Person,
    Role,
    checked_login,
    checked_name,
)
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.portal import confirmations, people, sessions
from msgcenter.store.portal.invitations import (
    Invitation,
    insert_invitation,
    open_invitation,
    open_invitations,
    revoke_invitation,
    revoke_invitations_of,
    use_invitation,
)
from msgcenter.store.portal.people import PersonRecord
from msgcenter.store.portal.settings import portal_setting, set_portal_setting

SignUp = Literal["open", "invitation"]
_SIGN_UP = "sign_up"
INVITATION_MS = 7 * 86_400_000
_MAX_NOTE = 200


class NewInvitation(NamedTuple):
    """A new invitation: the secret part of its link, and when it ends (ms since 1970)."""

    token: str
    expires_at: int


class People:
    """Accounts: made, changed, disabled."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    # --- Becoming one -----------------------------------------------------------------------------------------------

    async def create(
        self, login: str, name: str, password: str, role: Role, *, by: Actor = COMMAND, one_time: bool = False
    ) -> Person:
        """Add a person, as a command on the server's machine does: so the first operators come to be.

        A password for one time has to be changed at the first login, and holds for seven days. Refuses with
        FIELD_MALFORMED what may not be chosen, or a login that is taken.
        """
        return await self._create(login, name, password, role, by, invitation=None, one_time=one_time)

    async def sign_up(self, login: str, name: str, password: str, *, invitation: str | None, address: str) -> Person:
        """Add a person who signs up as a developer; if invited as an operator, another one than the inviter confirms.

        Refuses with FIELD_MALFORMED, or NOT_AUTHORISED if an invitation is needed or the one given does not hold.
        """
        if invitation is None and await self.sign_up_mode() != "open":
            raise _no_invitation()
        by = Actor("person", checked_login(login), address)
        return await self._create(login, name, password, "developer", by, invitation=invitation)

    async def _create(
        self,
        login: str,
        name: str,
        password: str,
        role: Role,
        by: Actor,
        *,
        invitation: str | None,
        one_time: bool = False,
    ) -> Person:
        login = checked_login(login)
        name = checked_name(name)
        hashed = await hash_of_new_password(password, login, name)

        async def write(connection: Connection) -> Person:
            now = now_ms()
            invited = None
            if invitation is not None:
                invited = await use_invitation(connection, token_digest(invitation), now)
                if invited is None:
                    raise _no_invitation()
            until = now + ONE_TIME_MS if one_time else None
            number = await people.insert_person(
                connection, login=login, name=name, role=role, password_hash=hashed, now=now, one_time_until=until
            )
            if number is None:
                raise malformed("login", "已被使用", "is taken")
            await audit.record(connection, by, "person.create", login, now=now, role=role)
            person = Person(number, login, name, role, disabled=False, has_second_factor=False, one_time_until=until)
            if invited is not None and invited[0] == "operator":
                await ask(connection, "operator", person, asked_by=invited[1], by=by, now=now)
            return person

        return await self._database.in_transaction(write)

    async def sign_up_mode(self) -> SignUp:
        """Return who may sign up: anybody ("open"), or whoever has an invitation."""
        async with self._database.connection() as connection:
            return "invitation" if await portal_setting(connection, _SIGN_UP) == "invitation" else "open"

    async def set_sign_up_mode(self, mode: SignUp, by: Actor) -> None:
        """Change who may sign up."""

        async def write(connection: Connection) -> None:
            if await portal_setting(connection, _SIGN_UP) == mode:
                return
            await set_portal_setting(connection, _SIGN_UP, mode)
            await audit.record(connection, by, "portal.sign_up", mode, now=now_ms())

        await self._database.in_transaction(write)

    async def invite(self, role: Role, note: str, session: ActiveSession, password: str, by: Actor) -> NewInvitation:
        """Make an invitation that is good once and for a week; `note` is for the operators, up to 200 characters.

        It ends when its maker is no operator any more. One for an operator takes the inviter's own password: raises
        LoginError if it is wrong, ThrottledError after ten such. Refuses with NOT_AUTHORISED if nobody else could
        confirm that operator.
        """
        if role == "operator":
            await prove(self._database, self._keys, session, password)
        token, now = new_token(), now_ms()

        async def write(connection: Connection) -> None:
            if role == "operator":
                await check_confirmers(connection, session.person.number)
            await insert_invitation(
                connection,
                token_digest(token),
                role=role,
                note=note.strip()[:_MAX_NOTE],
                created_by=session.person.number,
                now=now,
                expires_at=now + INVITATION_MS,
            )
            await audit.record(connection, by, "invitation.create", role, now=now, note=note.strip()[:_MAX_NOTE])

        await self._database.in_transaction(write)
        return NewInvitation(token, now + INVITATION_MS)

    async def revoke_invitation(self, number: int, by: Actor) -> None:
        """End an invitation that nobody has used. Refuses with FIELD_MALFORMED (number) one that has ended already."""

        async def write(connection: Connection) -> None:
            now = now_ms()
            role = await revoke_invitation(connection, number, now)
            if role is None:
                raise malformed(
                    "number", "邀请不存在、已使用或已失效", "is no open invitation: it was used or has ended"
                )
            await audit.record(connection, by, "invitation.revoke", role, now=now)

        await self._database.in_transaction(write)

    async def invitation_role(self, token: str) -> Role | None:
        """Return what an open invitation is for; None if it does not hold."""
        async with self._database.connection() as connection:
            return await open_invitation(connection, token_digest(token), now_ms())

    async def open_invitations(self) -> list[Invitation]:
        """Return the invitations that nobody has used yet."""
        async with self._database.connection() as connection:
            return await open_invitations(connection, now_ms())

    # --- One's own account ------------------------------------------------------------------------------------------

    async def change_password(self, session: ActiveSession, old: str, new: str, by: Actor) -> None:
        """Change a password and end all sessions of the person, this one included: the browser begins a new one.

        Refuses with FIELD_MALFORMED what is too easy or the old one again; raises LoginError if the old password is
        wrong, ThrottledError after ten of them.
        """
        await prove(self._database, self._keys, session, old)
        if new == old:
            raise malformed("password", "须与当前密码不同", "must be another one than the present one")
        hashed = await hash_of_new_password(new, session.person.login, session.person.name)

        async def write(connection: Connection) -> None:
            await people.set_password(connection, session.person.number, hashed)
            await sessions.delete_sessions(connection, session.person.number)
            await audit.record(connection, by, "person.password", session.person.login, now=now_ms())

        await self._database.in_transaction(write)

    async def add_second_factor(
        self, session: ActiveSession, password: str, secret: str, code: str, by: Actor
    ) -> list[str]:
        """Begin to ask for codes of a secret, once one code has proven that it was scanned; return recovery codes.

        Ends all sessions, this one included. Refuses with FIELD_MALFORMED a wrong code, or if there is a second factor
        already; raises LoginError if the password is wrong, ThrottledError after ten of them.
        """
        person = session.person
        if person.has_second_factor:
            raise malformed("code", "两步验证已开启", "is not needed: the second factor is on already")
        step = step_of(secret, code) if is_secret(secret) else None
        if step is None:
            raise malformed("code", "不正确,请检查手机时间是否准确", "is wrong; is the phone's clock right?")
        await prove(self._database, self._keys, session, password)
        codes = new_recovery_codes()
        sealed = self._keys.seal(f"{SECOND_FACTOR} {person.number}", secret)

        async def write(connection: Connection) -> None:
            await people.set_second_factor(connection, person.number, sealed, [recovery_digest(one) for one in codes])
            await people.use_step(connection, person.number, step)
            await sessions.delete_sessions(connection, person.number)
            await audit.record(connection, by, "person.second_factor.add", person.login, now=now_ms())

        await self._database.in_transaction(write)
        return codes

    async def remove_second_factor(self, session: ActiveSession, password: str, code: str, by: Actor) -> None:
        """Ask for no codes any more, and end all sessions, this one included.

        `code` is one of the second factor, or a recovery code. Raises LoginError if the password is wrong, CodeError if
        the code is, ThrottledError after ten of them.
        """
        await prove(self._database, self._keys, session, password, code)
        person = session.person

        async def write(connection: Connection) -> None:
            await people.set_second_factor(connection, person.number, None, [])
            await sessions.delete_sessions(connection, person.number)
            await audit.record(connection, by, "person.second_factor.remove", person.login, now=now_ms())

        await self._database.in_transaction(write)

    # --- For operators ----------------------------------------------------------------------------------------------

    async def everyone(self) -> list[PersonRecord]:
        """Return all people, by login."""
        async with self._database.connection() as connection:
            return await people.list_people(connection)

    async def find(self, number: int) -> PersonRecord:
        """Return one. Refuses with FIELD_MALFORMED if there is none."""
        async with self._database.connection() as connection:
            return _known(await people.find_person(connection, number=number))

    async def find_login(self, login: str) -> PersonRecord:
        """Return one by login. Refuses with FIELD_MALFORMED if there is none."""
        async with self._database.connection() as connection:
            return _known(await people.find_person(connection, login=login.strip().lower()))

    async def make_developer(self, number: int, by: Actor) -> None:
        """Take an operator's role away; what they have asked for and whom they have invited ends with it.

        Refuses to take the last operator's role away.
        """

        async def write(connection: Connection) -> None:
            person = _known(await people.find_person(connection, number=number)).person
            if not person.is_operator:
                return
            await _keep_an_operator(connection, person)
            await people.set_role(connection, number, "developer")
            await _end_what_waits(connection, number)
            await audit.record(connection, by, "person.role", person.login, now=now_ms(), role="developer")

        await self._database.in_transaction(write)

    async def disable(self, number: int, by: Actor) -> None:
        """Keep somebody out: ends all sessions, what they have asked for, and whom they have invited.

        Refuses to disable the last operator.
        """

        async def write(connection: Connection) -> None:
            now = now_ms()
            person = _known(await people.find_person(connection, number=number)).person
            if person.disabled:
                return
            await _keep_an_operator(connection, person)
            await people.set_person_disabled(connection, number, now)
            await sessions.delete_sessions(connection, number)
            await _end_what_waits(connection, number)
            await audit.record(connection, by, "person.disable", person.login, now=now)

        await self._database.in_transaction(write)

    async def enable(self, number: int, by: Actor) -> None:
        """Let a developer in again. Refuses with FIELD_MALFORMED (change) an operator: that takes another one."""

        async def write(connection: Connection) -> None:
            person = (await people.lock_people(connection, [number])).get(number)
            if person is None or person.is_operator:
                raise malformed("change", "须由另一位运营人员确认", "takes another operator's confirmation")
            if not person.disabled:
                return
            await people.set_person_disabled(connection, number, None)
            await audit.record(connection, by, "person.enable", person.login, now=now_ms())

        await self._database.in_transaction(write)

    async def reset(self, number: int, password: str, by: Actor, *, second_factor: bool = False) -> None:
        """Let somebody in again from the server's machine: enabled, and with a password that has to be changed.

        `second_factor` removes that as well. Ends all sessions. Refuses with FIELD_MALFORMED.
        """
        person = (await self.find(number)).person
        hashed = await hash_of_new_password(password, person.login, person.name)

        async def write(connection: Connection) -> None:
            now = now_ms()
            await people.set_password(connection, number, hashed, one_time_until=now + ONE_TIME_MS)
            await sessions.delete_sessions(connection, number)
            await audit.record(connection, by, "person.reset", person.login, now=now)
            if second_factor and person.has_second_factor:
                await people.set_second_factor(connection, number, None, [])
                await audit.record(connection, by, "person.second_factor.remove", person.login, now=now)
            if person.disabled:
                await people.set_person_disabled(connection, number, None)
                await audit.record(connection, by, "person.enable", person.login, now=now)

        await self._database.in_transaction(write)


async def _keep_an_operator(connection: Connection, person: Person) -> None:
    if person.is_operator and not person.disabled and await people.operators_left(connection) < 2:
        raise malformed("role", "至少须保留一名运营人员", "would leave no operator")


async def _end_what_waits(connection: Connection, number: int) -> None:
    now = now_ms()
    await revoke_invitations_of(connection, number, now)
    await confirmations.end_for(connection, number, now)


def _known(record: PersonRecord | None) -> PersonRecord:
    if record is None:
        raise malformed("login", "没有此用户", "nobody has it")
    return record


def _no_invitation() -> Refusal:
    return Refusal(
        Reason.NOT_AUTHORISED,
        rule=Phrase("邀请链接无效、已使用或已过期", "the invitation does not hold, was used or is too old"),
    )


__all__ = ["Invitation", "People", "PersonRecord"]
