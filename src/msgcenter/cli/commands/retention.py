"""`msgcenter retention …`: set how long platforms keep messages, and remove old messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.console import err, out, print_json, program, progress_bar
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.actions.retention import OnProgress, Plan, Removed, Step
    from msgcenter.database.database import Database

retention = typer.Typer(help="Set how long platforms keep messages, and remove old messages.", no_args_is_help=True)

PlatformCode = Annotated[str, typer.Argument(help="The platform's code.", metavar="PLATFORM")]
_COLUMNS = {"messages": "messages", "entries": "in mailboxes", "audiences": "audiences", "feed_rows": "in feed"}
"""The counts that fit a terminal; --json has all."""


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()


@retention.command()
def show(json: AsJson = False) -> None:
    """Show how long each platform keeps messages."""
    from rich.table import Column, Table

    from msgcenter.actions.retention import rules
    from msgcenter.cli.database import on_database

    retention_rules = on_database(rules)
    if json:
        print_json([{"platformCode": code, "days": days} for code, days in retention_rules])
    elif retention_rules:
        table = Table("platform", Column("days kept", justify="right"))
        for code, days in retention_rules:
            table.add_row(escape(code), "forever" if days is None else str(days))
        out.print(table)
    else:
        command = f"{program()} app create --name NAME --platform CODE"
        out.print(f"No platforms yet. Create one with its first app: {command}", markup=False, soft_wrap=True)


@retention.command("set", epilog="Example: [bold]msgcenter retention set 420100 365[/]")
def set_days(
    platform: PlatformCode,
    days: Annotated[int, typer.Argument(help="Days, 1 to 36500.", metavar="DAYS")],
) -> None:
    """Keep a platform's messages for a number of days.

    A running server removes older messages within an hour, and so does `retention run`. They are removed in blocks of
    about 25 days, so a message may stay up to 25 days longer.
    """
    from msgcenter.actions.retention import set_days as apply
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database

    on_database(lambda database: apply(database, platform, days, by=command_actor()))
    out.print(
        f"[green]✓[/] Days that platform [bold]{escape(platform)}[/] keeps messages: {days}. "
        f"See what would be removed now: {escape(program())} retention run --dry-run",
        soft_wrap=True,
    )


@retention.command()
def keep(platform: PlatformCode) -> None:
    """Keep a platform's messages forever."""
    from msgcenter.actions.retention import set_days as apply
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database

    on_database(lambda database: apply(database, platform, None, by=command_actor()))
    out.print(f"[green]✓[/] Platform [bold]{escape(platform)}[/] keeps messages forever.", soft_wrap=True)


@retention.command(epilog="Example: [bold]msgcenter retention run --dry-run[/]")
def run(
    platform: Annotated[str | None, typer.Option(help="Only this platform's messages.", metavar="CODE")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Remove old messages now. Servers may keep running.

    Servers do this every hour by themselves. The next run completes an interrupted one.
    """
    from msgcenter.cli.database import on_database

    outcomes = on_database(lambda database: _run(database, platform, dry_run=dry_run))
    if json:
        print_json([_as_json(plan, removed, dry_run=dry_run) for plan, removed in outcomes])
    elif outcomes:
        _print_outcomes(outcomes, dry_run=dry_run)
    else:
        subject = "Every platform" if platform is None else f"Platform {platform}"
        out.print(
            f"{subject} keeps messages forever. Change that: {program()} retention set PLATFORM DAYS",
            markup=False,
            soft_wrap=True,
        )


async def _run(database: "Database", platform: str | None, *, dry_run: bool) -> "list[tuple[Plan, Removed]]":
    from msgcenter.actions.maintenance import clean_up
    from msgcenter.actions.retention import in_turn, plans, remove
    from msgcenter.cli.actor import command_actor

    if dry_run:
        with _progress_bars() as bar:
            return [
                (plan, await remove(database, plan, dry_run=True, on_progress=bar(plan)))
                for plan in await plans(database, platform)
            ]
    is_waiting = False

    def on_wait() -> None:
        nonlocal is_waiting
        if not is_waiting:
            is_waiting = True
            err.print("Waiting for another process that is removing old messages…")

    async with in_turn(database, on_wait):
        with _progress_bars() as bar:
            by = command_actor()
            outcomes = [
                (plan, await remove(database, plan, on_progress=bar(plan), by=by))
                for plan in await plans(database, platform)
            ]
    await clean_up(database)
    return outcomes


@contextmanager
def _progress_bars() -> "Iterator[_ProgressBars]":
    with progress_bar() as progress:
        yield _ProgressBars(progress)


class _ProgressBars:
    """One progress bar per platform, counting the users whose mailboxes are done."""

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


def _print_outcomes(outcomes: "list[tuple[Plan, Removed]]", *, dry_run: bool) -> None:
    from rich.table import Table

    table = Table("platform", "older than", title="Would be removed" if dry_run else "Removed", title_justify="left")
    for column in _COLUMNS.values():
        table.add_column(column, justify="right")
    for plan, removed in outcomes:
        counts = asdict(removed)
        table.add_row(escape(plan.platform_code), _day(plan.before), *(f"{counts[name]:,}" for name in _COLUMNS))
    out.print(table)
