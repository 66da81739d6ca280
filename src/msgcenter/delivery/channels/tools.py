"""What all gateways of a process share while they send."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from msgcenter.database.database import Database
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.delivery.channels.settler import Settler
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.sealing import Sealing
from msgcenter.messaging.channels.notes import Notes
from msgcenter.outbound.network import Network

Counted = Literal["sent", "failed", "skipped", "later", "repeated"]
"""`later`: an attempt that is made again. `repeated`: a delivery whose process died while it was sending it."""


class Trust:
    """Whether claims of other processes that have ended may be taken over.

    For a while after an outage of the database they may not: a process that lives settles what it has sent first.
    """

    def __init__(self, after: int) -> None:
        self._after = after / 1_000
        self._from = float("-inf")

    def note_outage(self) -> None:
        """Record that the database did not answer just now."""
        self._from = asyncio.get_running_loop().time() + self._after

    @property
    def holds(self) -> bool:
        """Whether the database has answered for long enough."""
        return asyncio.get_running_loop().time() >= self._from


@dataclass(frozen=True)
class Tools:
    """`zone` is the installation's time zone. `counts` has the deliveries of this process by channel and outcome."""

    database: Database
    sealing: Sealing
    network: Network
    notes: Notes
    zone: ZoneInfo
    schedule: Schedule
    settler: Settler
    trust: Trust
    counts: Counter[tuple[Channel, Counted]] = field(default_factory=Counter)
