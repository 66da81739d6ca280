"""Storing what became of deliveries: their states, the counts of statistics, and bad addresses."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.channels.codes import Channel, DeliveryState
from msgcenter.messaging.channels.views import Address
from msgcenter.store.channels import contacts, counts, deliveries, subscriptions
from msgcenter.store.channels.counts import CountKey
from msgcenter.store.channels.deliveries import Settled

OUTCOMES = {DeliveryState.SENT: "sent", DeliveryState.FAILED: "failed", DeliveryState.SKIPPED: "skipped"}


class BadAddress(NamedTuple):
    """An address of a user to which nothing is sent any more, and why."""

    user_id: str
    address: Address
    reason: str


class Settling(NamedTuple):
    """What a gateway of a platform has done in a cell: deliveries, and addresses that turned out to be bad.

    `reached` are the users and push subscriptions that took a message.
    """

    cell: int
    platform_code: str
    channel: Channel
    settled: tuple[Settled, ...]
    bad_addresses: tuple[BadAddress, ...] = ()
    reached: tuple[tuple[str, bytes], ...] = ()


async def settle(connection: Connection, work: Sequence[Settling], *, day: date, now: int) -> list[list[Settled]]:
    """Store what became of deliveries of one cell, in the caller's transaction; return those that were still claimed.

    `day` is today in the installation's time zone, `now` ms since 1970.
    """
    cell = work[0].cell
    stored: list[list[Settled]] = []
    totals: Counter[CountKey] = Counter()
    for each in work:
        settled = await deliveries.settle(connection, cell, each.channel, each.settled, now)
        stored.append(settled)
        for delivery, settlement in settled:
            if (outcome := OUTCOMES.get(settlement.state)) is not None:
                totals[CountKey(each.platform_code, delivery.app_number, each.channel, day, outcome)] += 1
        for bad in sorted(each.bad_addresses):
            await _give_up(connection, cell, bad, now)
        for user_id, digest in sorted(each.reached):
            await subscriptions.note_success(connection, cell, user_id, digest, now)
    if totals:
        await counts.add(connection, totals)
    return stored


async def _give_up(connection: Connection, cell: int, bad: BadAddress, now: int) -> None:
    if bad.address.contact is not None:
        await contacts.disable(connection, cell, bad.user_id, bad.address.contact, reason=bad.reason, now=now)
    elif bad.address.subscription is not None:
        await subscriptions.remove(connection, cell, bad.user_id, bad.address.subscription)
