"""What errors of the driver mean: the database is unavailable, a row is locked, or the transaction may run again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

import asyncpg

from msgcenter.domain.refusal import Reason, Refusal

Result = TypeVar("Result")

_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.005

_TRANSIENT = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver finds its connection closed in the middle of a step
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections at present
    OSError,
    TimeoutError,
    *_TRANSIENT,
)


class unavailable_on_failure:  # noqa: N801 - used as `with unavailable_on_failure():`, which reads as a statement
    """Turn driver errors that mean "the database cannot be used now" into the refusal DATABASE_UNAVAILABLE."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _UNAVAILABLE):
            raise Refusal(Reason.DATABASE_UNAVAILABLE) from error


def lock_timed_out(refusal: Refusal) -> bool:
    """Return whether the refusal was caused by rows that another transaction kept locked for too long."""
    return isinstance(refusal.__cause__, asyncpg.LockNotAvailableError)


def may_concern_one_item(refusal: Refusal) -> bool:
    """Return whether one item of a batch may have caused the failure, rather than the state of the database."""
    return isinstance(refusal.__cause__, (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, *_TRANSIENT))


async def retrying(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Await `attempt`; repeat it after a deadlock or a serialisation failure, up to six times in all.

    Refuses with DATABASE_UNAVAILABLE.
    """
    with unavailable_on_failure():
        for failures in range(_ATTEMPTS - 1):
            with suppress(*_TRANSIENT):
                return await attempt()
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**failures)
        return await attempt()
