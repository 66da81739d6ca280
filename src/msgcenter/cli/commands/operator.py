"""`msgcenter operator …`: create operators of the portal, and reset their logins."""

import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape

from msgcenter.cli.actor import command_actor
from msgcenter.cli.console import fail, out

if TYPE_CHECKING:
    from msgcenter.actions.portal.people import People
    from msgcenter.domain.person import Actor

operators = typer.Typer(help="Create operators of the portal, and reset their logins.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="The e-mail address to log in with.", metavar="LOGIN")]
PasswordSource = Annotated[
    str | None,
    typer.Option(
        "--password", help="- reads the password from standard input; else it is prompted or generated.", metavar="-"
    ),
]
Result = TypeVar("Result")


def _on_people(work: "Callable[[People, Actor], Awaitable[Result]]") -> Result:
    from msgcenter.actions.portal.people import People
    from msgcenter.cli.database import on_database

    return on_database(lambda database: work(People(database), command_actor()))


def _password(source: str | None) -> tuple[str, bool]:
    """Return a password and whether it was generated here."""
    if source == "-":
        return sys.stdin.readline().rstrip("\n"), False
    if source is not None:
        raise fail("Others can see a password on the command line. --password - reads it from standard input.")
    if sys.stdin.isatty():
        chosen: str = typer.prompt("Password (empty: generate one)", default="", hide_input=True, show_default=False)
        if chosen:
            if typer.prompt("Repeat the password", hide_input=True) != chosen:
                raise fail("The two passwords differ.")
            return chosen, False
    return secrets.token_urlsafe(15), True


def _print_login(login: str, password: str, *, generated: bool) -> None:
    if generated:
        out.print(
            f"  password  [cyan]{escape(password)}[/]  (valid for seven days; must be changed at the first login)",
            soft_wrap=True,
        )
    out.print(f"Log in as {escape(login)} at /portal on your server.", soft_wrap=True)


@operators.command(epilog="Example: [bold]msgcenter operator create li@school.example.edu --name 'Li Na'[/]")
def create(
    login: Login,
    name: Annotated[str, typer.Option(help="The name that others see.", metavar="NAME")] = "Operator",
    password: PasswordSource = None,
) -> None:
    """Create an operator. Operators manage all apps and people in the portal."""
    chosen, generated = _password(password)
    person = _on_people(lambda people, by: people.create(login, name, chosen, "operator", by=by, one_time=generated))
    out.print(f"[green]✓[/] [bold]{escape(person.login)}[/] is an operator.")
    _print_login(person.login, chosen, generated=generated)


@operators.command()
def reset(
    login: Login,
    password: PasswordSource = None,
    second_factor: Annotated[
        bool,
        typer.Option("--second-factor", help="Also remove the second factor, if the phone and the codes are lost."),
    ] = False,
) -> None:
    """Set a password for a person's next login, end all their sessions and unlock the login."""
    chosen, generated = _password(password)

    async def work(people: "People", by: "Actor") -> None:
        record = await people.find_login(login)
        await people.reset(record.person.number, chosen, by, second_factor=second_factor)

    _on_people(work)
    out.print(f"[green]✓[/] [bold]{escape(login)}[/] has a new password, which must be changed at the next login.")
    _print_login(login, chosen, generated=generated)
