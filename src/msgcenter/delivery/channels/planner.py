"""The planner: turns due plans into deliveries, in every server process.

A plan is leased, so one process at a time works on it. Its audience is walked part by part; each part is stored with
the place where the next one begins (`messaging/channels/plan_part.py`). While a channel has much to send already, its
plans pause: a message to a million people fills no queue, and who reads it meanwhile gets nothing.
"""

import asyncio
import secrets
from contextlib import suppress
from itertools import count
from zoneinfo import ZoneInfo

import structlog

from msgcenter.database.database import Connection, Database
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.domain.channels.codes import Channel, Urgency
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.messaging.channels.plan_part import PlannedPart, Task, plan_part, store_part
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import deliveries, due_plans, platform_choices
from msgcenter.store.channels.due_plans import Plan
from msgcenter.store.channels.platform_choices import WorkingGateway
from msgcenter.store.messages.messages import MessageKey, find_message

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 5
_EVERYWHERE_SECONDS = 30.0


class Planner:
    """Works on due plans until `stop` is called. It survives outages of the database.

    `zone` is the installation's time zone.
    """

    def __init__(self, database: Database, zone: ZoneInfo, schedule: Schedule | None = None) -> None:
        self._database = database
        self._zone = zone
        self._schedule = schedule or Schedule()
        self._holder = secrets.token_hex(8)
        self._claims = count()
        self._turns: set[asyncio.Task[None]] = set()
        self._looked_everywhere_at = float("-inf")
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Start no more parts, and let running ones finish."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped."""
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                await self._start_turns()
            except Refusal as refusal:
                _log.warning("plans of channels wait for the database", reason=repr(refusal.__cause__ or refusal))
            except Exception:
                _log.exception("the planner of channels failed and tries again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._schedule.poll / 1_000)
        if self._turns:
            _, late = await asyncio.wait(self._turns, timeout=_GRACE_SECONDS)
            for turn in late:
                turn.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _start_turns(self) -> None:
        """Lease as many plans as there are free slots."""
        free = self._schedule.plans - len(self._turns)
        if free <= 0:
            return
        now = now_ms()
        # Another holder for each claim: a turn that outlives its lease has no part in the next one of its process.
        holder = f"{self._holder}/{next(self._claims)}"
        async with self._database.connection() as connection:
            cells = await self._cells(connection)
            for cell in await due_plans.cells_with_due_plans(connection, cells, now) if cells else []:
                plans = await due_plans.claim(
                    connection, cell, holder, limit=free, now=now, until=now + self._schedule.lease
                )
                for plan in plans:
                    turn = asyncio.create_task(self._turn(plan))
                    self._turns.add(turn)
                    turn.add_done_callback(self._end_turn)
                free -= len(plans)
                if free <= 0:
                    return

    async def _cells(self, connection: Connection) -> list[int]:
        """Return the cells that may have plans: now and then, also those of platforms whose gateways are gone."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_everywhere_at < _EVERYWHERE_SECONDS:
            return await platform_choices.cells_of_plans(connection)
        platforms = await find_platforms(connection)
        self._looked_everywhere_at = now
        return sorted(platform.first_cell for platform in platforms.values())

    def _end_turn(self, turn: asyncio.Task[None]) -> None:
        self._turns.discard(turn)
        self._wake.set()

    async def _turn(self, plan: Plan) -> None:
        try:
            await self._work_on(plan)
        except Refusal as refusal:
            # Its lease ends, and the next process continues where the last stored part ends.
            _log.warning("a plan of channels waits for the database", reason=repr(refusal.__cause__ or refusal))
        except Exception:
            _log.exception("a plan of channels failed and waits for its lease to end", message=plan.message_id)

    async def _work_on(self, plan: Plan) -> None:
        """Store the next parts of a plan, up to the number that one turn allows."""
        for _ in range(self._schedule.parts):
            if self._stopping.is_set():
                break
            async with self._database.connection() as connection:
                message = await find_message(connection, MessageKey(plan.cell, plan.message_id))
            if message is None or message.state_at(now_ms()) in {State.RECALLED, State.EXPIRED}:
                await self._store(plan, PlannedPart(plan.cell, [], {}, None))
                return
            working = await self._working(plan)
            if not message.is_sent or await self._is_backed_up(plan, message, working):
                await self._release(plan, now_ms() + 2 * self._schedule.poll)
                return
            task = Task(plan, message, working.keys(), self._zone)
            async with self._database.connection() as connection:
                part = await plan_part(connection, task, now_ms())
            if not await self._store(plan, part) or part.place is None:
                return
            plan = plan._replace(place=part.place)
        await self._release(plan, now_ms())

    async def _working(self, plan: Plan) -> dict[Channel, WorkingGateway]:
        async with self._database.connection() as connection:
            return await platform_choices.working_gateways(connection, plan.platform_code, now_ms())

    async def _is_backed_up(self, plan: Plan, message: Message, working: dict[Channel, WorkingGateway]) -> bool:
        """Return whether a channel of a plan has much to send already. Urgent plans do not wait for that.

        Channels whose gateways are paused count only if all are: the others would wait for a gateway that is down.
        """
        if plan.urgency is Urgency.URGENT:
            return False
        now = now_ms()
        used = [channel for channel in plan.channels if channel in working]
        going = [channel for channel in used if not working[channel].is_paused]
        for channel in going or used:
            limit, due = self._schedule.backlog_for(working[channel].rate), 0
            async with self._database.connection() as connection:
                for cell in message.platform.all_cells:
                    due += await deliveries.count_due(connection, cell, channel, now, limit - due)
                    if due >= limit:
                        return True
        return False

    async def _store(self, plan: Plan, part: PlannedPart) -> bool:
        now = now_ms()
        return await self._database.in_transaction(store_part, plan, part, until=now + self._schedule.lease, now=now)

    async def _release(self, plan: Plan, until: int) -> None:
        async with self._database.connection() as connection:
            await due_plans.release(connection, plan, until)
