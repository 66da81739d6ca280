"""Delivers webhooks: one dispatcher in every server process.

A dispatcher takes webhooks that something is due for by a lease, so each is worked on by one process at a time and in
order. What becomes of a delivery is written down after its POST, so a process that is killed in between leaves it to be
posted again: at least once.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import get_args

import structlog

from msgcenter.database.database import Connection, Database
from msgcenter.delivery.guarded_network import Resolve
from msgcenter.delivery.webhook_post import Poster
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook_schedule import Outcome, Schedule, Verdict
from msgcenter.store.webhooks import deliveries
from msgcenter.store.webhooks.deliveries import Lease, Task

_log = structlog.get_logger(__name__)
_STATEMENTS_AT_ONCE = 3
"""Of the pool's connections webhooks use this many at most, so that calls never wait for them."""
_GRACE_SECONDS = 5

OpenSecret = Callable[[str, bytes], str]
"""Opens what a webhook's secret was sealed to, given the webhook's id."""


class WebhookDispatcher:
    """Delivers webhooks until `stop` is called, also across losses of the database.

    `attempts` are the POSTs of this process so far, by what came of them.
    """

    def __init__(
        self,
        database: Database,
        open_secret: OpenSecret,
        *,
        resolve: Resolve,
        rules: AddressRules,
        schedule: Schedule | None = None,
    ) -> None:
        self._database = database
        self._open_secret = open_secret
        self._schedule = schedule or Schedule()
        self._poster = Poster(resolve, rules, timeout=self._schedule.timeout / 1_000)
        self._holder = secrets.token_hex(8)
        self.attempts: dict[Verdict, int] = dict.fromkeys(get_args(Verdict), 0)
        self._turns: dict[asyncio.Task[None], bool] = {}
        self._statements = asyncio.Semaphore(_STATEMENTS_AT_ONCE)
        self._stopping = asyncio.Event()
        self._again = asyncio.Event()

    def stop(self) -> None:
        """Let running POSTs come to their end, for a few seconds, and begin no new ones."""
        self._stopping.set()
        self._again.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        async with self._poster:
            while not self._stopping.is_set():
                self._again.clear()
                try:
                    await self._begin_turns()
                except Refusal as refusal:
                    _log.warning("webhooks wait for the database", reason=repr(refusal.__cause__ or refusal))
                except Exception:
                    _log.exception("webhooks are not delivered just now")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._again.wait(), self._schedule.poll / 1_000)
            await self._end_turns()

    async def _begin_turns(self) -> None:
        """Take as many webhooks as there is room for. Those that failed last have places of their own."""
        for failing, places in ((False, self._schedule.slots), (True, self._schedule.failing_slots)):
            room = places - sum(kind is failing for kind in self._turns.values())
            if room <= 0:
                continue
            now = now_ms()
            async with self._statements, self._database.connection() as connection:
                leases = await deliveries.claim(
                    connection, self._holder, failing=failing, limit=room, now=now, until=now + self._schedule.lease
                )
            for lease in leases:
                turn = asyncio.create_task(self._turn(lease))
                self._turns[turn] = failing
                turn.add_done_callback(self._turns.pop)

    async def _end_turns(self) -> None:
        turns = list(self._turns)
        if turns:
            _, late = await asyncio.wait(turns, timeout=_GRACE_SECONDS)
            for turn in late:
                turn.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(Refusal):
            async with self._database.connection() as connection:
                await deliveries.release_all(connection, self._holder, now_ms())

    async def _turn(self, lease: Lease) -> None:
        """Deliver what is due for a webhook, one POST after the other, until others must have their turn."""
        try:
            for _ in range(self._schedule.turn):
                task = None if self._stopping.is_set() else await self._take(lease)
                if task is None:
                    break
                await self._settle(lease, task, await self._post(task))
            else:
                self._again.set()
            async with self._statements, self._database.connection() as connection:
                await deliveries.release(connection, lease, now_ms())
        except Refusal as refusal:
            # The lease runs out, and whoever takes the webhook up then goes on with it.
            _log.warning("a webhook waits for the database", reason=repr(refusal.__cause__ or refusal))
        except Exception:
            _log.exception("a webhook is left alone for a while", webhook=lease.webhook_number)

    async def _take(self, lease: Lease) -> Task | None:
        async def write(connection: Connection) -> Task | None:
            now = now_ms()
            return await deliveries.take(connection, lease, now=now, until=now + self._schedule.lease)

        async with self._statements:
            return await self._database.in_transaction(write)

    async def _post(self, task: Task) -> Outcome:
        keys = [self._open_secret(task.webhook_id, sealed) for sealed in task.secrets_sealed]
        return await self._poster.post(task.url, task.delivery_id, task.body.encode(), keys)

    async def _settle(self, lease: Lease, task: Task, outcome: Outcome) -> None:
        self.attempts[outcome.verdict] += 1
        now = now_ms()
        settled = self._schedule.settle(task.history, outcome, now, random.random())  # noqa: S311 - spreads pauses

        async def write(connection: Connection) -> None:
            await deliveries.settle(connection, lease, task, outcome, settled, now=now)

        async with self._statements:
            await self._database.in_transaction(write)
        if settled.pause_reason is not None:
            _log.warning("a webhook is paused", webhook=task.webhook_id, reason=settled.pause_reason)
