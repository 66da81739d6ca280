"""Storing what became of deliveries: their states, the counts of statistics, and bad addresses."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.channels.codes import Channel, DeliveryState
from msgcenter.domain.channels.settlement import Settlement
from msgcenter.domain.webhook import WebhookEvent, channel_event
from msgcenter.messaging.channels.views import Address
from msgcenter.store.channels import contacts, counts, deliveries, subscriptions
from msgcenter.store.channels.counts import CountKey
from msgcenter.store.channels.deliveries import Claimed, Settled
from msgcenter.store.webhooks import outbox

OUTCOMES = {DeliveryState.SENT: "sent", DeliveryState.FAILED: "failed", DeliveryState.SKIPPED: "skipped"}


class BadAddress(NamedTuple):
    """An address of a user to which nothing is sent any more, and why."""

    user_id: str
    address: Address
    reason: str


class Settling(NamedTuple):
    """What a gateway of a platform has done in a cell: deliveries, and addresses that turned out to be bad.

    `reached` are the users and push subscriptions that took a message. `events_wanted` are the apps whose webhooks
    want to know.
    """

    cell: int
    platform: Platform
    channel: Channel
    settled: tuple[Settled, ...]
    bad_addresses: tuple[BadAddress, ...] = ()
    reached: tuple[tuple[str, bytes], ...] = ()
    events_wanted: frozenset[int] = frozenset()


async def settle(connection: Connection, work: Sequence[Settling], *, day: date, now: int) -> list[list[Settled]]:
    """Store what became of deliveries of one cell, in the caller's transaction; return those that were still claimed.

    The commit does not wait for the disk: it would make the commits of calls wait, twenty times a second for each
    gateway. If PostgreSQL itself crashes, what was sent within the last second may be sent again.

    `day` is today in the installation's time zone, `now` ms since 1970.
    """
    await connection.execute("set local synchronous_commit = off")
    cell = work[0].cell
    stored: list[list[Settled]] = []
    totals: Counter[CountKey] = Counter()
    events: list[WebhookEvent] = []
    for each in work:
        settled = await deliveries.settle(connection, cell, each.channel, each.settled, now)
        stored.append(settled)
        for delivery, settlement in settled:
            if (outcome := OUTCOMES.get(settlement.state)) is not None:
                totals[CountKey(each.platform.code, delivery.app_number, each.channel, day, outcome)] += 1
            if delivery.app_number in each.events_wanted:
                events += _events(each, delivery, settlement)
        for bad in sorted(each.bad_addresses):
            await _give_up(connection, cell, bad, now)
        for user_id, digest in sorted(each.reached):
            await subscriptions.note_success(connection, cell, user_id, digest, now)
    if totals:
        await counts.add(connection, totals)
    await outbox.record(connection, events, now)
    return stored


def _events(work: Settling, delivery: Claimed, settlement: Settlement) -> list[WebhookEvent]:
    """Return the event of a delivery that was sent or has failed."""
    if settlement.state not in {DeliveryState.SENT, DeliveryState.FAILED}:
        return []
    recipient = Recipient(work.cell, delivery.user_id, work.platform)
    failure = (settlement.reason or "") if settlement.state is DeliveryState.FAILED else None
    return [channel_event(delivery.app_number, delivery.message_id, recipient, work.channel, failure)]


async def _give_up(connection: Connection, cell: int, bad: BadAddress, now: int) -> None:
    if bad.address.contact is not None:
        await contacts.disable(
            connection,
            cell,
            bad.user_id,
            bad.address.contact,
            value_sealed=bad.address.sealed,
            reason=bad.reason,
            now=now,
        )
    elif bad.address.subscription is not None:
        await subscriptions.remove_gone(connection, cell, bad.user_id, bad.address.subscription, bad.address.sealed)
