"""The people of the portal: they sign up, change what is theirs, and operators look after them."""

from typing import Literal, NamedTuple

from msgcenter.actions import throttle
from msgcenter.actions.key_ring import KeyRing, new_token, token_digest
from msgcenter.actions.logins import SECOND_FACTOR, Visit
from msgcenter.actions.passwords import hash_password, password_matches
from msgcenter.actions.second_factor import is_secret, new_recovery_codes, recovery_digest, step_of
from msgcenter.actions.throttle import Limit
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import (
    COMMAND,
    Actor,
    LoginError,
    Person,
    Role,
    checked_login,
    checked_name,
    checked_password,
)
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit, people, portal_sessions
from msgcenter.store.database import Connection, Database
from msgcenter.store.people import Invitation, PersonRecord

SignUp = Literal["open", "invitation"]
_SIGN_UP = "sign_up"
INVITATION_MS = 7 * 86_400_000
_MAX_NOTE = 200
_TRIES = 10


class Invited(NamedTuple):
    """A new invitation: the secret part of its link, and when it ends (ms since 1970)."""

    token: str
    expires_at: int


class People:
    """Accounts: made, changed, disabled."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    # --- Becoming one -----------------------------------------------------------------------------------------------

    async def create(self, login: str, name: str, password: str, role: Role, *, by: Actor = COMMAND) -> Person:
        """Add a person. Refuses with FIELD_MALFORMED what may not be chosen, or a login that is taken."""
        return await self._create(login, name, password, role, by, invitation=None)

    async def sign_up(self, login: str, name: str, password: str, *, invitation: str | None, address: str) -> Person:
        """Add a person who signs up: a developer, or what the invitation says.

        Refuses with FIELD_MALFORMED, or NOT_AUTHORISED if an invitation is needed or the one given does not hold.
        """
        if invitation is None and await self.sign_up_mode() != "open":
            raise _no_invitation()
        by = Actor("person", checked_login(login), address)
        return await self._create(login, name, password, "developer", by, invitation=invitation)

    async def _create(
        self, login: str, name: str, password: str, role: Role, by: Actor, *, invitation: str | None
    ) -> Person:
        login = checked_login(login)
        name = checked_name(name)
        hashed = await hash_password(checked_password(password, login))

        async def write(connection: Connection) -> Person:
            now = now_ms()
            given = role
            if invitation is not None:
                invited = await people.use_invitation(connection, token_digest(invitation), now)
                if invited is None:
                    raise _no_invitation()
                given = invited
            number = await people.insert_person(
                connection, login=login, name=name, role=given, password_hash=hashed, now=now
            )
            if number is None:
                raise malformed("login", "已被使用", "is taken")
            await audit.record(connection, by, "person.create", login, now=now, role=given)
            return Person(number, login, name, given, disabled=False, has_second_factor=False)

        return await self._database.in_transaction(write)

    async def sign_up_mode(self) -> SignUp:
        """Return who may sign up: anybody ("open"), or whoever has an invitation."""
        async with self._database.connection() as connection:
            return "invitation" if await people.portal_setting(connection, _SIGN_UP) == "invitation" else "open"

    async def set_sign_up_mode(self, mode: SignUp, by: Actor) -> None:
        """Change who may sign up."""

        async def write(connection: Connection) -> None:
            if await people.portal_setting(connection, _SIGN_UP) == mode:
                return
            await people.set_portal_setting(connection, _SIGN_UP, mode)
            await audit.record(connection, by, "portal.sign_up", mode, now=now_ms())

        await self._database.in_transaction(write)

    async def invite(self, role: Role, note: str, inviter: Person, by: Actor) -> Invited:
        """Make an invitation that is good once and for a week; `note` is for the operators, up to 200 characters."""
        token, now = new_token(), now_ms()

        async def write(connection: Connection) -> None:
            await people.insert_invitation(
                connection,
                token_digest(token),
                role=role,
                note=note.strip()[:_MAX_NOTE],
                created_by=inviter.number,
                now=now,
                expires_at=now + INVITATION_MS,
            )
            await audit.record(connection, by, "invitation.create", role, now=now, note=note.strip()[:_MAX_NOTE])

        await self._database.in_transaction(write)
        return Invited(token, now + INVITATION_MS)

    async def invitation_role(self, token: str) -> Role | None:
        """Return what an open invitation makes of one who uses it; None if it does not hold."""
        async with self._database.connection() as connection:
            return await people.open_invitation(connection, token_digest(token), now_ms())

    async def open_invitations(self) -> list[Invitation]:
        """Return the invitations that nobody has used yet."""
        async with self._database.connection() as connection:
            return await people.open_invitations(connection, now_ms())

    # --- One's own account ------------------------------------------------------------------------------------------

    async def change_password(self, visit: Visit, old: str, new: str, by: Actor) -> None:
        """Change a password and end all sessions of the person, this one included: the browser begins a new one.

        Refuses with FIELD_MALFORMED; raises LoginError if the old password is wrong, ThrottledError after ten of them.
        """
        await self._prove(visit, old)
        hashed = await hash_password(checked_password(new, visit.person.login))

        async def write(connection: Connection) -> None:
            await people.set_password(connection, visit.person.number, hashed)
            await portal_sessions.delete_sessions(connection, visit.person.number)
            await audit.record(connection, by, "person.password", visit.person.login, now=now_ms())

        await self._database.in_transaction(write)

    async def add_second_factor(self, visit: Visit, password: str, secret: str, code: str, by: Actor) -> list[str]:
        """Begin to ask for codes of a secret, once one code has proven that it was scanned; return recovery codes.

        Ends all sessions, this one included. Refuses with FIELD_MALFORMED a wrong code, or if there is a second factor
        already; raises LoginError if the password is wrong, ThrottledError after ten of them.
        """
        person = visit.person
        if person.has_second_factor:
            raise malformed("code", "两步验证已开启", "is not needed: the second factor is on already")
        step = step_of(secret, code) if is_secret(secret) else None
        if step is None:
            raise malformed("code", "不正确,请检查手机时间是否准确", "is wrong; is the phone's clock right?")
        await self._prove(visit, password)
        codes = new_recovery_codes()
        sealed = self._keys.seal(f"{SECOND_FACTOR} {person.number}", secret)

        async def write(connection: Connection) -> None:
            await people.set_second_factor(connection, person.number, sealed, [recovery_digest(one) for one in codes])
            await people.use_step(connection, person.number, step)
            await portal_sessions.delete_sessions(connection, person.number)
            await audit.record(connection, by, "person.second_factor.add", person.login, now=now_ms())

        await self._database.in_transaction(write)
        return codes

    async def remove_second_factor(self, visit: Visit, password: str, by: Actor) -> None:
        """Ask for no codes any more, and end all sessions, this one included.

        Raises LoginError if the password is wrong, ThrottledError after ten of them.
        """
        await self._prove(visit, password)
        person = visit.person

        async def write(connection: Connection) -> None:
            await people.set_second_factor(connection, person.number, None, [])
            await portal_sessions.delete_sessions(connection, person.number)
            await audit.record(connection, by, "person.second_factor.remove", person.login, now=now_ms())

        await self._database.in_transaction(write)

    async def _prove(self, visit: Visit, password: str) -> None:
        """Have the person of a session prove that they are at it: a stolen session guesses no password either."""
        limit = Limit(f"session {visit.session.digest.hex()}", _TRIES)
        await throttle.count(self._database, (limit,))
        record = await self.find(visit.person.number)
        if not await password_matches(record.password_hash, password):
            raise LoginError
        async with self._database.connection() as connection:
            await throttle.forgive(connection, (limit,))

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

    async def set_role(self, number: int, role: Role, by: Actor) -> None:
        """Make somebody a developer or an operator. Refuses to take the last operator's role away."""

        async def write(connection: Connection) -> None:
            person = _known(await people.find_person(connection, number=number)).person
            if person.role == role:
                return
            await _keep_an_operator(connection, person, leaves=role != "operator")
            await people.set_role(connection, number, role)
            await audit.record(connection, by, "person.role", person.login, now=now_ms(), role=role)

        await self._database.in_transaction(write)

    async def set_disabled(self, number: int, *, disabled: bool, by: Actor) -> None:
        """Keep somebody out, ending all sessions, or let them in again. Refuses to disable the last operator."""

        async def write(connection: Connection) -> None:
            now = now_ms()
            person = _known(await people.find_person(connection, number=number)).person
            if person.disabled is disabled:
                return
            await _keep_an_operator(connection, person, leaves=disabled)
            await people.set_person_disabled(connection, number, now if disabled else None)
            await portal_sessions.delete_sessions(connection, number)
            await audit.record(connection, by, f"person.{'disable' if disabled else 'enable'}", person.login, now=now)

        await self._database.in_transaction(write)

    async def reset(self, number: int, password: str, by: Actor) -> None:
        """Give somebody a new password and no second factor, and end their sessions. Refuses with FIELD_MALFORMED."""
        person = (await self.find(number)).person
        hashed = await hash_password(checked_password(password, person.login))

        async def write(connection: Connection) -> None:
            await people.set_password(connection, number, hashed)
            await people.set_second_factor(connection, number, None, [])
            await portal_sessions.delete_sessions(connection, number)
            await audit.record(connection, by, "person.reset", person.login, now=now_ms())

        await self._database.in_transaction(write)


async def _keep_an_operator(connection: Connection, person: Person, *, leaves: bool) -> None:
    if leaves and person.is_operator and not person.disabled and await people.operators_left(connection) < 2:
        raise malformed("role", "至少须保留一名运营人员", "would leave no operator")


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
