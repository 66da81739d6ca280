"""The dispatcher: leases gateways that have something to send, in every server process.

One process at a time works on a gateway. A delivery is claimed before it is sent, and settled after. If a process is
killed in between, the claim ends, and the delivery is sent again: at least once, and twice only then.
"""

import asyncio
import secrets
from collections import Counter
from contextlib import suppress
from itertools import count
from zoneinfo import ZoneInfo

import structlog

from msgcenter.database.database import Database
from msgcenter.delivery.channels.gateway_turn import GatewayTurn
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.delivery.channels.settler import Settler
from msgcenter.delivery.channels.tools import Counted, Tools, Trust
from msgcenter.domain.channels.codes import CHANNELS, Channel, SkipReason
from msgcenter.domain.channels.links import Links
from msgcenter.domain.channels.sealing import Sealing
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.messaging.channels.notes import Notes
from msgcenter.outbound.network import Network
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import deliveries, gateways
from msgcenter.store.channels.gateways import Lease

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 8
_TIDY_SECONDS = 30.0
_SKIPPED_AT_ONCE = 1_000


class ChannelDispatcher:
    """Sends what is due until `stop` is called. It survives outages of the database.

    `counts` has the deliveries of this process by channel and outcome. `zone` is the installation's time zone.
    """

    def __init__(
        self,
        database: Database,
        sealing: Sealing,
        *,
        network: Network,
        links: Links,
        zone: ZoneInfo,
        schedule: Schedule | None = None,
    ) -> None:
        self._schedule = schedule or Schedule()
        self._database = database
        self._tools = Tools(
            database,
            sealing,
            network,
            Notes(links),
            zone,
            self._schedule,
            Settler(database, zone),
            Trust(self._schedule.trust_after),
        )
        self._holder = secrets.token_hex(8)
        self._claims = count()
        self._turns: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._tidied_at = float("-inf")

    @property
    def counts(self) -> Counter[tuple[Channel, Counted]]:
        """The deliveries of this process by channel and outcome."""
        return self._tools.counts

    def stop(self) -> None:
        """Start no more sends, and give running ones a few seconds to finish."""
        self._stopping.set()

    async def run(self) -> None:
        """Send until stopped."""
        while not self._stopping.is_set():
            try:
                await self._start_turns()
                await self._tidy()
            except Refusal as refusal:
                self._tools.trust.note_outage()
                _log.warning("gateways of channels wait for the database", reason=repr(refusal.__cause__ or refusal))
            except Exception:
                _log.exception("the dispatcher of channels failed and tries again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._schedule.poll / 1_000)
        await self._end_turns()

    async def _start_turns(self) -> None:
        """Lease as many gateways as there are free slots."""
        free = self._schedule.gateways - len(self._turns)
        if free <= 0:
            return
        now = now_ms()
        # Another holder for each claim: a turn that outlives its lease has no part in the next one of its process.
        holder = f"{self._holder}/{next(self._claims)}"
        async with self._database.connection() as connection:
            leases = await gateways.claim(connection, holder, free, now, now + self._schedule.lease)
        for lease in leases:
            turn = asyncio.create_task(self._turn(lease))
            self._turns.add(turn)
            turn.add_done_callback(self._turns.discard)

    async def _turn(self, lease: Lease) -> None:
        try:
            await GatewayTurn(self._tools, lease, self._stopping).run()
        except Refusal as refusal:
            # The lease ends, and so do the claims; the next process that leases the gateway continues.
            _log.warning("a gateway waits for the database", reason=repr(refusal.__cause__ or refusal))
        except Exception:
            _log.exception("a gateway failed and waits for its lease to end", gateway=lease.gateway.number)

    async def _tidy(self) -> None:
        """Now and then, skip what waits for gateways that are off or gone."""
        loop_time = asyncio.get_running_loop().time()
        if loop_time - self._tidied_at < _TIDY_SECONDS or not self._tools.trust.holds:
            return
        self._tidied_at, now = loop_time, now_ms()
        async with self._database.connection() as connection:
            listed = await gateways.list_gateways(connection)
            working = {(each.platform.code, each.channel) for each in listed if each.disabled_at is None}
            platforms = (await find_platforms(connection)).values()
            for channel in CHANNELS:
                without = [platform for platform in platforms if (platform.code, channel) not in working]
                cells = [cell for platform in without for cell in platform.all_cells]
                for cell in await deliveries.cells_with_due(connection, cells, channel, now) if cells else []:
                    await deliveries.skip_waiting(
                        connection, cell, channel, reason=SkipReason.NO_GATEWAY, now=now, limit=_SKIPPED_AT_ONCE
                    )

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
                await gateways.release_all(connection, self._holder, now_ms())
