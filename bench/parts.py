"""The parts of a run: servers with their steps, and how to verify them after the last round."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import truth, yardstick
from bench.api import Api
from bench.databases import connected, own_database
from bench.mailboxes import Mailbox, filled_in_groups, users
from bench.options import Options
from bench.product import product
from bench.server_process import Server
from bench.steps import (
    COUNTED,
    IDS_PER_CALL,
    UNCOUNTED,
    SendStep,
    StatusStep,
    Step,
    known_group_step,
    list_step,
    new_group_step,
    no_op_step,
    paced_step,
    single_send_step,
    status_step,
    unread_count_step,
    window_step,
)

PRODUCT = "the product"
MESSAGES_EACH = 64
_FIFTY = slice(IDS_PER_CALL)
_ONE = slice(IDS_PER_CALL, IDS_PER_CALL + 1)
_SINGLE_RECEIVERS = 10_000
_MARK_TITLE = f"modMsgStatus, {IDS_PER_CALL} ids"
_SEND_TITLE = "sendMsg to 1 receiver"
_LIST_TITLE = "inbox list and counts"


class Run(NamedTuple):
    """What the parts of a run share. `url` is its PostgreSQL, `folder` is temporary."""

    options: Options
    url: str
    folder: Path
    report_progress: Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """Steps, checks after the last round, and servers by name, whose memory is reported."""

    steps: list[Step]
    checks: list[truth.Check] = field(default_factory=list)
    servers: Mapping[str, Server] = field(default_factory=dict)


async def product_part(run: Run, api: Api, readers: list[Mailbox], deep: list[Mailbox]) -> Part:
    """Return the steps a to p of the product. The first half of the deep mailboxes is read, the other written."""
    options, sizes = run.options, run.options.sizes
    deep_readers, deep_receivers = deep[: sizes.deep_readers], deep[sizes.deep_readers :]
    mark = status_step("b", _MARK_TITLE, api, readers, _FIFTY)
    steps: list[Step] = [no_op_step(api, mark), mark]
    if "p" in options.only:
        run.report_progress("filling mailboxes for the step at a fixed rate")
        paced = await filled_in_groups(api, users("paced", sizes.readers), MESSAGES_EACH)
        steps.append(paced_step("p", mark, api, paced))
    steps.append(single_send_step("d", _SEND_TITLE, api, users("single", _SINGLE_RECEIVERS)))
    steps.append(status_step("g", "modMsgStatus, 1 id", api, readers, _ONE))
    if "f" in options.only:
        for messages in (sizes.small_mailbox, sizes.large_mailbox):
            run.report_progress(f"filling a mailbox with {messages:,} messages")
            steps.append(await unread_count_step(api, messages))
    steps.append(await list_step("i", _LIST_TITLE, api, deep_readers))
    steps.append(window_step(api, deep_readers))
    user_ids = [box.user_id for box in deep_receivers]
    deep_send = single_send_step("l", f"{_SEND_TITLE}, deep mailboxes", api, user_ids)
    deep_send.sent_before = sizes.messages
    steps += [deep_send, await known_group_step(api, sizes.group), new_group_step(api, sizes.group)]
    measured = [step for step in steps if step.key[0] in options.only]
    return Part(measured, _checks(PRODUCT, api, measured), {PRODUCT: api.server})


def _checks(name: str, api: Api, steps: Sequence[Step]) -> list[truth.Check]:
    """Return the checks of status changes, one for each set of mailboxes, and of sends."""
    by_mailboxes: dict[str, list[StatusStep]] = {}
    for step in steps:
        if isinstance(step, StatusStep):
            by_mailboxes.setdefault(step.mailboxes[0].user_id, []).append(step)
    checks: list[truth.Check] = [
        partial(_status_check, f"{name}, {', '.join(step.title for step in same)}", api, same)
        for same in by_mailboxes.values()
    ]
    return checks + [partial(_send_check, name, api, step) for step in steps if isinstance(step, SendStep)]


async def _status_check(name: str, api: Api, steps: list[StatusStep]) -> str:
    return await truth.verify(name, api, truth.unread_after_changes(steps), sum(step.sent for step in steps))


async def _send_check(name: str, api: Api, step: SendStep) -> str:
    return await truth.verify(f"{name}, {step.title}", api, truth.unread_after_sends(step), step.sent)


@asynccontextmanager
async def yardstick_part(run: Run, readers: list[Mailbox]) -> AsyncIterator[tuple[Part, float]]:
    """Yield the step of the yardstick, and its bytes per row before the load."""
    async with (
        own_database(run.url, "msgcenter_yardstick") as url,
        yardstick.yardstick(url, readers, run.folder, workers=run.options.workers) as rows,
    ):
        async with connected(url) as postgres:
            sizes = await postgres.table_sizes()
        title = f"the yardstick, {IDS_PER_CALL} ids: a row per message"
        step = status_step("c", title, rows, readers, _FIFTY)

        async def check() -> str:
            expected = truth.unread_after_changes([step])
            unread = await yardstick.unread_counts(url, list(expected))
            return truth.compare("the yardstick", expected, unread, step.sent)

        yield Part([step], [check]), sizes["user_message"].total / (len(readers) * MESSAGES_EACH)


@asynccontextmanager
async def statistics_part(run: Run) -> AsyncIterator[Part]:
    """Yield the steps of two identical servers with separate databases, with and without call statistics."""
    steps: list[Step] = []
    checks: list[truth.Check] = []
    async with AsyncExitStack() as stack:
        for name, title in ((COUNTED, "counted"), (UNCOUNTED, "not counted")):
            switch = name.removeprefix("h ")
            url = await stack.enter_async_context(own_database(run.url, f"msgcenter_statistics_{switch}"))
            server = product(url, run.folder, workers=run.options.workers, STATISTICS=switch)
            api = await stack.enter_async_context(server)
            run.report_progress(f"filling mailboxes of a server with calls {title}")
            mailboxes = await filled_in_groups(api, users("reader", run.options.sizes.readers), MESSAGES_EACH)
            step = status_step(name, f"{_MARK_TITLE}, {title}", api, mailboxes, _FIFTY)
            steps.append(step)
            checks += _checks(title, api, [step])
        yield Part(steps, checks)


@asynccontextmanager
async def workers_part(run: Run) -> AsyncIterator[Part]:
    """Yield the most important steps of a server with twice as many workers, which has its own database."""
    workers = 2 * run.options.workers
    async with (
        own_database(run.url, "msgcenter_workers") as url,
        _same_steps(run, url, "w", f"{workers} workers", workers) as part,
    ):
        yield part


@asynccontextmanager
async def database_part(run: Run, url: str) -> AsyncIterator[Part]:
    """Yield the most important steps of a server on another PostgreSQL, whose database at `url` is empty."""
    async with (
        connected(url) as postgres,
        _same_steps(run, url, "v", "other PostgreSQL", run.options.workers) as part,
    ):
        for step in part.steps:
            step.postgres = postgres
        yield part


@asynccontextmanager
async def _same_steps(run: Run, url: str, letter: str, name: str, workers: int) -> AsyncIterator[Part]:
    """Yield steps like b, d and i on another server, in mailboxes of the same sizes."""
    sizes = run.options.sizes
    async with product(url, run.folder, workers=workers) as api:
        run.report_progress(f"filling mailboxes of another server: {name}")
        readers = await filled_in_groups(api, users("reader", sizes.readers), MESSAGES_EACH)
        deep = await filled_in_groups(api, users("class", sizes.deep_readers), sizes.messages)
        receivers = users("single", _SINGLE_RECEIVERS)
        steps = [
            status_step(f"{letter} mark", f"{_MARK_TITLE}, {name}", api, readers, _FIFTY),
            single_send_step(f"{letter} send", f"{_SEND_TITLE}, {name}", api, receivers),
            await list_step(f"{letter} list", f"{_LIST_TITLE}, {name}", api, deep),
        ]
        yield Part(steps, _checks(name, api, steps), {name: api.server})
