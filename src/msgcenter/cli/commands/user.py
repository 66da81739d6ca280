"""`msgcenter user …`: import and count the known users of a platform, see their contact points, remove a person."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from msgcenter.cli.console import err, fail, local_time, out, print_json, progress_bar
from msgcenter.cli.errors import errors_in_one_line
from msgcenter.cli.options import AsJson
from msgcenter.domain.channels.codes import CONTACT_KINDS, ContactKind

if TYPE_CHECKING:
    from msgcenter.actions.apps.key_ring import KeyRing
    from msgcenter.actions.channels.contacts import ShownContact
    from msgcenter.cli.user_list import ListSummary
    from msgcenter.database.database import Database
    from msgcenter.messaging.forget import Removed

users = typer.Typer(
    help="Import and count the known users of a platform; see their contact points; remove a person.",
    no_args_is_help=True,
)

Platform = Annotated[str, typer.Option(help="Code of the users' platform.", metavar="CODE")]
UserId = Annotated[str, typer.Argument(help="A user id of the platform.", metavar="USER")]


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


@users.command(epilog="Example: [bold]msgcenter user contacts parent-wang --platform 420100 --remove email[/]")
def contacts(
    user: UserId,
    platform: Platform,
    remove: Annotated[
        str | None, typer.Option(help=f"Remove this one: {', '.join(CONTACT_KINDS)}.", metavar="KIND")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show where channels reach a user. Values are masked; nobody can read them back."""
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database_with_keys

    kind = _kind(remove)

    async def work(database: "Database", keys: "KeyRing") -> "list[ShownContact]":
        from msgcenter.actions.apps.platforms import check_platform
        from msgcenter.actions.channels.contacts import UserContacts

        home, points = await check_platform(database, platform), UserContacts(database, keys)
        if kind is not None and not await points.remove(home, user, kind, command_actor()):
            raise ValueError(f"{user} has no {kind} on platform {platform}.")
        return await points.of_user(home, user)

    shown = on_database_with_keys(work)
    if json:
        print_json([contact._asdict() for contact in shown])
        return
    if kind is not None:
        out.print(f"[green]✓[/] Removed: {kind}. An app or an import may set it again.")
    if not shown:
        out.print(f"{user} has no contact points on platform {platform}.", markup=False, soft_wrap=True)
    for contact in shown:
        out.print(_contact_line(contact), markup=False, soft_wrap=True)


def _kind(text: str | None) -> ContactKind | None:
    if text is None:
        return None
    kind = next((kind for kind in CONTACT_KINDS if kind == text), None)
    if kind is None:
        raise fail(f"--remove takes one of {', '.join(CONTACT_KINDS)}, not {text!r}.")
    return kind


def _contact_line(contact: "ShownContact") -> str:
    changed = local_time(datetime.fromtimestamp(contact.changed_at / 1_000, UTC))
    line = f"{contact.kind:<9}{contact.masked}  (from {contact.app_name or 'an import'}, {changed})"
    if contact.disabled_at is not None:
        return f"{line}  off: {contact.disabled_reason}"
    return line


@users.command(
    epilog="Examples:\n\n[bold]msgcenter user forget parent-wang --platform 420100 --dry-run[/]\n\n"
    "[bold]msgcenter user forget parent-wang --platform 420100[/]"
)
def forget(
    user: UserId,
    platform: Platform,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Remove a person: mailbox, directory entry, subscriptions, contact points, preferences, waiting deliveries.

    It cannot be undone. A random id takes the user's place in receipts, so that all counts stay as they are. Stop the
    apps from naming the user first: whoever is addressed again is a new user.
    """
    from msgcenter.cli.database import on_database

    def work(*, dry_run: bool) -> "Removed":
        return on_database(lambda database: _forget(database, platform, user, dry_run=dry_run))

    removed = work(dry_run=True)
    if not json:
        _print_removed(user, removed)
    if not dry_run:
        if not yes and not sys.stdin.isatty():
            raise fail("Nothing was changed. Add --yes to remove the person without being asked.")
        if not yes and typer.prompt("This cannot be undone. Type the user id to remove the person") != user:
            raise fail("Nothing was changed: that is another id.")
        removed = work(dry_run=False)
    if json:
        print_json({"dryRun": dry_run, **removed._asdict()})
    elif dry_run:
        out.print("Nothing was changed.")
    else:
        out.print(f"[green]✓[/] Removed. Receipts have a random id in the place of [bold]{escape(user)}[/].")


async def _forget(database: "Database", platform: str, user: str, *, dry_run: bool) -> "Removed":
    from msgcenter.actions.channels.forget import forget_user
    from msgcenter.cli.actor import command_actor

    with progress_bar() as progress:
        bar = progress.add_task("Audiences", total=None)
        return await forget_user(
            database,
            platform,
            user,
            dry_run=dry_run,
            on_chunks=lambda done, total: progress.update(bar, completed=done, total=total),
            by=command_actor(),
        )


def _print_removed(user: str, removed: "Removed") -> None:
    out.print(f"What is known of {user}:", markup=False, soft_wrap=True)
    for name, count in (
        ("messages in the mailbox", removed.entries),
        ("lists of receivers", removed.audiences),
        ("subscriptions", removed.subscriptions),
        ("directory entries", int(removed.in_directory)),
        ("memberships", removed.memberships),
        ("contact points", removed.contacts),
        ("browsers with push", removed.browsers),
        ("preferences", int(removed.preferences)),
        ("waiting deliveries", removed.waiting),
    ):
        out.print(f"  {name}: {count:,}")
