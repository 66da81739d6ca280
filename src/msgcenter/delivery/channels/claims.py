"""Claiming what a gateway sends next, and checking whether it is still to be sent."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgcenter.delivery.channels.tools import Tools
from msgcenter.domain.channels.codes import SkipReason
from msgcenter.domain.channels.settlement import skipped
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging.channels.message_templates import read_templates
from msgcenter.messaging.channels.recheck import check
from msgcenter.messaging.channels.settle import Settling
from msgcenter.messaging.channels.views import Place, Target, View, read_views
from msgcenter.store.channels import counts, deliveries
from msgcenter.store.channels.deliveries import Claimed, ClaimTimes, Settled
from msgcenter.store.channels.gateways import Gateway
from msgcenter.store.messages.messages import find_messages


class Send(NamedTuple):
    """One send to one person: a delivery, or those of a digest, with their views. All are of one cell."""

    claimed: tuple[Claimed, ...]
    views: tuple[View, ...]

    @property
    def cell(self) -> int:
        """The cell of the person."""
        return self.claimed[0].cell


async def claim(tools: Tools, gateway: Gateway) -> list[Claimed]:
    """Claim the next deliveries of a gateway, urgent ones first, with all that is due of their digests."""
    schedule, channel, now = tools.schedule, gateway.channel, now_ms()
    times = ClaimTimes(now, now if tools.trust.holds else 0, now + schedule.claim)
    limit = schedule.batch_for(gateway.rate)
    claimed: list[Claimed] = []
    async with tools.database.connection() as connection:
        cells = await deliveries.cells_with_due(connection, gateway.platform.all_cells, channel, now)
        for urgent in (True, False):
            for place, cell in enumerate(cells):
                # An equal share of what is left for each cell, so that none waits for another.
                share = -(-(limit - len(claimed)) // (len(cells) - place))
                if share > 0:
                    claimed += await deliveries.claim(connection, cell, channel, times, urgent=urgent, limit=share)
        readers: dict[int, set[str]] = defaultdict(set)
        for delivery in claimed:
            if delivery.is_digest:
                readers[delivery.cell].add(delivery.user_id)
        for cell, user_ids in sorted(readers.items()):
            claimed += await deliveries.claim_digests(connection, cell, channel, times, user_ids)
    tools.counts[channel, "repeated"] += sum(delivery.was_claimed for delivery in claimed)
    return claimed


async def check_again(tools: Tools, gateway: Gateway, claimed: Sequence[Claimed]) -> list[Send]:
    """Return what is still to be sent of claimed deliveries; the others are settled."""
    by_cell: dict[int, list[Claimed]] = defaultdict(list)
    for delivery in claimed:
        by_cell[delivery.cell].append(delivery)
    sends: list[Send] = []
    for cell, of_cell in by_cell.items():
        views = await _views(tools, gateway, cell, of_cell)
        now = now_ms()
        checked = [(delivery, view, check(view.checked, now)) for delivery, view in zip(of_cell, views, strict=True)]
        done = [Settled(delivery, settlement) for delivery, _, settlement in checked if settlement is not None]
        await settle(tools, gateway, cell, done)
        sends += _sends([(delivery, view) for delivery, view, settlement in checked if settlement is None])
    return await _within_daily_limit(tools, gateway, sends)


async def _views(tools: Tools, gateway: Gateway, cell: int, claimed: Sequence[Claimed]) -> list[View]:
    platform = gateway.platform
    targets = [
        Target(each.user_id, each.message_id, each.app_number, gateway.channel, each.urgency, each.type_code)
        for each in claimed
    ]
    async with tools.database.connection() as connection:
        ids = sorted({each.message_id for each in claimed})
        messages = {each.id: each for each in await find_messages(connection, platform.first_cell, ids)}
        views = await read_views(connection, Place(platform, cell, tools.zone), targets, messages)
        templates = await read_templates(connection, platform.first_cell, messages)
    if not templates:
        return views
    return [
        view._replace(template=templates.get(target.message_id)) for target, view in zip(targets, views, strict=True)
    ]


def _sends(checked: Sequence[tuple[Claimed, View]]) -> list[Send]:
    """Put the deliveries of digests together, by reader."""
    sends: list[Send] = []
    digests: dict[str, list[tuple[Claimed, View]]] = defaultdict(list)
    for delivery, view in checked:
        if delivery.is_digest:
            digests[delivery.user_id].append((delivery, view))
        else:
            sends.append(Send((delivery,), (view,)))
    sends += [Send(tuple(each for each, _ in parts), tuple(view for _, view in parts)) for parts in digests.values()]
    return sends


async def _within_daily_limit(tools: Tools, gateway: Gateway, sends: list[Send]) -> list[Send]:
    """Return the sends that the gateway may make today; the others are skipped."""
    if gateway.daily_limit is None or not sends:
        return sends
    today = datetime.fromtimestamp(now_ms() / 1_000, UTC).astimezone(tools.zone).date()
    async with tools.database.connection() as connection:
        sent = await counts.sent_on(connection, gateway.platform.code, gateway.channel, today)
    left = max(0, gateway.daily_limit - sent)
    for send in sends[left:]:
        over = [Settled(delivery, skipped(SkipReason.OVER_QUOTA)) for delivery in send.claimed]
        await settle(tools, gateway, send.cell, over)
    return sends[:left]


async def settle(tools: Tools, gateway: Gateway, cell: int, done: Sequence[Settled]) -> None:
    """Store what follows for deliveries of a cell that were not sent."""
    if not done:
        return
    stored = await tools.settler.settle(Settling(cell, gateway.platform, gateway.channel, tuple(done)))
    tools.counts[gateway.channel, "skipped"] += sum(each.settlement.due_at is None for each in stored)


async def give_back(tools: Tools, gateway: Gateway, sends: Sequence[Send]) -> None:
    """Give up claims on deliveries that were not sent."""
    by_cell: dict[int, list[Claimed]] = defaultdict(list)
    for send in sends:
        by_cell[send.cell] += send.claimed
    async with tools.database.connection() as connection:
        for cell, claimed in sorted(by_cell.items()):
            await deliveries.give_back(connection, cell, gateway.channel, claimed)
