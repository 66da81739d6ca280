"""Print a report as tables."""

from rich.console import Console
from rich.table import Table

from bench.report import COMPARISONS, Report, promises, ratio

_WIDTH = 150
"""Columns of output that is not a terminal."""
_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "not measured"}


def show(report: Report) -> None:
    """Print all tables of a report."""
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    for name, value in report.machine.items():
        console.print(f"[dim]{name}:[/] {value}", highlight=False)
    for table in _tables(report):
        console.print()
        console.print(table)
    console.print()
    for line in report.verified:
        console.print(line, highlight=False)


def _tables(report: Report) -> list[Table]:
    tables = [_steps(report), _comparisons(report), _disk(report), _memory(report), _promises(report)]
    return [table for table in tables if table.row_count]


def _steps(report: Report) -> Table:
    table = Table(title="Load: medians of all rounds", title_justify="left")
    table.add_column("step", no_wrap=True)
    table.add_column("what", no_wrap=True)
    for heading in ("req/s", "spread", "p50 ms", "p99 ms", "of a", "× c", "WAL B/call", "CPU µs", "client"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key, figures in report.steps.items():
        result = figures.median
        to_no_op, to_yardstick = ratio(report.steps, key, "a"), ratio(report.steps, key, "c")
        table.add_row(
            key[0],
            figures.title,
            f"{result.per_second:,.0f}",
            f"{figures.spread:.0%}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            "–" if to_no_op is None else f"{to_no_op:.0%}",
            "–" if to_yardstick is None or key[0] not in "bcgj" else f"{to_yardstick:.2f}",
            f"{result.wal_bytes_per_call:,.0f}",
            f"{result.server_us_per_call:,.0f}",
            f"{result.client_busy:.0%}",
        )
    return table


def _disk(report: Report) -> Table:
    disk = report.disk
    table = Table(title=f"Disk growth, delivered messages: {disk.deliveries:,}", title_justify="left")
    table.add_column("table")
    for heading in ("heap", "indexes", "bytes per delivery"):
        table.add_column(heading, justify="right")
    for size in disk.tables:
        table.add_row(size.name, f"{size.heap:,}", f"{size.indexes:,}", f"{size.total / disk.deliveries:.2f}")
    table.add_section()
    table.add_row("all", "", "", f"{disk.bytes_per_delivery:.2f}")
    table.add_row("all, before VACUUM", "", "", f"{disk.raw_bytes / disk.deliveries:.2f}")
    table.add_row("WAL written", "", "", f"{disk.wal_bytes / disk.deliveries:.2f}")
    if report.yardstick_bytes_per_row is not None:
        table.add_row("the yardstick, freshly loaded", "", "", f"{report.yardstick_bytes_per_row:.2f}")
    return table


def _comparisons(report: Report) -> Table:
    table = Table(title="Rates of servers in the same run", title_justify="left")
    table.add_column("server")
    for heading in ("status change", "send", "list and counts"):
        table.add_column(heading, justify="right")
    for comparison in COMPARISONS:
        ratios = [ratio(report.steps, key, to) for key, to in comparison.steps]
        if ratios != [None] * len(ratios):
            table.add_row(comparison.title, *("–" if value is None else f"{value:.2f} ×" for value in ratios))
    return table


def _memory(report: Report) -> Table:
    table = Table(title="Memory after the load", title_justify="left")
    table.add_column("server")
    table.add_column("MiB per worker", justify="right")
    for name, sizes in report.worker_rss_mib.items():
        table.add_row(name, ", ".join(f"{size:.0f}" for size in sizes))
    return table


def _promises(report: Report) -> Table:
    table = Table(title="Promises", title_justify="left")
    table.add_column("promise")
    table.add_column("to reach", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("reached")
    for promise in promises(report):
        table.add_row(promise.figure, promise.target, promise.measured, _MARKS[promise.reached])
    return table
