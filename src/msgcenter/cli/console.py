"""How the command line speaks: results on standard output, problems on standard error in a line or two."""

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress

_FILE_WIDTH = 160
"""Columns where nobody watches: tables are not cut to a screen that is not there."""
_PLATFORMS_NAMED = 10


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in environ:
        console.width = _FILE_WIDTH
    return console


out = _console(stderr=False)
err = _console(stderr=True)


def fail(problem: str) -> typer.Exit:
    """Print a problem and return the exit to raise."""
    err.print("[bold red]✗[/]", end=" ")
    err.print(problem, soft_wrap=True, markup=False)
    return typer.Exit(1)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 user`, `2,000 users`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def progress_bar() -> "Progress":
    """Return a progress bar for a `with` block, on standard error; it is not drawn where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def program() -> str:
    """Return what to type to run `msgcenter` as it was run this time."""
    called = Path(sys.argv[0])
    if called.name != "msgcenter":
        return f"{Path(sys.executable).name} -m msgcenter"
    if shutil.which("msgcenter") == str(called.absolute()):
        return "msgcenter"
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn what an operator can put right into a line that says so, instead of a traceback."""
    from msgcenter.actions.apps.key_ring import WrongSecretKeyError
    from msgcenter.actions.apps.platforms import UnknownPlatformError
    from msgcenter.database.embedded.errors import EmbeddedDatabaseError
    from msgcenter.database.migrate import SchemaError
    from msgcenter.domain.refusal import Reason, Refusal
    from msgcenter.settings import SettingError
    from msgcenter_client import MsgCenterError

    try:
        yield
    except WrongSecretKeyError:
        raise fail(
            "The secret key is not the one that this database's app keys are sealed with: put the earlier one back "
            "into MSGCENTER_SECRET_KEY, or into secret.key in the data folder if that variable is not set."
        ) from None
    except UnknownPlatformError as error:
        raise fail(_no_platform(error.code, error.known)) from None
    except Refusal as refusal:
        if refusal.reason is Reason.DATABASE_UNAVAILABLE:
            raise fail(
                f"The database does not answer ({_cause(refusal)}). Check MSGCENTER_DATABASE_URL, that PostgreSQL "
                "runs, and that it lets this machine in."
            ) from None
        raise fail(refusal.describe("en")) from None
    except (SettingError, EmbeddedDatabaseError, SchemaError, MsgCenterError, ValueError) as error:
        raise fail(str(error)) from None


def _no_platform(code: str, known: Sequence[str]) -> str:
    there_are = ", ".join([*known[:_PLATFORMS_NAMED], *(["…"] if len(known) > _PLATFORMS_NAMED else [])])
    return (
        f"There is no platform {code} ({f'there are {there_are}' if known else 'there is none yet'}). A platform is "
        f"made with its first app: {program()} app create --name NAME --platform {shlex.quote(code)}"
    )


def _cause(refusal: BaseException) -> str:
    return " ".join(str(refusal.__cause__ or "no reason given").split())
