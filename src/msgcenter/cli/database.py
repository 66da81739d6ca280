"""The database for the duration of a command, with a status line while it starts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.application.database import database_of, prepare, running_database
from msgcenter.application.secret_key import key_ring
from msgcenter.cli.console import err
from msgcenter.cli.errors import errors_in_one_line
from msgcenter.cli.signals import exit_on_signals
from msgcenter.database.database import Database
from msgcenter.settings import Settings, read_settings

Result = TypeVar("Result")


@contextmanager
def started_database(settings: Settings, *, prepared: bool = True) -> Iterator[Settings]:
    """Start the database and yield the settings with its URL and the secret key filled in.

    `prepared`: also apply migrations and check the secret key.
    """
    with ExitStack() as stack:
        with err.status(_status(settings)):
            complete = stack.enter_context(running_database(settings))
            if prepared:
                asyncio.run(prepare(complete))
        yield complete


def on_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run an operator's work on the database and return its result. A server may or may not be running."""
    return on_database_with_keys(lambda database, _: work(database))


def on_database_with_keys(work: Callable[[Database, KeyRing], Awaitable[Result]]) -> Result:
    """Run work that needs the key ring too, as `on_database` does."""
    with errors_in_one_line(), exit_on_signals(), started_database(read_settings()) as settings:

        async def run() -> Result:
            async with database_of(settings) as database:
                return await work(database, key_ring(settings))

        return asyncio.run(run())


def _status(settings: Settings) -> str:
    if settings.database_url is not None:
        return "Connecting to the database…"
    if (settings.data_dir / "postgres").exists():
        return "Starting the database…"
    return f"Creating a database in {settings.data_dir}. This happens once and takes a few seconds…"


async def has_apps(settings: Settings) -> bool:
    """Return whether any app is registered."""
    async with database_of(settings) as database:
        return bool(await Apps(database, key_ring(settings)).registered())
