"""`msgcenter operator …`: the first operator of the portal, and a way back in for one who is locked out."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.actor import operator_here
from msgcenter.cli.console import fail, out, plain_failures
from msgcenter.cli.signals import ended_by_signals
from msgcenter.settings import read_settings

if TYPE_CHECKING:
    from msgcenter.actions.portal.people import People
    from msgcenter.domain.person import Actor

operators = typer.Typer(
    help="Make operators of the portal, and let one who is locked out in again.", no_args_is_help=True
)

Login = Annotated[str, typer.Argument(help="The e-mail address to log in with.", metavar="LOGIN")]
PasswordFrom = Annotated[
    str | None,
    typer.Option("--password", help="- reads it from standard input; else it is asked for, or made.", metavar="-"),
]


def _run(work: "Callable[[People, Actor], Awaitable[Any]]") -> Any:
    from msgcenter.actions.portal.people import People
    from msgcenter.application.database import database_url
    from msgcenter.application.secret_key import key_ring
    from msgcenter.cli.database import started
    from msgcenter.database.database import Database

    with plain_failures(), ended_by_signals(), started(read_settings()) as settings:

        async def run() -> Any:
            async with Database(database_url(settings), connections=2) as database:
                return await work(People(database, key_ring(settings)), operator_here())

        return asyncio.run(run())


def _password(given: str | None) -> tuple[str, bool]:
    """Return a password and whether it was made here."""
    if given == "-":
        return sys.stdin.readline().rstrip("\n"), False
    if given is not None:
        raise fail("A password on the command line is seen by others: --password - reads it from standard input.")
    if sys.stdin.isatty():
        chosen: str = typer.prompt("Password (empty: make one)", default="", hide_input=True, show_default=False)
        if chosen:
            if typer.prompt("Again", hide_input=True) != chosen:
                raise fail("The two are not the same.")
            return chosen, False
    return secrets.token_urlsafe(15), True


def _say(login: str, password: str, *, made: bool) -> None:
    if made:
        out.print(
            f"  password  [cyan]{escape(password)}[/]  (for seven days; to be changed at the first login)",
            soft_wrap=True,
        )
    out.print(f"Log in as {escape(login)} at /portal of your server.", soft_wrap=True)


@operators.command(epilog="Example: [bold]msgcenter operator create li@school.example.edu --name 'Li Na'[/]")
def create(
    login: Login,
    name: Annotated[str, typer.Option(help="The name that others see.", metavar="NAME")] = "Operator",
    password: PasswordFrom = None,
) -> None:
    """Make an operator, who looks after all apps and people in the portal."""
    chosen, made = _password(password)
    person = _run(lambda people, by: people.create(login, name, chosen, "operator", by=by, one_time=made))
    out.print(f"[green]✓[/] [bold]{escape(person.login)}[/] is an operator.")
    _say(person.login, chosen, made=made)


@operators.command()
def reset(
    login: Login,
    password: PasswordFrom = None,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Remove the second factor too: the phone and the codes are lost.")
    ] = False,
) -> None:
    """Give somebody a password for the next login, end all their sessions, and let them in again."""
    chosen, made = _password(password)

    async def work(people: "People", by: "Actor") -> None:
        record = await people.find_login(login)
        await people.reset(record.person.number, chosen, by, second_factor=second_factor)

    _run(work)
    out.print(f"[green]✓[/] [bold]{escape(login)}[/] has a new password, to be changed at the next login.")
    _say(login, chosen, made=made)
