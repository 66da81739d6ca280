"""How the command line speaks: results on standard output, problems on standard error in a line or two."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import typer
from rich.console import Console

_FILE_WIDTH = 160
"""Columns where nobody watches: tables are not cut to a screen that is not there."""


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
    from msgcenter.actions.key_ring import WrongSecretKeyError
    from msgcenter.domain.refusal import Reason, Refusal
    from msgcenter.settings import SettingError
    from msgcenter.store.embedded import EmbeddedDatabaseError
    from msgcenter.store.migrate import SchemaError
    from msgcenter_client import MsgCenterError

    try:
        yield
    except WrongSecretKeyError:
        raise fail(
            "The secret key is not the one that this database's app keys are sealed with: put the earlier one back "
            "into MSGCENTER_SECRET_KEY, or into secret.key in the data folder if that variable is not set."
        ) from None
    except Refusal as refusal:
        if refusal.reason is Reason.DATABASE_UNAVAILABLE:
            raise fail(
                f"The database does not answer ({_cause(refusal)}). Check MSGCENTER_DATABASE_URL, that PostgreSQL "
                "runs, and that it lets this machine in."
            ) from None
        raise fail(refusal.describe("en")) from None
    except (SettingError, EmbeddedDatabaseError, SchemaError, MsgCenterError, ValueError) as error:
        raise fail(str(error)) from None


def _cause(refusal: BaseException) -> str:
    return " ".join(str(refusal.__cause__ or "no reason given").split())
