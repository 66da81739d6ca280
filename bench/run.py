"""One run of the benchmark: prepare, measure, check, report."""

import asyncio
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.databases import Postgres, connected, own_database, sync_milliseconds
from bench.disk import fill_class
from bench.mailboxes import filled_in_groups, users
from bench.options import Options
from bench.parts import (
    MESSAGES_EACH,
    Part,
    Run,
    database_part,
    product_part,
    statistics_part,
    workers_part,
    yardstick_part,
)
from bench.peer.server import peer_part
from bench.product import product
from bench.report import Figures, Report
from bench.rounds import measure, typical
from bench.steps import Step
from msgcenter.database.embedded.postgres import embedded_postgres

ReportProgress = Callable[[str], None]


def benchmark(options: Options, report_progress: ReportProgress) -> Report:
    """Run the benchmark and return its report. `report_progress` is called with a progress line for each part."""
    with tempfile.TemporaryDirectory(prefix="msgcenter-bench-", dir=options.folder) as name:
        folder = Path(name)
        with _postgres(options, folder) as url:
            return asyncio.run(_benchmark(Run(options, url, folder, report_progress)))


@contextmanager
def _postgres(options: Options, folder: Path) -> Iterator[str]:
    if options.database_url is not None:
        yield options.database_url
        return
    with embedded_postgres(folder) as url:
        yield url


async def _benchmark(run: Run) -> Report:
    options, sizes = run.options, run.options.sizes
    async with (
        own_database(run.url, "msgcenter_bench") as product_url,
        product(product_url, run.folder, workers=options.workers) as api,
        connected(product_url) as postgres,
        AsyncExitStack() as stack,
    ):
        machine = await _machine(options, postgres, run.folder)
        run.report_progress(f"sending {sizes.messages:,} messages to {sizes.group:,} receivers each")
        filled = await fill_class(api, postgres, sizes)
        run.report_progress(f"filling {sizes.readers:,} mailboxes with {MESSAGES_EACH} messages each")
        readers = await filled_in_groups(api, users("reader", sizes.readers), MESSAGES_EACH)
        bytes_per_row = None
        parts = [await product_part(run, api, readers, filled.mailboxes)]
        if "c" in options.only:
            part, bytes_per_row = await stack.enter_async_context(yardstick_part(run, readers))
            parts.append(part)
        parts += await _other_parts(run, stack)
        steps = sorted((step for part in parts for step in part.steps), key=_place_in_round)
        await measure(steps, postgres, options, run.report_progress)
        by_key = sorted(steps, key=lambda step: step.key[0])
        return Report(
            machine=machine,
            options={name: str(value) for name, value in asdict(options).items()},
            steps={step.key: Figures(step.title, typical(step.results), step.results) for step in by_key},
            disk=filled.growth,
            yardstick_bytes_per_row=bytes_per_row,
            worker_rss_mib={name: s.worker_rss_mib() for part in parts for name, s in part.servers.items()},
            verified=[await check() for part in parts for check in part.checks],
        )


async def _other_parts(run: Run, stack: AsyncExitStack) -> list[Part]:
    """Enter the parts that the options name."""
    options = run.options
    parts = []
    if "h" in options.only:
        parts.append(await stack.enter_async_context(statistics_part(run)))
    if options.compare_workers:
        parts.append(await stack.enter_async_context(workers_part(run)))
    if options.compare_database is not None:
        parts.append(await stack.enter_async_context(database_part(run, options.compare_database)))
    if options.peer:
        parts.append(await stack.enter_async_context(peer_part(run)))
    return parts


def _place_in_round(step: Step) -> bool:
    """Sends to whole classes leave the most dirty pages, so they are last in a round."""
    return step.key in {"e", "k"}


async def _machine(options: Options, postgres: Postgres, folder: Path) -> dict[str, str]:
    settings = await postgres.settings()
    return {
        "machine": f"{os.cpu_count()} cores, {platform.platform(terse=True)}, Python {platform.python_version()}",
        "PostgreSQL": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "one durable write of a page in the temporary folder": f"{sync_milliseconds(folder):.2f} ms",
        "load": f"{options.connections} connections, {options.workers} worker(s), "
        f"{options.rounds} round(s) of {options.seconds:g} s",
    }
