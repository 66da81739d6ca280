"""`msgcenter user …`: the known users of a platform."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from msgcenter.cli.console import counted, err, fail, out, plain_failures, progress_bar

if TYPE_CHECKING:
    from msgcenter.cli.user_list import Findings
    from msgcenter.database.database import Database

users = typer.Typer(help="Make a whole directory of users known, and count the known ones.", no_args_is_help=True)

Platform = Annotated[str, typer.Option(help="Code of the users' platform.", metavar="CODE")]


@users.command(
    "import",
    epilog="Examples:\n\n[bold]msgcenter user import users.txt --platform 420100[/]\n\n"
    "[bold]psql -Atc 'select id from person' | msgcenter user import - --platform 420100[/]",
)
def import_list(
    file: Annotated[
        Path,
        typer.Argument(help="One user id on a line, UTF-8; blank lines do not count; - reads standard input."),
    ],
    platform: Platform,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out lines that hold no user id.")] = False,
) -> None:
    """Make users known, so that messages to everyone reach them from now on.

    A user also becomes known with the first message, subscription or look into the inbox. Who is known already is
    left alone; importing a list again does no harm.
    """
    from msgcenter.actions.mailboxes.users import import_users
    from msgcenter.cli.actor import operator_here
    from msgcenter.cli.database import on_database
    from msgcenter.cli.user_list import examine, opened, user_ids

    with plain_failures(), opened(file) as listed:
        found = examine(listed)
        _tell_bad_lines(found)
        if found.bad and not skip_bad:
            raise fail(
                f"{counted(found.bad, 'line')} of {file} cannot be imported, so nothing was. "
                "Put it right, or leave out what is bad with --skip-bad."
            )

        async def work(database: "Database") -> int:
            with progress_bar() as progress:
                bar = progress.add_task(f"Users of {platform}", total=found.good)
                return await import_users(
                    database,
                    platform,
                    user_ids(listed),
                    lambda users: progress.advance(bar, users),
                    by=operator_here(),
                )

        new = on_database(work)
    left_out = f", {counted(found.bad, 'bad line')} left out" if found.bad else ""
    out.print(
        f"[green]✓[/] {counted(new, 'new user')} on platform [bold]{escape(platform)}[/]"
        f" ({counted(found.good, 'line')} read{left_out})",
        soft_wrap=True,
    )


def _tell_bad_lines(found: "Findings") -> None:
    for line in found.named:
        err.print(f"  line {line.number}: {line.problem}", markup=False, soft_wrap=True)
    if found.bad > len(found.named):
        err.print(f"  … and {counted(found.bad - len(found.named), 'line')} more")


@users.command()
def count(platform: Platform) -> None:
    """Print how many users of a platform are known."""
    from msgcenter.actions.mailboxes.users import count_users
    from msgcenter.cli.database import on_database

    typer.echo(on_database(lambda database: count_users(database, platform)))
