"""One run of the benchmark: prepare, measure, check, report."""

import asyncio
import os
import platform
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import truth, yardstick
from bench.api import Api
from bench.databases import Postgres, connected, own_database, sync_milliseconds
from bench.disk import growth
from bench.mailboxes import Mailbox, filled_in_groups, users
from bench.options import Options
from bench.product import product
from bench.report import Figures, Report
from bench.rounds import measure, typical
from bench.steps import (
    COUNTED,
    IDS_PER_CALL,
    UNCOUNTED,
    StatusStep,
    Step,
    group_send_step,
    no_op_step,
    single_send_step,
    status_step,
    unread_count_step,
)
from msgcenter.database.embedded.postgres import embedded_postgres

_READERS = 2_000
_MESSAGES_EACH = 64
_SMALL_MAILBOX = 1_000
_FIFTY = slice(IDS_PER_CALL)
_ONE = slice(IDS_PER_CALL, IDS_PER_CALL + 1)

ReportProgress = Callable[[str], None]


def benchmark(options: Options, report_progress: ReportProgress) -> Report:
    """Run the benchmark and return its report. `report_progress` is called with a progress line for each part."""
    with tempfile.TemporaryDirectory(prefix="msgcenter-bench-", dir=options.folder) as name:
        folder = Path(name)
        with _postgres(options, folder) as url:
            return asyncio.run(_run(options, url, folder, report_progress))


@contextmanager
def _postgres(options: Options, folder: Path) -> Iterator[str]:
    if options.database_url is not None:
        yield options.database_url
        return
    with embedded_postgres(folder) as url:
        yield url


async def _run(options: Options, url: str, folder: Path, report_progress: ReportProgress) -> Report:
    async with (
        own_database(url, "msgcenter_bench") as product_url,
        own_database(url, "msgcenter_yardstick") as rows_url,
        product(product_url, folder, workers=options.workers) as api,
        connected(product_url) as postgres,
    ):
        machine = await _machine(options, postgres, folder)
        report_progress(f"sending {options.messages:,} messages to 1,000 receivers each")
        disk = await growth(api, postgres, options.messages)
        report_progress(f"filling {_READERS:,} mailboxes with {_MESSAGES_EACH} messages each")
        mailboxes = await filled_in_groups(api, users("reader", _READERS), _MESSAGES_EACH)
        async with (
            _yardstick(options, rows_url, mailboxes, folder) as rows,
            _twins(options, url, folder, report_progress) as twins,
        ):
            bytes_per_row = await _bytes_per_row(rows_url, mailboxes) if rows else None
            steps = await _prepared(options, api, rows, mailboxes, report_progress)
            steps += twins
            await measure(steps, postgres, options, report_progress)
            return Report(
                machine=machine,
                options={name: str(value) for name, value in asdict(options).items()},
                steps={step.key: Figures(step.title, typical(step.results), step.results) for step in steps},
                disk=disk,
                yardstick_bytes_per_row=bytes_per_row,
                worker_rss_mib=api.server.worker_rss_mib(),
                verified=await _verified(steps, api, rows_url),
            )


@asynccontextmanager
async def _yardstick(options: Options, url: str, mailboxes: list[Mailbox], folder: Path) -> AsyncIterator[Api | None]:
    if "c" not in options.only:
        yield None
        return
    async with yardstick.yardstick(url, mailboxes, folder, workers=options.workers) as rows:
        yield rows


@asynccontextmanager
async def _twins(
    options: Options, url: str, folder: Path, report_progress: ReportProgress
) -> AsyncIterator[list[StatusStep]]:
    """Yield the steps of two identical servers with separate databases, with and without call statistics."""
    if "h" not in options.only:
        yield []
        return
    async with AsyncExitStack() as stack:
        steps = []
        for name, title in ((COUNTED, "counted"), (UNCOUNTED, "not counted")):
            switch = name.removeprefix("h ")
            database_url = await stack.enter_async_context(own_database(url, f"msgcenter_statistics_{switch}"))
            server = product(database_url, folder, workers=options.workers, STATISTICS=switch)
            api = await stack.enter_async_context(server)
            report_progress(f"filling {_READERS:,} mailboxes of a server with calls {title}")
            mailboxes = await filled_in_groups(api, users("reader", _READERS), _MESSAGES_EACH)
            steps.append(status_step(name, f"modMsgStatus, {IDS_PER_CALL} ids, {title}", api, mailboxes, _FIFTY))
        yield steps


async def _bytes_per_row(url: str, mailboxes: list[Mailbox]) -> float:
    async with connected(url) as postgres:
        sizes = await postgres.table_sizes()
    return sizes["user_message"].total / sum(len(box.message_ids) for box in mailboxes)


async def _prepared(
    options: Options, api: Api, rows: Api | None, mailboxes: list[Mailbox], report_progress: ReportProgress
) -> list[Step]:
    fifty = status_step("b", f"modMsgStatus, {IDS_PER_CALL} ids", api, mailboxes, _FIFTY)
    steps: list[Step] = [no_op_step(api, fifty), fifty]
    if rows is not None:
        steps.append(status_step("c", "the yardstick, 50 ids: a row per message", rows, mailboxes, _FIFTY))
    steps += [single_send_step(api), group_send_step(api), status_step("g", "modMsgStatus, 1 id", api, mailboxes, _ONE)]
    if "f" in options.only:
        for messages in (_SMALL_MAILBOX, options.large_mailbox):
            report_progress(f"filling a mailbox with {messages:,} messages")
            steps.append(await unread_count_step(api, messages))
    # Sends to a thousand recipients leave the most dirty pages, so they are last in a round.
    return sorted((step for step in steps if step.key[0] in options.only), key=lambda step: step.key == "e")


async def _verified(steps: list[Step], api: Api, rows_url: str) -> list[str]:
    lines = []
    status_steps = [step for step in steps if isinstance(step, StatusStep)]
    ours = [step for step in status_steps if step.api is api]
    if ours:
        lines.append(truth.compare("the product", ours, await truth.product_counts(api, ours)))
    lines += [
        truth.compare(twin.title, [twin], await truth.product_counts(twin.api, [twin]))
        for twin in status_steps
        if twin.key in {COUNTED, UNCOUNTED}
    ]
    theirs = [step for step in status_steps if step.key == "c"]
    if theirs:
        sample = [theirs[0].mailboxes[number].user_id for number in truth.sample_of(theirs)]
        lines.append(truth.compare("the yardstick", theirs, await yardstick.unread_counts(rows_url, sample)))
    return lines


async def _machine(options: Options, postgres: Postgres, folder: Path) -> dict[str, str]:
    settings = await postgres.settings()
    return {
        "machine": f"{os.cpu_count()} cores, {platform.platform(terse=True)}, Python {platform.python_version()}",
        "PostgreSQL": ", ".join(f"{name} {value}" for name, value in settings.items()),
        "one durable write of a page in the temporary folder": f"{sync_milliseconds(folder):.2f} ms",
        "load": f"{options.connections} connections, {options.workers} worker(s), "
        f"{options.rounds} round(s) of {options.seconds:g} s",
    }
