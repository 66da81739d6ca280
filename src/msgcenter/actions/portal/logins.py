"""Logins at the portal: passwords, second factors, sessions, and limits for failed attempts."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, WrongSecretKeyError, new_token, token_digest
from msgcenter.actions.portal import throttle
from msgcenter.actions.portal.passwords import hash_password, is_outdated, password_matches
from msgcenter.actions.portal.second_factor import takes_code
from msgcenter.actions.portal.throttle import Limit
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import subscriber_of
from msgcenter.domain.person import (
    Actor,
    Due,
    LoginError,
    OneTimePasswordError,
    Person,
    SecondFactorNeededError,
    SecondFactorRule,
    TicketError,
)
from msgcenter.store import audit
from msgcenter.store.portal import people
from msgcenter.store.portal import sessions as portal_sessions
from msgcenter.store.portal.people import PersonRecord
from msgcenter.store.portal.sessions import SessionRecord
from msgcenter.store.portal.throttle import forgive_attempt

SESSION_MS = 14 * 86_400_000
"""A session ends after two weeks, or after twelve hours without a request."""
IDLE_MS = 12 * 3_600_000
_TRIES = 10
_TRIES_OF_ADDRESS = 100
_SIGN_UPS = 60
_TICKET_MS = 5 * 60_000
_SEEN_EVERY_MS = 60_000
_MAX_AGENT = 300
_DEVICE = "portal device"
_TICKET = "portal second factor"


class Browser(NamedTuple):
    """The browser that a login comes from: network address, User-Agent, and device cookie ("" for none)."""

    address: str
    agent: str
    device: str


class NewSession(NamedTuple):
    """A new session: its person, and the secrets that the browser keeps as cookies."""

    person: Person
    token: str
    device: str


class ActiveSession(NamedTuple):
    """A session in use. `due` is what the person has to do before they can open other pages."""

    person: Person
    record: SessionRecord
    due: Due | None = None


class Logins:
    """Begins, finds and ends sessions. `second_factor` says who must have a second factor."""

    def __init__(self, database: Database, keys: KeyRing, second_factor: SecondFactorRule = "operators") -> None:
        self._database = database
        self._keys = keys
        self._second_factor = second_factor

    async def login(self, login: str, password: str, browser: Browser) -> NewSession:
        """Begin a session for a login and its password.

        Raises LoginError, OneTimePasswordError if a one-time password has expired, ThrottledError, or
        SecondFactorNeededError if the person has a second factor.
        """
        login = login.strip().lower()[:300].replace("\0", "")
        limits = self._limits(login, browser)
        await throttle.count(self._database, limits)
        async with self._database.connection() as connection:
            record = await people.find_person(connection, login=login)
        proven = await password_matches(record and record.password_hash, password)
        if record is None or not proven or record.person.disabled:
            raise LoginError
        if record.person.one_time_until is not None and record.person.one_time_until < now_ms():
            raise OneTimePasswordError
        if is_outdated(record.password_hash):
            fresh = await hash_password(password)
            async with self._database.connection() as connection:
                await people.renew_hash(connection, record.person.number, fresh)
            record = record._replace(password_hash=fresh)
        if record.second_factor_sealed is not None:
            async with self._database.connection() as connection:
                await throttle.forgive(connection, limits)  # the password was right; codes are counted separately
            raise SecondFactorNeededError(self._ticket(record))
        return await self._begin(record.person, browser, limits)

    async def second_step(self, ticket: str, code: str, browser: Browser) -> NewSession:
        """Begin a session for the ticket of the first step and a code of the second factor, or a recovery code.

        Raises LoginError if the code is wrong or was used before, TicketError if the ticket is older than five minutes
        or the password has changed since; ThrottledError after ten wrong codes.
        """
        record = await self._of_ticket(ticket)
        limits = self._limits(record.person.login, browser)
        await throttle.count(self._database, limits)
        if not await takes_code(self._database, self._keys, record, code):
            raise LoginError
        return await self._begin(record.person, browser, limits)

    async def find_session(self, token: str, address: str) -> ActiveSession | None:
        """Return the session of a cookie; None if it has ended. `address` is stored with the time of use."""
        now = now_ms()
        digest = token_digest(token)
        async with self._database.connection() as connection:
            row = await portal_sessions.find_session(connection, digest, now, now - IDLE_MS)
            if row is not None and row[1].seen_at < now - _SEEN_EVERY_MS:
                await portal_sessions.touch_session(connection, digest, now, address)
        return None if row is None else ActiveSession(*row, due=row[0].due(self._second_factor))

    def must_have_second_factor(self, person: Person) -> bool:
        """Return whether a person must have a second factor."""
        return person.needs_second_factor(self._second_factor)

    async def begin(self, person: Person, browser: Browser) -> NewSession:
        """Begin a session for a person who has just signed up, or has just given their password."""
        return await self._begin(person, browser, ())

    async def count_sign_up(self, address: str) -> None:
        """Count a sign-up for its address. Raises ThrottledError after sixty in 15 minutes."""
        await throttle.count(self._database, (Limit(f"sign-up {subscriber_of(address)}", _SIGN_UPS),))

    async def end(self, session: ActiveSession, by: Actor) -> None:
        """Log out."""
        await self.end_one(session.person, session.record.digest, by)

    async def sessions(self, person: Person) -> list[SessionRecord]:
        """Return a person's sessions, the last used first."""
        async with self._database.connection() as connection:
            now = now_ms()
            return await portal_sessions.sessions_of(connection, person.number, now, now - IDLE_MS)

    @transactional
    async def end_one(self, connection: Connection, person: Person, digest: bytes, by: Actor) -> bool:
        """End one session of a person; return False if there is no such session."""
        ended = await portal_sessions.delete_session(connection, person.number, digest)
        if ended:
            await audit.record(connection, by, "session.end", person.login, now=now_ms())
        return ended

    @transactional
    async def end_others(self, connection: Connection, session: ActiveSession, by: Actor) -> int:
        """End all sessions of a person except this one; return how many."""
        person = session.person
        ended = await portal_sessions.delete_sessions(connection, person.number, session.record.digest)
        if ended:
            await audit.record(connection, by, "session.end", person.login, now=now_ms(), sessions=ended)
        return ended

    # --- Attempts ---------------------------------------------------------------------------------------------------

    def _limits(self, login: str, browser: Browser) -> tuple[Limit, ...]:
        """Return the counts that an attempt adds to.

        A browser that has logged in before has a count of its own. So an attacker who guesses from elsewhere, or from
        the same address, exhausts the shared counts and cannot lock the person out.
        """
        device = self._device_of(login, browser.device)
        if device is not None:
            return (Limit(f"device {device}", _TRIES),)
        return (Limit(f"address {subscriber_of(browser.address)}", _TRIES_OF_ADDRESS), Limit(f"login {login}", _TRIES))

    def _device_of(self, login: str, cookie: str) -> str | None:
        try:
            device = self._keys.open(f"{_DEVICE} {login}", bytes.fromhex(cookie))
        except (ValueError, WrongSecretKeyError):
            return None
        return device

    # --- Sessions ---------------------------------------------------------------------------------------------------

    async def _begin(self, person: Person, browser: Browser, limits: Sequence[Limit]) -> NewSession:
        token, now = new_token() + new_token(), now_ms()
        device = self._device_of(person.login, browser.device) or new_token()
        session = SessionRecord(
            token_digest(token), now, now, now + SESSION_MS, browser.address, browser.agent[:_MAX_AGENT]
        )
        await self._insert(person, session, limits)
        return NewSession(person, token, self._keys.seal(f"{_DEVICE} {person.login}", device).hex())

    @transactional
    async def _insert(
        self, connection: Connection, person: Person, session: SessionRecord, limits: Sequence[Limit]
    ) -> None:
        await portal_sessions.insert_session(connection, person.number, session)
        await throttle.forgive(connection, limits[:-1])
        for limit in limits[-1:]:  # the count of this person alone starts again from zero
            await forgive_attempt(connection, limit.bucket, all_of_them=True)
        by = Actor("person", person.login, session.address)
        await audit.record(connection, by, "session.begin", person.login, now=session.created_at)

    def _ticket(self, record: PersonRecord) -> str:
        # Bound to the password's hash: a ticket does not outlive the password.
        text = f"{record.person.number}|{now_ms() + _TICKET_MS}|{record.password_hash[-16:]}"
        return self._keys.seal(_TICKET, text).hex()

    async def _of_ticket(self, ticket: str) -> PersonRecord:
        try:
            number, until, end = self._keys.open(_TICKET, bytes.fromhex(ticket)).split("|")
        except (ValueError, WrongSecretKeyError):
            raise TicketError from None
        async with self._database.connection() as connection:
            record = await people.find_person(connection, number=int(number))
        if record is None or int(until) < now_ms() or record.password_hash[-16:] != end or record.person.disabled:
            raise TicketError
        return record
