"""`msgcenter user …`: import and count the known users of a platform."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from msgcenter.cli.console import err, fail, out, progress_bar
from msgcenter.cli.errors import errors_in_one_line

if TYPE_CHECKING:
    from msgcenter.cli.user_list import ListSummary
    from msgcenter.database.database import Database

users = typer.Typer(help="Import a directory of users, and count the known users of a platform.", no_args_is_help=True)

Platform = Annotated[str, typer.Option(help="Code of the users' platform.", metavar="CODE")]


@users.command(
    "import",
    epilog="Examples:\n\n[bold]msgcenter user import users.txt --platform 420100[/]\n\n"
    "[bold]psql -Atc 'select id from person' | msgcenter user import - --platform 420100[/]",
)
def import_list(
    file: Annotated[
        Path,
        typer.Argument(help="One user id per line, in UTF-8; blank lines are ignored; - reads standard input."),
    ],
    platform: Platform,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Skip lines without a valid user id.")] = False,
) -> None:
    """Make users known, so that they receive broadcasts from now on.

    A user also becomes known with the first message, subscription or access to the inbox. Known users stay unchanged;
    importing a list again does no harm.
    """
    from msgcenter.actions.mailboxes.users import import_users
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database
    from msgcenter.cli.user_list import open_list, summarize, user_ids

    with errors_in_one_line(), open_list(file) as user_list:
        summary = summarize(user_list)
        _print_bad_lines(summary)
        if summary.bad and not skip_bad:
            raise fail(
                "Nothing was imported. Fix the bad lines, or skip them with --skip-bad. "
                f"Bad lines in {file}: {summary.bad:,}"
            )

        async def work(database: "Database") -> int:
            with progress_bar() as progress:
                bar = progress.add_task(f"Users of {platform}", total=summary.good)
                return await import_users(
                    database,
                    platform,
                    user_ids(user_list),
                    lambda users: progress.advance(bar, users),
                    by=command_actor(),
                )

        new = on_database(work)
    skipped = f", bad lines skipped: {summary.bad:,}" if summary.bad else ""
    out.print(
        f"[green]✓[/] New users on platform [bold]{escape(platform)}[/]: {new:,}"
        f" (lines read: {summary.good:,}{skipped})",
        soft_wrap=True,
    )


def _print_bad_lines(summary: "ListSummary") -> None:
    for line in summary.examples:
        err.print(f"  line {line.number}: {line.problem}", markup=False, soft_wrap=True)
    if summary.bad > len(summary.examples):
        err.print(f"  … more bad lines: {summary.bad - len(summary.examples):,}")


@users.command()
def count(platform: Platform) -> None:
    """Print the number of known users of a platform."""
    from msgcenter.actions.mailboxes.users import count_users
    from msgcenter.cli.database import on_database

    typer.echo(on_database(lambda database: count_users(database, platform)))
