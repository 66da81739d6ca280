"""A second proof of identity inside a session, for changes for which an open browser is not enough."""

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.portal import throttle
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.passwords import password_matches
from msgcenter.actions.portal.second_factor import takes_code
from msgcenter.actions.portal.throttle import Limit
from msgcenter.database.database import Database
from msgcenter.domain.person import CodeError, LoginError
from msgcenter.store.portal import people

_TRIES = 10


async def prove(
    database: Database, keys: KeyRing, session: ActiveSession, password: str, code: str | None = None
) -> None:
    """Check the password of a session's person, and a code of the second factor unless `code` is None.

    Raises LoginError if the password is wrong, CodeError if the code is wrong, and ThrottledError after ten wrong ones
    in 15 minutes, so that a stolen session cannot guess either.
    """
    limit = Limit(f"session {session.record.digest.hex()}", _TRIES)
    await throttle.count(database, (limit,))
    async with database.connection() as connection:
        record = await people.find_person(connection, number=session.person.number)
    if record is None or not await password_matches(record.password_hash, password):
        raise LoginError
    if code is not None and not await takes_code(database, keys, record, code):
        raise CodeError
    async with database.connection() as connection:
        await throttle.forgive(connection, (limit,))
