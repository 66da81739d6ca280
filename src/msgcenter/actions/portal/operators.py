"""Changes that need two operators: a new operator, enabling one, resetting an operator's password or second factor.

With such a change, one operator alone could act as a second one and approve their own announcements.
"""

from typing import NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.passwords import hash_password, new_one_time_password
from msgcenter.actions.portal.proof import prove
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.portal import confirmations, people, sessions
from msgcenter.store.portal.confirmations import Confirmation, ConfirmationKind

CONFIRMATION_MS = 7 * 86_400_000
ONE_TIME_MS = 7 * 86_400_000
_HALF = "one-time password"


class AccountChange(NamedTuple):
    """The outcome of a change: whether it waits for a confirmation, and a secret that is shown once.

    `secret` of a reset is the one-time password, or its first half if the change waits; None for other changes.
    """

    waits: bool
    secret: str | None


class Operators:
    """Changes of accounts that require the operator's own password; changes of operators wait for another operator."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def change(
        self, session: ActiveSession, kind: ConfirmationKind, number: int, password: str, by: Actor
    ) -> AccountChange:
        """Make a person an operator, enable them, give them a one-time password or remove their second factor.

        A change of a developer who stays one is made at once; other changes wait up to seven days for another operator.
        A one-time password is valid for seven days, ends all sessions and keeps the second factor. The requester gets
        the first half of an operator's one-time password and the confirmer the second, so neither can use it.

        Raises LoginError if `password` is not the acting operator's, ThrottledError after ten wrong ones. Refuses with
        FIELD_MALFORMED (login, change) a change that does not apply to this person or is requested already, and with
        NOT_AUTHORISED if there is no other operator who could confirm.
        """
        await prove(self._database, self._keys, session, password)
        first, second = new_one_time_password()
        whole = f"{first}-{second}"
        hashed = await hash_password(whole) if kind == "reset" else ""
        waits = await self._change(session.person.number, kind, number, hashed, first_half=first, by=by)
        secret = None if kind != "reset" else first if waits else whole
        return AccountChange(waits, secret)

    @transactional
    async def _change(
        self,
        connection: Connection,
        acting: int,
        kind: ConfirmationKind,
        number: int,
        hashed: str,
        *,
        first_half: str,
        by: Actor,
    ) -> bool:
        """Make a change, or request its confirmation; return whether it waits."""
        now = now_ms()
        locked = await people.lock_people(connection, (acting, number))
        person = _known(locked.get(number))
        _check_operator(locked.get(acting))
        if number == acting:
            raise malformed("login", "不能更改自己,请使用账号页面", "is yourself: use your own account page")
        _check(kind, person)
        if kind != "operator" and not person.is_operator:
            await confirmations.end_for(connection, number, now)
            await _apply(connection, kind, person, hashed, by=by, now=now)
            return False
        await check_confirmers(connection, acting, number)
        sealed = self._keys.seal(f"{_HALF} {number}", first_half) if kind == "reset" else None
        await ask(connection, kind, person, asked_by=acting, by=by, now=now, half_sealed=sealed)
        return True

    async def waiting(self) -> list[Confirmation]:
        """Return the pending confirmations, the oldest first."""
        async with self._database.connection() as connection:
            return await confirmations.open_requests(connection, now_ms())

    async def confirm(self, session: ActiveSession, number: int, password: str, by: Actor) -> str | None:
        """Confirm another operator's request; return the second half of a one-time password, None for other changes.

        Raises as `change` does. Refuses with FIELD_MALFORMED (number) a request that is not pending any more, and with
        NOT_AUTHORISED its requester and its subject.
        """
        await prove(self._database, self._keys, session, password)
        async with self._database.connection() as connection:
            seen = _open(await confirmations.find_open(connection, number, now_ms()))
        second, hashed = None, ""
        if seen.half_sealed is not None:
            second = new_one_time_password()[1]
            first = self._keys.open(f"{_HALF} {seen.person.number}", seen.half_sealed)
            hashed = await hash_password(f"{first}-{second}")
        await self._confirm(session.person, seen, hashed, by)
        return second

    @transactional
    async def _confirm(
        self, connection: Connection, acting: Person, seen: Confirmation, hashed: str, by: Actor
    ) -> None:
        now, number = now_ms(), seen.number
        locked = await people.lock_people(connection, (acting.number, seen.asked_by, seen.person.number))
        _check_operator(locked.get(acting.number))
        request = _open(await confirmations.find_open(connection, number, now))
        if not may_confirm(request, acting):
            raise Refusal(
                Reason.NOT_AUTHORISED,
                rule=Phrase("须由另一位运营人员确认", "its requester and its subject cannot confirm it"),
            )
        _check(request.kind, request.person)
        decided = await confirmations.decide(connection, number, confirmed=True, by=acting.number, now=now)
        _open(request if decided else None)
        await _apply(connection, request.kind, request.person, hashed, by=by, now=now, asked_by=request.asker)

    @transactional
    async def refuse(self, connection: Connection, number: int, person: Person, by: Actor) -> None:
        """Refuse a request, or cancel one's own. Every operator may, the subject included.

        Refuses with FIELD_MALFORMED (number) a request that is not pending any more.
        """
        now = now_ms()
        request = _open(await confirmations.find_open(connection, number, now))
        decided = await confirmations.decide(connection, number, confirmed=False, by=person.number, now=now)
        _open(request if decided else None)
        action, login = f"confirmation.refuse.{request.kind}", request.person.login
        await audit.record(connection, by, action, login, now=now, asked_by=request.asker)


def may_confirm(request: Confirmation, person: Person) -> bool:
    """Return whether an operator is neither the requester nor the subject of a request."""
    return person.number not in {request.asked_by, request.person.number}


async def ask(
    connection: Connection,
    kind: ConfirmationKind,
    person: Person,
    *,
    asked_by: int,
    by: Actor,
    now: int,
    half_sealed: bytes | None = None,
) -> None:
    """Request a confirmation. Refuses with FIELD_MALFORMED (change) a request that is pending already."""
    if not await confirmations.insert(
        connection,
        kind,
        person.number,
        asked_by=asked_by,
        half_sealed=half_sealed,
        now=now,
        expires_at=now + CONFIRMATION_MS,
    ):
        raise malformed("change", "已在等待另一位运营人员确认", "is waiting for another operator already")
    await audit.record(connection, by, f"confirmation.ask.{kind}", person.login, now=now)


async def check_confirmers(connection: Connection, *but: int) -> None:
    """Refuse with NOT_AUTHORISED if there is no operator besides these, who could confirm."""
    if await people.count_other_operators(connection, but) == 0:
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase(
                "须有另一位运营人员;可在服务器上执行msgcenter operator",
                "another operator is needed; see msgcenter operator on the server",
            ),
        )


async def _apply(
    connection: Connection, kind: ConfirmationKind, person: Person, hashed: str, *, by: Actor, now: int, **detail: str
) -> None:
    number = person.number
    if kind == "operator":
        await people.set_role(connection, number, "operator")
        detail["role"] = "operator"
    elif kind == "enable":
        await people.set_person_disabled(connection, number, None)
    elif kind == "reset":
        await people.set_password(connection, number, hashed, one_time_until=now + ONE_TIME_MS)
    else:
        await people.set_second_factor(connection, number, None, [])
    await sessions.delete_sessions(connection, number)
    await audit.record(connection, by, _ACTIONS[kind], person.login, now=now, app_number=None, **detail)


_ACTIONS: dict[ConfirmationKind, str] = {
    "operator": "person.role",
    "enable": "person.enable",
    "reset": "person.reset",
    "second_factor": "person.second_factor.remove",
}


def _check(kind: ConfirmationKind, person: Person) -> None:
    """Refuse with FIELD_MALFORMED (change) a change that does not apply to a person."""
    if kind == "operator" and person.is_operator:
        raise malformed("change", "已是运营人员", "is an operator already")
    if kind == "operator" and person.disabled:
        raise malformed("change", "账号已停用,请先启用", "is disabled; enable the account first")
    if kind == "operator" and person.one_time_until is not None:
        raise malformed("change", "须先更换一次性密码", "has to replace the one-time password first")
    if kind == "enable" and not person.disabled:
        raise malformed("change", "账号未停用", "is not disabled")
    if kind == "second_factor" and not person.has_second_factor:
        raise malformed("change", "未开启两步验证", "has no second factor")


def _check_operator(person: Person | None) -> None:
    # The page checked this too, but the person may have lost the role since.
    if person is None or not person.is_operator or person.disabled:
        raise Refusal(Reason.NOT_AUTHORISED, rule=Phrase("仅限运营人员", "for operators only"))


def _known(person: Person | None) -> Person:
    if person is None:
        raise malformed("login", "没有此用户", "no such user")
    return person


def _open(request: Confirmation | None) -> Confirmation:
    if request is None:
        raise malformed(
            "number", "没有此申请,或已处理、已过期", "is not pending any more: it was decided or has expired"
        )
    return request
