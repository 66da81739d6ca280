"""`msgcenter directory …`: import, export and show a platform's organisations, users and memberships."""

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.console import err, fail, out, print_json, program, progress_bar
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from rich.tree import Tree

    from msgcenter.actions.apps.key_ring import KeyRing
    from msgcenter.actions.directory.importing import BadFileError, Outcome
    from msgcenter.actions.directory.overview import OrgNode
    from msgcenter.database.database import Database
    from msgcenter.domain.channels.codes import ContactKind

directories = typer.Typer(
    help="Import, export and show a platform's organisations, users and memberships.", no_args_is_help=True
)
Platform = Annotated[str, typer.Option(help="The platform's code.", metavar="CODE")]


@directories.command(
    "import",
    epilog="Examples:\n\n[bold]msgcenter directory import city.jsonl --platform 420100 --dry-run[/]\n\n"
    "[bold]msgcenter directory import city.zip --platform 420100 --delete-missing 137[/]",
)
def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines, or a folder or zip archive with CSV files.", metavar="FILE"),
    ],
    platform: Platform,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    delete_missing: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Delete what is not in the file. COUNT confirms how many organisations, users and memberships these "
            "are together, as --dry-run shows it.",
            metavar="COUNT",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a platform's directory what a file says.

    The whole file is checked first. Servers may keep running. Users keep what they have received. An import that was
    cut off is completed by running it again.
    """
    from msgcenter.actions.directory.importing import BadFileError, UnconfirmedError, import_directory
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database_with_keys

    async def work(database: "Database", keys: "KeyRing") -> "Outcome":
        with progress_bar() as progress:
            return await import_directory(
                database,
                platform,
                file,
                sealing=keys,
                delete_missing=delete_missing,
                dry_run=dry_run,
                on_progress=_steps(progress),
                by=command_actor(),
            )

    def guarded(database: "Database", keys: "KeyRing") -> Any:
        return _with_problems(work(database, keys))

    outcome = on_database_with_keys(guarded)
    if isinstance(outcome, BadFileError):
        raise _bad_file(file, outcome)
    if isinstance(outcome, UnconfirmedError):
        count = outcome.difference.missing
        raise fail(
            f"Nothing was changed. {_missing_text(outcome.difference)}, and you confirmed {outcome.confirmed}. "
            f"If this is right, give --delete-missing {count}. --dry-run shows the first of them."
        )
    if json:
        print_json(_as_json(outcome, dry_run=dry_run))
        return
    _print_outcome(outcome, dry_run=dry_run, deletes=delete_missing is not None)
    if outcome.missing and delete_missing is None:
        command = f"{program()} directory import {shlex.quote(str(file))} --platform {shlex.quote(platform)}"
        out.print(
            f"{_missing_text(outcome)}. {'They would stay' if dry_run else 'They stay'}. To delete them: {command} "
            f"--delete-missing {outcome.missing}",
            markup=False,
            soft_wrap=True,
        )


async def _with_problems(work: Any) -> Any:
    """Return the result of an import, or the error that says what is wrong with the file or the confirmation."""
    from msgcenter.actions.directory.importing import BadFileError, UnconfirmedError

    try:
        return await work
    except (BadFileError, UnconfirmedError) as error:
        return error


def _steps(progress: Any) -> Callable[[str, int, int], None]:
    bars: dict[str, Any] = {}

    def on_progress(step: str, done: int, total: int) -> None:
        if step not in bars:
            for bar in bars.values():
                progress.update(bar, visible=False)
            bars[step] = progress.add_task(step, total=total)
        progress.update(bars[step], completed=done, total=total)

    return on_progress


def _bad_file(file: Path, error: "BadFileError") -> typer.Exit:
    err.print("[bold red]✗[/]", end=" ")
    err.print(f"Nothing was imported from {file}. Bad lines: {error.problems}", soft_wrap=True, markup=False)
    for bad_line in error.bad_lines:
        err.print(f"  {bad_line.place}: {bad_line.problem}", soft_wrap=True, markup=False)
    if error.problems > len(error.bad_lines):
        err.print(f"  … and more: {error.problems - len(error.bad_lines)}")
    return typer.Exit(1)


def _missing_text(outcome: "Outcome") -> str:
    from msgcenter.actions.directory.difference import Kind

    counts = outcome.counts
    return (
        f"Not in the file: {outcome.missing:,} (organisations: {counts[Kind.MISSING_ORG]:,}, "
        f"users: {counts[Kind.MISSING_USER]:,}, memberships: {counts[Kind.MISSING_MEMBER]:,})"
    )


def _as_json(outcome: "Outcome", *, dry_run: bool) -> dict[str, Any]:
    return {
        "dryRun": dry_run,
        "inFile": {"orgs": outcome.orgs, "users": outcome.users, "members": outcome.members},
        "differences": {kind.name.lower(): count for kind, count in outcome.counts.items()},
        "missing": outcome.missing,
    }


def _print_outcome(outcome: "Outcome", *, dry_run: bool, deletes: bool) -> None:
    from msgcenter.actions.directory.difference import MISSING

    out.print(f"In the file: organisations {outcome.orgs:,}, users {outcome.users:,}, memberships {outcome.members:,}")
    changes = 0
    for kind, count in outcome.counts.items():
        if not count or (kind in MISSING and not (deletes or dry_run)):
            continue
        if kind not in MISSING or deletes:
            changes += count
        verb = "would be deleted" if kind in MISSING and deletes and dry_run else "deleted" if kind in MISSING else ""
        out.print(f"{kind.value}{f', {verb}' if deletes and verb else ''}: [bold]{count:,}[/]")
        if dry_run:
            for example in outcome.examples[kind]:
                out.print(f"    {example}", markup=False, soft_wrap=True)
            if count > len(outcome.examples[kind]):
                out.print(f"    … and more: {count - len(outcome.examples[kind]):,}")
    if not changes:
        out.print("Nothing would change." if dry_run else "[green]✓[/] The directory is as the file says already.")
    elif not dry_run:
        out.print("[green]✓[/] The directory is as the file says.")


@directories.command(
    epilog="Examples:\n\n[bold]msgcenter directory export --platform 420100 city.jsonl[/]\n\n"
    "[bold]msgcenter directory export --platform 420100 city.zip[/]"
)
def export(
    platform: Platform,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A .zip archive of CSV files, a folder for them (a name without ending), or else JSON lines. Without, "
            "JSON lines are printed.",
            metavar="FILE",
        ),
    ] = None,
    contacts: Annotated[
        bool,
        typer.Option("--contacts", help="Also write contact points, in clear. The audit log names who did."),
    ] = False,
) -> None:
    """Write a platform's directory to a file that `import` reads again."""
    from msgcenter.actions.directory.exporting import JsonLines, export_directory, open_target
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database_with_keys

    async def work(database: "Database", keys: "KeyRing") -> None:
        export = partial(export_directory, contacts=keys if contacts else None, by=command_actor())
        with progress_bar() as progress:
            bar = progress.add_task("Users", total=None)

            def on_count(count: int) -> None:
                progress.advance(bar, count)

            if file is None:
                await export(database, platform, JsonLines(sys.stdout.buffer), on_count)
                return
            with open_target(file, contacts=contacts) as writer:
                await export(database, platform, writer, on_count)

    on_database_with_keys(work)
    if file is None:
        sys.stdout.flush()
    else:
        out.print(f"[green]✓[/] The directory of platform {escape(platform)} is in {escape(str(file))}", soft_wrap=True)


@directories.command(epilog="Example: [bold]msgcenter directory show --platform 420100 school-1[/]")
def show(
    platform: Platform,
    org_id: Annotated[
        str | None, typer.Argument(help="Only this organisation, with all below it.", metavar="ORG_ID")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show a platform's organisations as a tree, with the number of their members by role."""
    from rich.tree import Tree

    from msgcenter.actions.channels.contacts import count_contacts
    from msgcenter.actions.directory.overview import read_tree
    from msgcenter.cli.database import on_database

    async def work(database: "Database") -> "tuple[list[OrgNode], dict[ContactKind, int]]":
        return await read_tree(database, platform, org_id), await count_contacts(database, platform)

    nodes, contacts = on_database(work)
    if json:
        print_json([_node_as_json(node) for node in nodes])
        return
    if not nodes:
        out.print(
            f"No organisations yet. Import some: {program()} directory import FILE --platform {platform}",
            markup=False,
            soft_wrap=True,
        )
        return
    for node in nodes:
        tree = Tree(_label(node), guide_style="dim")
        _grow(tree, node)
        out.print(tree)
    if contacts and org_id is None:
        out.print(f"Contact points: {', '.join(f'{kind} {count:,}' for kind, count in contacts.items())}")


def _grow(tree: "Tree", node: "OrgNode") -> None:
    for child in node.children:
        _grow(tree.add(_label(child)), child)


def _label(node: "OrgNode") -> str:
    roles = ", ".join(f"{role} {count:,}" for role, count in node.members.items())
    kind = f" [dim]{escape(node.kind)}[/]" if node.kind else ""
    return f"[bold]{escape(node.name)}[/] [cyan]{escape(node.org_id)}[/]{kind}{f'  {escape(roles)}' if roles else ''}"


def _node_as_json(node: "OrgNode") -> dict[str, Any]:
    return {
        "orgId": node.org_id,
        "kind": node.kind,
        "name": node.name,
        "members": node.members,
        "children": [_node_as_json(child) for child in node.children],
    }
