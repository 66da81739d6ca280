"""The database for the length of a command, with a sign of life while it starts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from msgcenter.actions.apps.apps import Apps
from msgcenter.application.database import database_url, prepare, running_database
from msgcenter.application.secret_key import key_ring
from msgcenter.cli.console import err, plain_failures
from msgcenter.cli.signals import ended_by_signals
from msgcenter.database.database import Database
from msgcenter.settings import Settings, read_settings

Result = TypeVar("Result")


@contextmanager
def started(settings: Settings, *, prepared: bool = True) -> Iterator[Settings]:
    """Give the settings with database and secret key filled in; `prepared`: migrated and the key checked."""
    with ExitStack() as leaving:
        with err.status(_waiting_for(settings)):
            complete = leaving.enter_context(running_database(settings))
            if prepared:
                asyncio.run(prepare(complete))
        yield complete


def on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run an operator's work on the database, whether or not a server runs, and return what it returns."""
    with plain_failures(), ended_by_signals(), started(read_settings()) as settings:

        async def run() -> Result:
            async with Database(database_url(settings), connections=2) as database:
                return await work(database)

        return asyncio.run(run())


def _waiting_for(settings: Settings) -> str:
    if settings.database_url is not None:
        return "Connecting to the database…"
    if (settings.data_dir / "postgres").exists():
        return "Starting the database…"
    return f"Making a database in {settings.data_dir}; this happens once and takes some seconds…"


async def has_apps(settings: Settings) -> bool:
    """Tell whether an app is registered."""
    async with Database(database_url(settings), connections=2) as database:
        return bool(await Apps(database, key_ring(settings)).registered())
