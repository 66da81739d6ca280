"""Console output: results on standard output, errors and progress on standard error."""

import shutil
import sys
from datetime import datetime
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress

_FILE_WIDTH = 160
"""Columns of output that is not a terminal, so that tables are not cut to an assumed screen width."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in environ:
        console.width = _FILE_WIDTH
    return console


out = _console(stderr=False)
err = _console(stderr=True)


def fail(problem: str) -> typer.Exit:
    """Print a problem and return the exit to raise, with code 1."""
    err.print("[bold red]✗[/]", end=" ")
    err.print(problem, soft_wrap=True, markup=False)
    return typer.Exit(1)


def print_json(value: Any) -> None:
    """Print a value, which may contain msgspec structs, as one line of JSON."""
    import json

    from msgspec import to_builtins

    typer.echo(json.dumps(to_builtins(value), ensure_ascii=False))


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """Return a moment in this machine's time zone, to the minute or the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def progress_bar() -> "Progress":
    """Return a progress bar for a `with` block. It is shown on standard error, and only in a terminal."""
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
    """Return the command line that runs `msgcenter` the way this process was started."""
    called = Path(sys.argv[0])
    if called.name != "msgcenter":
        return f"{Path(sys.executable).name} -m msgcenter"
    if shutil.which("msgcenter") == str(called.absolute()):
        return "msgcenter"
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)
