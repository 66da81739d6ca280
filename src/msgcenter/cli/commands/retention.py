"""`msgcenter retention …`: how long platforms keep their messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.console import counted, err, out, program, progress_bar

if TYPE_CHECKING:
    from msgcenter.actions.retention import OnProgress, Plan, Removed, Step
    from msgcenter.database.database import Database

retention = typer.Typer(help="Say how long messages are kept, and remove older ones.", no_args_is_help=True)

PlatformCode = Annotated[str, typer.Argument(help="The platform's code.", metavar="PLATFORM")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
_COLUMNS = {"messages": "messages", "entries": "in mailboxes", "audiences": "audiences", "feed_rows": "in feed"}
"""What a terminal has room for; --json tells the rest."""


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False))


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()


@retention.command()
def show(json: AsJson = False) -> None:
    """Show how long each platform keeps its messages."""
    from rich.table import Table

    from msgcenter.actions.retention import rules
    from msgcenter.cli.database import on_database

    found = on_database(rules)
    if json:
        _print_json([{"platformCode": code, "days": days} for code, days in found])
    elif found:
        table = Table("platform", "messages are kept")
        for code, days in found:
            table.add_row(escape(code), "for ever" if days is None else counted(days, "day"))
        out.print(table)
    else:
        made_by = f"{program()} app create --name NAME --platform CODE"
        out.print(f"No platforms yet. One is made with its first app: {made_by}", markup=False, soft_wrap=True)


@retention.command("set", epilog="Example: [bold]msgcenter retention set 420100 365[/]")
def set_days(
    platform: PlatformCode,
    days: Annotated[int, typer.Argument(help="Days, 1 to 36500.", metavar="DAYS")],
) -> None:
    """Let a platform keep its messages for so many days.

    Older ones go within an hour while a server runs, or with `retention run`: in blocks of about 25 days, so a
    message may stay up to that much longer.
    """
    from msgcenter.actions.retention import set_days as apply
    from msgcenter.cli.actor import operator_here
    from msgcenter.cli.database import on_database

    on_database(lambda database: apply(database, platform, days, by=operator_here()))
    out.print(
        f"[green]✓[/] Platform [bold]{escape(platform)}[/] keeps its messages for {counted(days, 'day')}. "
        f"What would go now: {escape(program())} retention run --dry-run",
        soft_wrap=True,
    )


@retention.command()
def keep(platform: PlatformCode) -> None:
    """Let a platform keep its messages for ever."""
    from msgcenter.actions.retention import set_days as apply
    from msgcenter.cli.actor import operator_here
    from msgcenter.cli.database import on_database

    on_database(lambda database: apply(database, platform, None, by=operator_here()))
    out.print(f"[green]✓[/] Platform [bold]{escape(platform)}[/] keeps its messages for ever.", soft_wrap=True)


@retention.command(epilog="Example: [bold]msgcenter retention run --dry-run[/]")
def run(
    platform: Annotated[str | None, typer.Option(help="Only this platform's messages.", metavar="CODE")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Remove what platforms keep no longer; the servers may go on meanwhile.

    Servers do so by themselves, every hour. What is cut off is done by the next run.
    """
    from msgcenter.cli.database import on_database

    outcomes = on_database(lambda database: _run(database, platform, dry_run=dry_run))
    if json:
        _print_json([_as_json(plan, removed, dry_run=dry_run) for plan, removed in outcomes])
    elif outcomes:
        _show(outcomes, dry_run=dry_run)
    else:
        who = "Every platform" if platform is None else f"Platform {platform}"
        out.print(
            f"{who} keeps its messages for ever. Change that: {program()} retention set PLATFORM DAYS",
            markup=False,
            soft_wrap=True,
        )


async def _run(database: "Database", platform: str | None, *, dry_run: bool) -> "list[tuple[Plan, Removed]]":
    from msgcenter.actions.maintenance import clean_up
    from msgcenter.actions.retention import in_turn, plans, remove
    from msgcenter.cli.actor import operator_here

    if dry_run:
        with _watched() as watch:
            found = await plans(database, platform)
            return [(plan, await remove(database, plan, dry_run=True, on_progress=watch(plan))) for plan in found]
    told: list[str] = []

    def on_wait() -> None:
        if not told:
            told.append("Another process is removing old messages; this one waits for it…")
            err.print(told[0])

    async with in_turn(database, on_wait):
        with _watched() as watch:
            found = await plans(database, platform)
            by = operator_here()
            outcomes = [(plan, await remove(database, plan, on_progress=watch(plan), by=by)) for plan in found]
    await clean_up(database)
    return outcomes


@contextmanager
def _watched() -> "Iterator[_Watch]":
    with progress_bar() as progress:
        yield _Watch(progress)


class _Watch:
    """A progress bar for each platform: its users whose mailboxes are done."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress

    def __call__(self, plan: "Plan") -> "OnProgress":
        bar = self._progress.add_task(plan.platform_code, total=None)

        def on_progress(step: "Step", done: int, users: int) -> None:
            self._progress.update(bar, description=f"{plan.platform_code}: {step}", completed=done, total=users)

        return on_progress


def _as_json(plan: "Plan", removed: "Removed", *, dry_run: bool) -> dict[str, Any]:
    return {
        "platformCode": plan.platform_code,
        "days": plan.days,
        "before": _day(plan.before),
        "dryRun": dry_run,
        **{_camel(name): number for name, number in asdict(removed).items()},
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _show(outcomes: "list[tuple[Plan, Removed]]", *, dry_run: bool) -> None:
    from rich.table import Table

    table = Table("platform", "from before", title="Would go" if dry_run else "Gone", title_justify="left")
    for column in _COLUMNS.values():
        table.add_column(column, justify="right")
    for plan, removed in outcomes:
        counts = asdict(removed)
        table.add_row(escape(plan.platform_code), _day(plan.before), *(f"{counts[name]:,}" for name in _COLUMNS))
    out.print(table)
