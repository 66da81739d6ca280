"""Status calls beside a channel broadcast: `python -m bench.channels`.

A message to everyone on a platform is mailed to those who have not read it, at a gateway's rate, by the process that
answers the calls. Round after round, modMsgStatus is measured at 70 % of the highest rate of the moment, without the
broadcast and beside it. The mails go to a server in a process of its own.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table

from bench.api import SUCCESS, Api, must_succeed, post
from bench.databases import Postgres, connected, own_database
from bench.load import run
from bench.load_client import Outcome, Plan
from bench.mailboxes import filled_in_groups, users
from bench.product import PLATFORM, product
from bench.steps import IDS_PER_CALL, StatusStep, status_step
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.mailboxes.users import import_users
from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import label_of, parse_config
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.domain.channels.sealing import contact_binding, gateway_binding
from msgcenter.domain.message_id import now_ms
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import contacts, gateways
from msgcenter.store.channels.contacts import SealedContact

_SECRET = "a secret key of the benchmark only, 32 characters"  # noqa: S105 - no secret
_SHARE_OF_HIGHEST = 0.7
_READERS = 500
_MESSAGES = 64
_CONTACTS_PER_STATEMENT = 2_000
_STOP_SECONDS = 4.0
_WARM_UP = 1.0
_HIGHEST_SECONDS = 3.0
_FAR = 1 << 53


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m bench.channels", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help="known users with a mail address (%(default)s)")
    parser.add_argument("--rate", type=float, default=10, help="mails per second (%(default)s, as a new gateway has)")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of measurements (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="msgcenter-channels-") as name,
        embedded_postgres(Path(name) / "data") as url,
    ):
        asyncio.run(_measure(url, Path(name), options))


async def _measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    async with (
        mail_sink() as sink,
        own_database(url, "msgcenter_channels") as database_url,
        product(database_url, folder, workers=1, SECRET_KEY=_SECRET, WEBHOOK_ALLOW="127.0.0.0/8") as api,
        connected(database_url) as postgres,
        Database(database_url, connections=2) as database,
    ):
        mailboxes = await filled_in_groups(api, users("reader", _READERS), _MESSAGES)
        step = status_step("b", "", api, mailboxes, slice(IDS_PER_CALL))
        await _prepare(database, sink.port, options)
        await postgres.vacuum()
        broadcast = Broadcast(database, sink)
        await broadcast.send(api)
        await Rounds(postgres, step, broadcast, options).run()


class MailSink:
    """The mail server at `port`, a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def mails(self) -> int:
        """Return the number of mails so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def mail_sink() -> AsyncIterator[MailSink]:
    """Run the mail server until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.mail_sink"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield MailSink(process, int(await process.stdout.readline()))
    finally:
        process.terminate()
        await process.wait()


async def _prepare(database: Database, port: int, options: argparse.Namespace) -> None:
    """Make users known, with a mail address each, and set the platform's gateway."""
    user_ids = [f"known-{number:07}" for number in range(options.users)]
    await import_users(database, PLATFORM, user_ids, lambda _: None)
    keys = KeyRing(_SECRET)
    async with database.connection() as connection:
        platform = (await find_platforms(connection))[PLATFORM]
        for start in range(0, len(user_ids), _CONTACTS_PER_STATEMENT):
            sealed = list(_sealed(keys, user_ids[start : start + _CONTACTS_PER_STATEMENT]))
            await contacts.write(connection, platform.first_cell, sealed, app_number=None, now=1)
        config = parse_config(
            "email", "smtp", {"host": "127.0.0.1", "port": str(port), "security": "none", "from": "no-reply@a.example"}
        )
        await gateways.save(
            connection,
            PLATFORM,
            "email",
            provider="smtp",
            label=label_of(config),
            config_sealed=keys.seal_value(
                "gateway", gateway_binding(PLATFORM, "email"), msgspec.json.encode(fields_of(config)).decode()
            ),
            rate=options.rate,
            daily_limit=None,
            now=now_ms(),
        )


def _sealed(keys: KeyRing, user_ids: list[str]) -> Iterator[SealedContact]:
    for user_id in user_ids:
        address = f"{user_id}@school.example"
        yield SealedContact(
            user_id, "email", keys.seal_value("contact", contact_binding(PLATFORM, user_id, "email"), address)
        )


class Broadcast:
    """A message to everyone that is mailed, and can be halted."""

    def __init__(self, database: Database, sink: MailSink) -> None:
        self._database = database
        self.sink = sink

    async def send(self, api: Api) -> None:
        """Send the message, and halt its mails."""
        await asyncio.sleep(2.5)  # the server remembers for two seconds that there is no gateway
        body = {"toAll": True, "msgtype": "text", "text": {"content": "News"}, "channels": ["email"], "channelDelay": 0}
        request = post(api.server, f"/msgCenter/message/sendMsg?accessToken={api.token}", msgspec.json.encode(body))
        await api.call_all([request], expect=SUCCESS)
        await self.run(running=True)
        await self.run(running=False)

    async def run(self, *, running: bool) -> None:
        """Let mails flow, or halt them. Then wait until that is so."""
        async with asyncio.timeout(60):
            while True:
                await self._set(running=running)
                await asyncio.sleep(0 if running else _STOP_SECONDS)
                before = await self.sink.mails()
                await asyncio.sleep(1)
                # A mail that was on its way may have told the gateway to go on.
                if (await self.sink.mails() > before) == running:
                    return

    async def _set(self, *, running: bool) -> None:
        async with self._database.connection() as connection:
            # The change ends the lease; without it, the process would go on.
            await connection.execute(
                "update channel_gateway set paused_until = $1, changed_at = changed_at + $2::int",
                None if running else _FAR,
                int(not running),
            )


class Rounds:
    """Measurements without and beside the broadcast, in turn."""

    def __init__(self, postgres: Postgres, step: StatusStep, broadcast: Broadcast, options: argparse.Namespace) -> None:
        self._postgres = postgres
        self._step = step
        self._broadcast = broadcast
        self._options = options
        self._sent = 0
        self._console = Console(stderr=True)

    async def run(self) -> None:
        """Measure, and print the table."""
        outcomes: dict[bool, list[Outcome]] = {False: [], True: []}
        rates: list[float] = []
        mails = 0
        await self._load(None)  # not counted: the first load after the import is slower
        for number in range(self._options.rounds):
            # Anew in each round: on a noisy machine, what is 70 % now may be more than all a moment later.
            highest = await self._load(None)
            rates.append(_SHARE_OF_HIGHEST * highest.counted / highest.seconds)
            for running in (False, True) if number % 2 else (True, False):
                outcome, sent = await self._measure(rates[-1], running=running)
                outcomes[running].append(outcome)
                mails += sent
                title = "beside a broadcast" if running else "alone"
                self._console.print(f"round {number + 1}, {title}: p99 {outcome.p99_ms:.1f} ms", style="dim")
        seconds = self._options.rounds * (self._options.seconds + _WARM_UP)
        self._print(median(rates), outcomes[False], outcomes[True], mails / seconds)

    async def _measure(self, rate: float, *, running: bool) -> tuple[Outcome, int]:
        """Measure at a rate; return also how many mails were sent meanwhile."""
        if running:
            await self._broadcast.run(running=True)
        before = await self._broadcast.sink.mails()
        outcome = await self._load(rate)
        sent = await self._broadcast.sink.mails() - before
        if running:
            await self._broadcast.run(running=False)
        assert running or not sent, "the broadcast was not halted"
        return outcome, sent

    async def _load(self, rate: float | None) -> Outcome:
        await self._postgres.checkpoint()
        server = self._step.server
        outcome = await run(
            Plan(
                host=server.host,
                port=server.port,
                requests=self._step.requests,
                connections=64,
                expect=self._step.expect,
                start=self._sent,
                warm_up=_WARM_UP,
                seconds=_HIGHEST_SECONDS if rate is None else self._options.seconds,
                rate=rate,
            )
        )
        must_succeed(outcome)
        self._sent += outcome.sent
        return outcome

    @staticmethod
    def _print(rate: float, alone: list[Outcome], beside: list[Outcome], mails: float) -> None:
        table = Table("", "p50 ms", "p99 ms", title=f"modMsgStatus at {rate:,.0f} calls/s", title_justify="left")
        for title, outcomes in (("alone", alone), (f"beside {mails:.1f} mails/s", beside)):
            table.add_row(
                title,
                f"{median(outcome.p50_ms for outcome in outcomes):.2f}",
                f"{median(outcome.p99_ms for outcome in outcomes):.2f}",
            )
        ratios = sorted(with_.p99_ms / without.p99_ms for without, with_ in zip(alone, beside, strict=True))
        table.add_row(
            "beside : alone, p99", "", f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})", style="bold"
        )
        Console().print(table)


if __name__ == "__main__":
    main()
