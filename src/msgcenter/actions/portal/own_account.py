"""What people change of their own account: password and second factor."""

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.passwords import hash_of_new_password
from msgcenter.actions.portal.proof import prove
from msgcenter.actions.portal.second_factor import (
    SECOND_FACTOR,
    is_secret,
    new_recovery_codes,
    recovery_digest,
    step_of,
)
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit
from msgcenter.store.portal import people, sessions


class OwnAccount:
    """Changes the account of a session's person. Each change ends all their sessions, this one included.

    Every call requires the current password: raises LoginError if it is wrong, ThrottledError after ten wrong ones.
    """

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def change_password(self, session: ActiveSession, old: str, new: str, by: Actor) -> None:
        """Change the password. Refuses with FIELD_MALFORMED a password that is too easy, or the old one again."""
        await prove(self._database, self._keys, session, old)
        if new == old:
            raise malformed("password", "须与当前密码不同", "must differ from the current password")
        hashed = await hash_of_new_password(new, session.person.login, session.person.name)
        await self._set_password(session.person, hashed, by)

    @transactional
    async def _set_password(self, connection: Connection, person: Person, hashed: str, by: Actor) -> None:
        await people.set_password(connection, person.number, hashed)
        await sessions.delete_sessions(connection, person.number)
        await audit.record(connection, by, "person.password", person.login, now=now_ms())

    async def add_second_factor(
        self, session: ActiveSession, password: str, secret: str, code: str, by: Actor
    ) -> list[str]:
        """Enable the second factor, if `code` proves that `secret` was scanned; return ten recovery codes.

        Refuses with FIELD_MALFORMED (code) a wrong code, or if a second factor is enabled already.
        """
        person = session.person
        if person.has_second_factor:
            raise malformed("code", "两步验证已开启", "two-factor authentication is already enabled")
        step = step_of(secret, code) if is_secret(secret) else None
        if step is None:
            raise malformed("code", "不正确,请检查手机时间是否准确", "is wrong; check the phone's clock")
        await prove(self._database, self._keys, session, password)
        codes = new_recovery_codes()
        sealed = self._keys.seal(f"{SECOND_FACTOR} {person.number}", secret)
        await self._set_second_factor(person, sealed, codes, used_step=step, by=by)
        return codes

    @transactional
    async def _set_second_factor(
        self, connection: Connection, person: Person, sealed: bytes, codes: list[str], *, used_step: int, by: Actor
    ) -> None:
        await people.set_second_factor(connection, person.number, sealed, [recovery_digest(code) for code in codes])
        await people.use_step(connection, person.number, used_step)
        await sessions.delete_sessions(connection, person.number)
        await audit.record(connection, by, "person.second_factor.add", person.login, now=now_ms())

    async def remove_second_factor(self, session: ActiveSession, password: str, code: str, by: Actor) -> None:
        """Disable the second factor. `code` is one of it, or a recovery code: raises CodeError if it is wrong."""
        await prove(self._database, self._keys, session, password, code)
        await self._unset_second_factor(session.person, by)

    @transactional
    async def _unset_second_factor(self, connection: Connection, person: Person, by: Actor) -> None:
        await people.set_second_factor(connection, person.number, None, [])
        await sessions.delete_sessions(connection, person.number)
        await audit.record(connection, by, "person.second_factor.remove", person.login, now=now_ms())
