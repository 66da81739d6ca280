"""Stores what became of sends at once, those that end at the same time together."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from msgcenter.database.database import Database
from msgcenter.database.group_commit import CellCommits
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.messaging.channels.settle import Settling, settle
from msgcenter.store.channels.deliveries import Settled

_log = structlog.get_logger(__name__)
_DELIVERIES_PER_FLUSH = 500
_WAITING_LIMIT = 100_000
_AGAIN_SECONDS = 0.5


class Settler:
    """Stores outcomes. During an outage of the database it keeps them, so that nothing is sent again because of it.

    `zone` is the installation's time zone, whose days statistics count.
    """

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone
        self._commits = CellCommits(
            self._flush,
            batch_weight=_DELIVERIES_PER_FLUSH,
            waiting_limit=_WAITING_LIMIT,
            weigh=lambda work: len(work.settled),
        )

    async def settle(self, work: Settling) -> list[Settled]:
        """Return what was stored: deliveries that another process has claimed since are left to it.

        Waits for the database if it is away.
        """
        while True:
            with suppress(Refusal):
                return await self._commits.submit(work.cell, work)
            _log.warning("the outcome of a send waits for the database")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _flush(self, work: list[Settling]) -> Sequence[list[Settled]]:
        now = now_ms()
        day = datetime.fromtimestamp(now / 1_000, UTC).astimezone(self._zone).date()
        return await self._database.in_transaction(settle, work, day=day, now=now)
