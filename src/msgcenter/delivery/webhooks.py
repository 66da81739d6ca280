"""The delivery of webhooks: one dispatcher in every server process.

A dispatcher leases the webhooks that have due events, so one process at a time works on a webhook, in order. It stores
the outcome of a delivery after its POST. If a process is killed in between, the delivery is posted again: every event
is delivered at least once.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import get_args

import structlog

from msgcenter.database.database import Database
from msgcenter.delivery.webhook_post import Poster
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook_schedule import Outcome, Schedule, Verdict
from msgcenter.outbound.guarded_network import Resolve
from msgcenter.store.webhooks import deliveries, leases
from msgcenter.store.webhooks.deliveries import Task
from msgcenter.store.webhooks.leases import Lease

_log = structlog.get_logger(__name__)
_STATEMENTS_AT_ONCE = 3
"""Connections of the pool that webhooks use at most, so that calls do not wait for them."""
_GRACE_SECONDS = 5

OpenSecret = Callable[[str, bytes], str]
"""Returns a webhook's secret. Arguments: the webhook's id, the sealed secret."""


class WebhookDispatcher:
    """Delivers webhooks until `stop` is called. It survives outages of the database.

    `attempts` counts the POSTs of this process by verdict.
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
        self._claims = count()
        self.attempts: dict[Verdict, int] = dict.fromkeys(get_args(Verdict), 0)
        self._turns: dict[asyncio.Task[None], bool] = {}
        self._statements = asyncio.Semaphore(_STATEMENTS_AT_ONCE)
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Start no more POSTs, and give running ones a few seconds to finish."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Deliver until stopped."""
        async with self._poster:
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    await self._start_turns()
                except Refusal as refusal:
                    _log.warning("webhooks wait for the database", reason=repr(refusal.__cause__ or refusal))
                except Exception:
                    _log.exception("the webhook dispatcher failed and tries again")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._schedule.poll / 1_000)
            await self._end_turns()

    async def _start_turns(self) -> None:
        """Lease as many webhooks as there are free slots. Failing webhooks have slots of their own."""
        for failing, slots in ((False, self._schedule.slots), (True, self._schedule.failing_slots)):
            free = slots - sum(is_failing is failing for is_failing in self._turns.values())
            if free <= 0:
                continue
            now = now_ms()
            # Another holder for each claim: a turn that outlives its lease has no part in the next one of its process.
            holder = f"{self._holder}/{next(self._claims)}"
            async with self._statements, self._database.connection() as connection:
                new_leases = await leases.claim(
                    connection, holder, failing=failing, limit=free, now=now, until=now + self._schedule.lease
                )
            for lease in new_leases:
                turn = asyncio.create_task(self._turn(lease))
                self._turns[turn] = failing
                turn.add_done_callback(self._turns.pop)

    async def _end_turns(self) -> None:
        """Wait a few seconds for running turns, cancel the rest, and release all leases."""
        turns = list(self._turns)
        if turns:
            _, late = await asyncio.wait(turns, timeout=_GRACE_SECONDS)
            for turn in late:
                turn.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(Refusal):
            async with self._database.connection() as connection:
                await leases.release_all(connection, self._holder, now_ms())

    async def _turn(self, lease: Lease) -> None:
        """Make the due POSTs of a webhook, one after the other, up to the number that one turn allows."""
        try:
            for _ in range(self._schedule.turn):
                task = None if self._stopping.is_set() else await self._take(lease)
                if task is None:
                    break
                await self._settle(lease, task, await self._post(task))
            else:
                self._wake.set()
            async with self._statements, self._database.connection() as connection:
                await leases.release(connection, lease, now_ms())
        except Refusal as refusal:
            # The lease expires, and the next process that leases the webhook continues.
            _log.warning("a webhook waits for the database", reason=repr(refusal.__cause__ or refusal))
        except Exception:
            _log.exception("a webhook failed and waits for its lease to end", webhook=lease.webhook_number)

    async def _take(self, lease: Lease) -> Task | None:
        async with self._statements:
            now = now_ms()
            return await self._database.in_transaction(
                deliveries.take, lease, now=now, until=now + self._schedule.lease
            )

    async def _post(self, task: Task) -> Outcome:
        opened = [self._open_secret(task.webhook_id, sealed) for sealed in task.secrets_sealed]
        return await self._poster.post(task.url, task.delivery_id, task.body.encode(), opened)

    async def _settle(self, lease: Lease, task: Task, outcome: Outcome) -> None:
        self.attempts[outcome.verdict] += 1
        now = now_ms()
        settlement = self._schedule.settle(task.history, outcome, now, random.random())  # noqa: S311 - spreads pauses
        async with self._statements:
            is_current = await self._database.in_transaction(
                deliveries.settle, lease, task, outcome, settlement, now=now
            )
        if settlement.pause_reason is not None and is_current:
            _log.warning("a webhook is paused", webhook=task.webhook_id, reason=settlement.pause_reason)
