"""The connection pool and transactions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import partial, wraps
from operator import itemgetter
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from msgcenter.database.connections import (
    NAME,
    STATEMENT_SECONDS,
    LastingConnection,
    session_settings,
    unlimited_settings,
)
from msgcenter.database.failures import lock_timed_out, retrying, unavailable_on_failure
from msgcenter.database.pooler import keeps_statements
from msgcenter.domain.refusal import Refusal

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PATIENT_LOCK_MS = 2_000
"""PostgreSQL waits twice for a row: for a place in its queue, then for the transaction that holds it.

Both waits together end before PostgreSQL ends an idle transaction (`connections.STATEMENT_SETTINGS`). So what waits for
a frozen transaction, and is frozen with it, does not get the row afterwards and hold it for as long again.
"""
_PROBE_LOCK_MS = 20
_CLOSE_SECONDS = 5


class LockPatience(Enum):
    """How long a transaction waits for a row that another transaction has locked, before it refuses.

    BATCH: 0.3 s, for work of many callers, who should not all wait for the rows of one. PROBE: 20 ms, to find out which
    of them needs the locked rows. PATIENT: 0.3 s, then 2 s in a second attempt.
    """

    BATCH = "batch"
    PROBE = "probe"
    PATIENT = "patient"


_patience: ContextVar[LockPatience] = ContextVar("lock patience", default=LockPatience.PATIENT)


@contextmanager
def lock_patience(patience: LockPatience) -> Iterator[None]:
    """Set the patience of the transactions that begin within the block."""
    token = _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(token)


class Database:
    """A pool of connections to one PostgreSQL database. Use as an async context manager.

    Every operation refuses with DATABASE_UNAVAILABLE when the database cannot be reached or does not answer in time.
    An error in a statement stays an exception of the driver.

    `direct_url` is set if `url` leads to a connection pooler that gives a session to each transaction (PgBouncer,
    `pool_mode = transaction`): it leads to the same database without the pooler, for work that needs a session.
    `citus`: the database is distributed by Citus. `cells_url` then leads to a node other than the coordinator, None to
    none: `cells` has connections to it, as many again.
    """

    def __init__(
        self,
        url: str,
        *,
        direct_url: str | None = None,
        citus: bool = False,
        cells_url: str | None = None,
        connections: int = 10,
    ) -> None:
        self.url = url
        self.cells = self if cells_url is None else Database(cells_url, citus=citus, connections=connections)
        """Where statements go that need nothing but tables of cells, which every node of a Citus has."""
        self._citus = citus
        self.direct_url = direct_url or url
        self._is_pooled = direct_url is not None
        self._max_connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __aenter__(self) -> Self:
        with unavailable_on_failure():
            self._pool = await self._open_pool()
        if self.cells is not self:
            try:
                await self.cells.__aenter__()
            except BaseException:
                await self.__aexit__(None, None, None)
                raise
        return self

    async def _open_pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        return await asyncpg.create_pool(
            self.url,
            connection_class=LastingConnection,
            min_size=2,
            max_size=self._max_connections,
            reset=_skip_reset,
            command_timeout=STATEMENT_SECONDS + 5,
            timeout=10,
            **(await self._session_options()),
        )

    async def _session_options(self) -> dict[str, Any]:
        if not self._is_pooled:
            return {"server_settings": session_settings(citus=self._citus)}
        # Without a cache, the driver parses each statement in the message that executes it, in any session.
        cache = {} if await keeps_statements(self.url) else {"statement_cache_size": 0}
        return {"server_settings": NAME, **cache}

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.cells is not self:
            await self.cells.__aexit__(kind, error, trace)
        if self._pool is not None:
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @property
    def is_on_one_node(self) -> bool:
        """Whether a statement about a cell may also read the tables that belong to no cell."""
        return not self._citus and self.cells is self

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The driver's pool, for the job queue."""
        if self._pool is None:
            raise RuntimeError("the database is used outside its `async with`")
        return self._pool

    def connections(self) -> tuple[int, int]:
        """Return the numbers of open connections and of idle ones among them; of `cells`, if fewer are idle there."""
        own = (0, 0) if self._pool is None else (self._pool.get_size(), self._pool.get_idle_size())
        return own if self.cells is self else min(own, self.cells.connections(), key=itemgetter(1))

    @property
    def unlimited_settings(self) -> dict[str, str]:
        """Session settings of connections to `direct_url` for work that may wait."""
        return unlimited_settings(citus=self._citus)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection in autocommit mode."""
        with unavailable_on_failure():
            async with self.pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Give a connection that reads one state of the database, and may be idle between statements for long."""
        async with self.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("set local idle_in_transaction_session_timeout = 0")
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Give a connection in autocommit mode whose session is not shared, as session locks need."""
        if not self._is_pooled:
            async with self.connection() as connection:
                yield connection
            return
        with unavailable_on_failure():
            direct: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                self.direct_url,
                connection_class=LastingConnection,
                timeout=10,
                command_timeout=STATEMENT_SECONDS + 5,
                server_settings={**NAME, **self.unlimited_settings},
            )
            try:
                yield direct
            finally:
                direct.terminate()

    async def in_transaction(
        self,
        work: Callable[Concatenate[Connection, Arguments], Awaitable[Result]],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run `work(connection, *args, **kwargs)` in one transaction; return its result once it is committed.

        `work` is usually a function or method of the module, so that no closure is needed:

            await self._database.in_transaction(people.set_role, number, role)

        `work` runs again after a deadlock or a serialisation failure, and after it has waited too long for a lock. So
        it may change nothing but the database. `lock_patience` decides how long it waits. A method that is one
        transaction from its first line to its last can be decorated with `transactional` instead.
        """

        async def attempt(lock_ms: int | None) -> Result:
            async with self.pool.acquire() as connection, connection.transaction():
                if lock_ms is not None:
                    await connection.execute(f"set local lock_timeout = {lock_ms}")
                return await work(connection, *args, **kwargs)

        return await _run_with_patience(attempt)

    async def in_autocommit(
        self,
        work: Callable[Concatenate[Connection, Arguments], Awaitable[Result]],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run `work(connection, *args, **kwargs)`, which executes one statement, without an explicit transaction.

        Saves the round trips of `begin` and `commit`. It runs again as described at `in_transaction`.
        """

        async def attempt(lock_ms: int | None) -> Result:
            async with self.pool.acquire() as connection:
                if lock_ms is None:
                    return await work(connection, *args, **kwargs)
                async with connection.transaction():
                    await connection.execute(f"set local lock_timeout = {lock_ms}")
                    return await work(connection, *args, **kwargs)

        return await _run_with_patience(attempt)


class _DatabaseUser(Protocol):
    _database: Database


Owner = TypeVar("Owner", bound=_DatabaseUser)


def transactional(
    method: Callable[Concatenate[Owner, Connection, Arguments], Awaitable[Result]],
) -> Callable[Concatenate[Owner, Arguments], Coroutine[Any, Any, Result]]:
    """Run a method in one transaction of `self._database`, as `Database.in_transaction` does.

    The method takes the connection as its first argument; its callers leave it out:

        class Team:
            @transactional
            async def remove(self, connection: Connection, app_number: int, person_number: int) -> None: ...

        await team.remove(app_number, person_number)

    The whole method may run more than once, so it may change nothing but the database: publish events after it. Checks
    that need no database belong into a method around it, so that they take no connection from the pool.
    """

    @wraps(method)
    async def run(self: Owner, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self._database.in_transaction(lambda connection: method(self, connection, *args, **kwargs))

    return run


async def _run_with_patience(attempt: Callable[[int | None], Awaitable[Result]]) -> Result:
    patience = _patience.get()
    if patience is LockPatience.PROBE:
        return await retrying(partial(attempt, _PROBE_LOCK_MS))
    try:
        return await retrying(partial(attempt, None))
    except Refusal as refusal:
        if patience is LockPatience.BATCH or not lock_timed_out(refusal):
            raise
    return await retrying(partial(attempt, PATIENT_LOCK_MS))


async def _skip_reset(_: Connection) -> None:
    """Skip the driver's session reset, a round trip: no statement here changes session state."""
