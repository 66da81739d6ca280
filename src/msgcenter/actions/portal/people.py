"""The people of the portal, as operators and commands manage them."""

from msgcenter.actions.portal.new_account import NewAccount, insert_account, new_account
from msgcenter.actions.portal.operators import ONE_TIME_MS
from msgcenter.actions.portal.passwords import hash_of_new_password
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND, Actor, Person, Role
from msgcenter.domain.refusal import malformed
from msgcenter.store import audit
from msgcenter.store.portal import confirmations, people, sessions
from msgcenter.store.portal.invitations import revoke_invitations_of
from msgcenter.store.portal.people import PersonRecord


class People:
    """Creates, finds, disables and resets accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, login: str, name: str, password: str, role: Role, *, by: Actor = COMMAND, one_time: bool = False
    ) -> Person:
        """Create an account, as a command on the server does; this is how the first operators are created.

        A `one_time` password is valid for seven days and has to be changed at the first login. Refuses with
        FIELD_MALFORMED as `new_account` does, or a login that is taken.
        """
        return await self._create(await new_account(login, name, password, role), one_time=one_time, by=by)

    @transactional
    async def _create(self, connection: Connection, account: NewAccount, *, one_time: bool, by: Actor) -> Person:
        now = now_ms()
        return await insert_account(
            connection, account, by=by, now=now, one_time_until=now + ONE_TIME_MS if one_time else None
        )

    async def everyone(self) -> list[PersonRecord]:
        """Return all people, by login."""
        async with self._database.connection() as connection:
            return await people.list_people(connection)

    async def find(self, number: int) -> PersonRecord:
        """Return the person with this number. Refuses with FIELD_MALFORMED (login) if there is none."""
        async with self._database.connection() as connection:
            return _known(await people.find_person(connection, number=number))

    async def find_login(self, login: str) -> PersonRecord:
        """Return the person with this login. Refuses with FIELD_MALFORMED (login) if there is none."""
        async with self._database.connection() as connection:
            return _known(await people.find_person(connection, login=login.strip().lower()))

    @transactional
    async def make_developer(self, connection: Connection, number: int, by: Actor) -> None:
        """Make an operator a developer. Their open confirmations and invitations end.

        Refuses with FIELD_MALFORMED (role) to change the last operator.
        """
        person = _known(await people.find_person(connection, number=number)).person
        if not person.is_operator:
            return
        await _keep_an_operator(connection, person)
        await people.set_role(connection, number, "developer")
        await _end_open_requests(connection, number)
        await audit.record(connection, by, "person.role", person.login, now=now_ms(), role="developer")

    @transactional
    async def disable(self, connection: Connection, number: int, by: Actor) -> None:
        """Disable an account. Its sessions, open confirmations and invitations end.

        Refuses with FIELD_MALFORMED (role) to disable the last operator.
        """
        now = now_ms()
        person = _known(await people.find_person(connection, number=number)).person
        if person.disabled:
            return
        await _keep_an_operator(connection, person)
        await people.set_person_disabled(connection, number, now)
        await sessions.delete_sessions(connection, number)
        await _end_open_requests(connection, number)
        await audit.record(connection, by, "person.disable", person.login, now=now)

    @transactional
    async def enable(self, connection: Connection, number: int, by: Actor) -> None:
        """Enable a developer again. Refuses with FIELD_MALFORMED (change) an operator, who needs a confirmation."""
        person = (await people.lock_people(connection, [number])).get(number)
        if person is None or person.is_operator:
            raise malformed("change", "须由另一位运营人员确认", "needs the confirmation of another operator")
        if not person.disabled:
            return
        await people.set_person_disabled(connection, number, None)
        await audit.record(connection, by, "person.enable", person.login, now=now_ms())

    async def reset(self, number: int, password: str, by: Actor, *, second_factor: bool = False) -> None:
        """Restore access from the server: enable the account, with a one-time password that ends all sessions.

        `second_factor` removes that as well. Refuses with FIELD_MALFORMED.
        """
        person = (await self.find(number)).person
        hashed = await hash_of_new_password(password, person.login, person.name)
        await self._reset(person, hashed, second_factor=second_factor, by=by)

    @transactional
    async def _reset(
        self, connection: Connection, person: Person, hashed: str, *, second_factor: bool, by: Actor
    ) -> None:
        now, number = now_ms(), person.number
        await people.set_password(connection, number, hashed, one_time_until=now + ONE_TIME_MS)
        await sessions.delete_sessions(connection, number)
        await audit.record(connection, by, "person.reset", person.login, now=now)
        if second_factor and person.has_second_factor:
            await people.set_second_factor(connection, number, None, [])
            await audit.record(connection, by, "person.second_factor.remove", person.login, now=now)
        if person.disabled:
            await people.set_person_disabled(connection, number, None)
            await audit.record(connection, by, "person.enable", person.login, now=now)


async def _keep_an_operator(connection: Connection, person: Person) -> None:
    if person.is_operator and not person.disabled and await people.operators_left(connection) < 2:
        raise malformed("role", "至少须保留一名运营人员", "is the last operator; at least one is needed")


async def _end_open_requests(connection: Connection, number: int) -> None:
    now = now_ms()
    await revoke_invitations_of(connection, number, now)
    await confirmations.end_for(connection, number, now)


def _known(record: PersonRecord | None) -> PersonRecord:
    if record is None:
        raise malformed("login", "没有此用户", "no such user")
    return record
