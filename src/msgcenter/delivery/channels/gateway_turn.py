"""A turn of a gateway: this process has its lease, and sends what is due until nothing is, or the lease is lost."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import structlog

from msgcenter.channels.face import Gateway as OpenGateway
from msgcenter.channels.face import Outcome
from msgcenter.channels.registry import load, open_gateway, parse_config, provider_of
from msgcenter.delivery.channels import claims
from msgcenter.delivery.channels.attempt import attempt, settlement_of
from msgcenter.delivery.channels.claims import Send
from msgcenter.delivery.channels.pacer import Pacer
from msgcenter.delivery.channels.tools import Counted, Tools
from msgcenter.domain.channels.codes import DeliveryState
from msgcenter.domain.channels.sealing import gateway_binding
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.domain.webhook import CHANNEL_FAILED, CHANNEL_SENT
from msgcenter.messaging.channels.settle import Settling
from msgcenter.store.channels import gateways
from msgcenter.store.channels.deliveries import Claimed
from msgcenter.store.channels.gateways import Lease

_log = structlog.get_logger(__name__)
_COUNTED: dict[DeliveryState, Counted] = {
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "failed",
    DeliveryState.SKIPPED: "skipped",
    DeliveryState.WAITING: "later",
}
_EVENTS = frozenset((CHANNEL_SENT, CHANNEL_FAILED))
_NOTED_SECONDS = 10.0
"""How often a gateway that works is noted."""
_ONE_BY_ONE = frozenset(("email",))
"""Channels whose gateways send over one connection, one message after the other."""


class GatewayTurn:
    """Works on a leased gateway. `stopping` ends the turn after the sends that have begun."""

    def __init__(self, tools: Tools, lease: Lease, stopping: asyncio.Event) -> None:
        self._tools = tools
        self._lease = lease
        self._gateway = lease.gateway
        self._stopping = stopping
        self._is_lost = False
        self._is_paused = False
        self._noted_at = float("-inf")
        self._held_until = asyncio.get_running_loop().time() + tools.schedule.lease / 1_000

    async def run(self) -> None:
        """Send until nothing is due, then give the lease back. Refuses with DATABASE_UNAVAILABLE."""
        try:
            await load(provider_of(self._gateway.channel, self._gateway.provider))
            gateway = self._open()
        except Exception as error:
            _log.warning("a gateway cannot be opened", gateway=self._gateway.number, reason=repr(error))
            await self._pause(Outcome("later", "its configuration cannot be opened", pause_ms=1))
            gateway = None
        if gateway is not None:
            keeping = asyncio.create_task(self._keep_lease())
            try:
                async with gateway:
                    await self._work(gateway)
            finally:
                keeping.cancel()
        async with self._tools.database.connection() as connection:
            await gateways.release(connection, self._lease, now_ms())

    def _open(self) -> OpenGateway:
        stored = self._gateway
        binding = gateway_binding(stored.platform.code, stored.channel)
        fields = msgspec.json.decode(
            self._tools.sealing.open_value("gateway", binding, stored.config_sealed), type=dict[str, str]
        )
        return open_gateway(parse_config(stored.channel, stored.provider, fields), self._tools.network)

    # --- The lease ----------------------------------------------------------------------------------------------------

    async def _keep_lease(self) -> None:
        """Renew the lease until cancelled."""
        schedule, loop = self._tools.schedule, asyncio.get_running_loop()
        while not self._is_lost:
            await asyncio.sleep(schedule.lease / 3_000)
            held_until = loop.time() + schedule.lease / 1_000
            try:
                async with self._tools.database.connection() as connection:
                    self._is_lost = not await gateways.renew(connection, self._lease, now_ms() + schedule.lease)
            except Refusal:
                self._tools.trust.note_outage()
            else:
                self._held_until = held_until

    @property
    def _may_send(self) -> bool:
        is_held = not self._is_lost and asyncio.get_running_loop().time() < self._held_until
        return is_held and not self._is_paused and not self._stopping.is_set()

    # --- Sending ------------------------------------------------------------------------------------------------------

    async def _work(self, gateway: OpenGateway) -> None:
        loop, schedule = asyncio.get_running_loop(), self._tools.schedule
        pacer = Pacer(self._gateway.rate)
        busy_at = loop.time()
        while self._may_send:
            await pacer.ready()  # a gateway may send less than one message in the time of a claim
            claimed = await self._claim()
            if claimed:
                start_until = loop.time() + schedule.start_within / 1_000
                sends = await claims.check_again(self._tools, self._gateway, claimed)
                await self._send_all(gateway, pacer, sends, start_until)
                busy_at = loop.time()
            elif loop.time() - busy_at > schedule.linger / 1_000:
                return
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), schedule.poll / 1_000)

    async def _claim(self) -> list[Claimed]:
        return await claims.claim(self._tools, self._gateway) if self._may_send else []

    async def _send_all(self, gateway: OpenGateway, pacer: Pacer, sends: Sequence[Send], start_until: float) -> None:
        """Start each send at its time, and wait for all of them; give back what may not be started any more."""
        loop = asyncio.get_running_loop()
        slots = asyncio.Semaphore(1 if self._gateway.channel in _ONE_BY_ONE else self._tools.schedule.in_flight)
        running: set[asyncio.Task[None]] = set()
        started = 0
        try:
            for send in sends:
                await slots.acquire()
                await pacer.wait()
                if not self._may_send or loop.time() > start_until:
                    break
                task = asyncio.create_task(self._send(gateway, send))
                running.add(task)
                task.add_done_callback(lambda _: slots.release())
                started += 1
            if running:
                await asyncio.gather(*running)
        except BaseException:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        if started < len(sends):
            await claims.give_back(self._tools, self._gateway, sends[started:])

    async def _send(self, gateway: OpenGateway, send: Send) -> None:
        """Make one send and settle it. Raises nothing: another send must not be cancelled because of this one."""
        tools, stored = self._tools, self._gateway
        made = await attempt(tools, gateway, stored.channel, send)
        settled = tuple(settlement_of(tools, delivery, made.outcome) for delivery in send.claimed)
        work = Settling(
            send.cell,
            stored.platform,
            stored.channel,
            settled,
            made.bad_addresses,
            made.reached,
            frozenset(view.app.number for view in send.views if not _EVENTS.isdisjoint(view.app.webhook_events)),
        )
        try:
            for _, settlement in await tools.settler.settle(work):
                tools.counts[stored.channel, _COUNTED[settlement.state]] += 1
            await self._note(made.outcome)
        except Refusal as refusal:
            _log.warning("the state of a gateway was not noted", reason=repr(refusal.__cause__ or refusal))
        except Exception:
            _log.exception("the outcome of a send could not be stored", gateway=stored.number)

    # --- What the gateway answers -------------------------------------------------------------------------------------

    async def _note(self, outcome: Outcome) -> None:
        """Record at the gateway that it works, that it did not take a message, or that it has failed as a whole."""
        if outcome.pause_ms > 0:
            await self._pause(outcome)
        if self._is_paused:
            return
        now = asyncio.get_running_loop().time()
        is_recovery = outcome.verdict == "accepted" and self._gateway.failures > 0
        if now - self._noted_at < _NOTED_SECONDS and not is_recovery:
            return
        self._noted_at = now
        async with self._tools.database.connection() as connection:
            if outcome.verdict == "accepted":
                await gateways.settle_success(connection, self._gateway, now_ms())
                self._gateway = self._gateway._replace(failures=0)
            else:
                await gateways.settle_refusal(connection, self._gateway, outcome.reason, now_ms())

    async def _pause(self, outcome: Outcome) -> None:
        """Let the gateway wait, once in a turn."""
        if self._is_paused:
            return
        self._is_paused = True
        now, stored = now_ms(), self._gateway
        pause = self._tools.schedule.retries.gateway_pause(
            stored.failures,
            outcome.pause_ms,
            random.random(),  # noqa: S311 - spreads pauses
        )
        async with self._tools.database.connection() as connection:
            if not await gateways.pause(connection, stored, until=now + pause, error=outcome.reason, now=now):
                return
        _log.warning(
            "a gateway of a channel is paused",
            platform=stored.platform.code,
            channel=stored.channel,
            seconds=pause // 1_000,
            reason=outcome.reason,
        )
