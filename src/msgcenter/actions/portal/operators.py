"""What takes two operators: making one, letting one in again, and resetting one's password or second factor.

Alone, an operator could otherwise become a second one, and approve what they have announced.
"""

from typing import NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.passwords import hash_password, new_one_time_password
from msgcenter.actions.portal.proof import prove
from msgcenter.database.database import Connection, Database
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
    """What came of a change: whether it waits for a confirmation, and what is shown to the operator, once.

    `secret` of a reset is the one-time password, or its first half if the change waits; of other changes it is None.
    """

    waits: bool
    secret: str | None


class Operators:
    """Changes of accounts that operators ask for with their own password; those of operators wait for another one."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def change(
        self, session: ActiveSession, kind: ConfirmationKind, number: int, password: str, by: Actor
    ) -> AccountChange:
        """Make somebody an operator, let them in again, give them a one-time password or remove their second factor.

        What concerns a developer and leaves them one is done at once. The rest waits up to seven days for another
        operator. A one-time password holds for seven days, ends all sessions and keeps the second factor; of an
        operator's, the asker gets one half and the confirmer the other, so neither of them has it.

        Raises LoginError if `password` is not the acting operator's, ThrottledError after ten such. Refuses with
        FIELD_MALFORMED (login, change) what makes no sense for this person or was asked for already, and with
        NOT_AUTHORISED if there is no other operator who could confirm.
        """
        await prove(self._database, self._keys, session, password)
        first, second = new_one_time_password()
        whole = f"{first}-{second}"
        hashed = await hash_password(whole) if kind == "reset" else ""

        async def write(connection: Connection) -> AccountChange:
            now, me = now_ms(), session.person.number
            locked = await people.lock_people(connection, (me, number))
            person = _known(locked.get(number))
            _check_operator(locked.get(me))
            if number == me:
                raise malformed("login", "不能更改自己,请使用账号页面", "is yourself: use your account's own page")
            _check(kind, person)
            if kind != "operator" and not person.is_operator:
                await confirmations.end_for(connection, number, now)
                await _apply(connection, kind, person, hashed, by=by, now=now)
                return AccountChange(waits=False, secret=whole if kind == "reset" else None)
            await check_confirmers(connection, me, number)
            sealed = self._keys.seal(f"{_HALF} {number}", first) if kind == "reset" else None
            await ask(connection, kind, person, asked_by=me, by=by, now=now, half_sealed=sealed)
            return AccountChange(waits=True, secret=first if kind == "reset" else None)

        return await self._database.in_transaction(write)

    async def waiting(self) -> list[Confirmation]:
        """Return what waits for a confirmation, the oldest first."""
        async with self._database.connection() as connection:
            return await confirmations.open_requests(connection, now_ms())

    async def confirm(self, session: ActiveSession, number: int, password: str, by: Actor) -> str | None:
        """Confirm what another operator has asked for; return the second half of a one-time password, if it is one.

        Raises as `change` does. Refuses with FIELD_MALFORMED (number) what does not wait any more, and with
        NOT_AUTHORISED whoever has asked for it or is concerned.
        """
        await prove(self._database, self._keys, session, password)
        async with self._database.connection() as connection:
            seen = _waits(await confirmations.find_open(connection, number, now_ms()))
        second, hashed = None, ""
        if seen.half_sealed is not None:
            second = new_one_time_password()[1]
            first = self._keys.open(f"{_HALF} {seen.person.number}", seen.half_sealed)
            hashed = await hash_password(f"{first}-{second}")

        async def write(connection: Connection) -> None:
            now, me = now_ms(), session.person.number
            locked = await people.lock_people(connection, (me, seen.asked_by, seen.person.number))
            _check_operator(locked.get(me))
            request = _waits(await confirmations.find_open(connection, number, now))
            if not may_confirm(request, session.person):
                raise Refusal(
                    Reason.NOT_AUTHORISED,
                    rule=Phrase("须由另一位运营人员确认", "it takes another operator than who asked or is concerned"),
                )
            _check(request.kind, request.person)
            _waits(request if await confirmations.decide(connection, number, confirmed=True, by=me, now=now) else None)
            await _apply(connection, request.kind, request.person, hashed, by=by, now=now, asked_by=request.asker)

        await self._database.in_transaction(write)
        return second

    async def refuse(self, number: int, person: Person, by: Actor) -> None:
        """Refuse what was asked for, or take one's own request back. Any operator may, also whom it concerns.

        Refuses with FIELD_MALFORMED (number) what does not wait any more.
        """

        async def write(connection: Connection) -> None:
            now = now_ms()
            request = _waits(await confirmations.find_open(connection, number, now))
            decided = await confirmations.decide(connection, number, confirmed=False, by=person.number, now=now)
            _waits(request if decided else None)
            await audit.record(
                connection,
                by,
                f"confirmation.refuse.{request.kind}",
                request.person.login,
                now=now,
                asked_by=request.asker,
            )

        await self._database.in_transaction(write)


def may_confirm(request: Confirmation, person: Person) -> bool:
    """Tell whether an operator is neither who has asked nor whom it concerns."""
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
    """Note what waits for another operator. Refuses with FIELD_MALFORMED (change) what waits already."""
    if not await confirmations.insert(
        connection,
        kind,
        person.number,
        asked_by=asked_by,
        half_sealed=half_sealed,
        now=now,
        expires_at=now + CONFIRMATION_MS,
    ):
        raise malformed("change", "已在等待另一位运营人员确认", "waits for another operator already")
    await audit.record(connection, by, f"confirmation.ask.{kind}", person.login, now=now)


async def check_confirmers(connection: Connection, *but: int) -> None:
    """Refuse with NOT_AUTHORISED what takes another operator if there is none besides these."""
    if await people.count_other_operators(connection, but) == 0:
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase(
                "须有另一位运营人员;可在服务器上执行msgcenter operator",
                "it takes another operator; see msgcenter operator on the server",
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
    """Refuse a change that makes no sense for a person."""
    if kind == "operator" and person.is_operator:
        raise malformed("change", "已是运营人员", "is an operator already")
    if kind == "operator" and person.disabled:
        raise malformed("change", "账号已停用,请先启用", "is disabled; enable the account first")
    if kind == "operator" and person.one_time_until is not None:
        raise malformed("change", "须先更换一次性密码", "has to change the one-time password first")
    if kind == "enable" and not person.disabled:
        raise malformed("change", "账号未停用", "is not disabled")
    if kind == "second_factor" and not person.has_second_factor:
        raise malformed("change", "未开启两步验证", "has no second factor")


def _check_operator(person: Person | None) -> None:
    # The page was opened by an operator; this one may have stopped to be one since.
    if person is None or not person.is_operator or person.disabled:
        raise Refusal(Reason.NOT_AUTHORISED, rule=Phrase("仅限运营人员", "for operators only"))


def _known(person: Person | None) -> Person:
    if person is None:
        raise malformed("login", "没有此用户", "nobody has it")
    return person


def _waits(request: Confirmation | None) -> Confirmation:
    if request is None:
        raise malformed(
            "number", "没有此申请,或已处理、已过期", "does not wait any more: it was decided or has expired"
        )
    return request


__all__ = ["AccountChange", "Confirmation", "ConfirmationKind", "Operators", "ask", "check_confirmers", "may_confirm"]
