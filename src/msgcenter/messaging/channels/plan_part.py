"""A part of a plan: deliveries for those of its recipients who have not read the message.

The deliveries, the numbers of recipients without one, and the place where the plan continues are one transaction. So a
part that was interrupted at any moment is done again as a whole, and none is done twice.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgcenter.database.database import Connection
from msgcenter.domain.channels.codes import Channel, SkipReason, Urgency
from msgcenter.domain.channels.digest import HOUR_MS, digest_due
from msgcenter.domain.channels.quiet import allowed_at
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import first_id_at
from msgcenter.messaging.channels.audience_parts import AudiencePart, next_part
from msgcenter.messaging.channels.recheck import skip_reason, wait_until
from msgcenter.messaging.channels.views import Place, Target, View, read_views
from msgcenter.store.channels import deliveries, due_plans
from msgcenter.store.channels.deliveries import NewDelivery
from msgcenter.store.channels.due_plans import Plan

_OLDEST_MS = 8 * 24 * HOUR_MS
"""Messages are planned at most a week after their send; older ones do not count for digests."""


class PlannedPart(NamedTuple):
    """What follows for a part: deliveries in a cell, and numbers by channel and reason of recipients without one."""

    cell: int
    deliveries: list[NewDelivery]
    skipped: Mapping[str, Mapping[str, int]]
    place: str | None


class Task(NamedTuple):
    """A plan with its message, the channels whose gateways are on (`working`), and the installation's time zone."""

    plan: Plan
    message: Message
    working: Collection[Channel]
    zone: ZoneInfo

    @property
    def channels(self) -> list[Channel]:
        """The channels of the plan that work."""
        return [channel for channel in self.plan.channels if channel in self.working]


async def plan_part(connection: Connection, task: Task, now: int) -> PlannedPart:
    """Return what follows for the next part of a plan at `now` (ms since 1970). Changes nothing."""
    plan = task.plan
    part = await next_part(connection, task.message, plan.place)
    if part is None:
        return PlannedPart(plan.cell, [], {}, None)
    skipped = {channel: Counter[str]() for channel in plan.channels}
    for channel in plan.channels:
        if channel not in task.working:
            skipped[channel][SkipReason.NO_GATEWAY] += len(part.unread)
        skipped[channel][SkipReason.READ] += part.read
    new: list[NewDelivery] = []
    for row in await _deliveries(connection, task, part, now):
        if isinstance(row, NewDelivery):
            new.append(row)
        else:
            skipped[row.channel][row.reason] += 1
    counts = {channel: {str(reason): n for reason, n in each.items() if n} for channel, each in skipped.items()}
    return PlannedPart(part.cell, new, {channel: each for channel, each in counts.items() if each}, part.place)


class _Skipped(NamedTuple):
    channel: Channel
    reason: SkipReason


async def _deliveries(connection: Connection, task: Task, part: AudiencePart, now: int) -> list[NewDelivery | _Skipped]:
    plan, message = task.plan, task.message
    targets = [
        Target(user_id, message.id, message.app_number, channel, plan.urgency, plan.type_code)
        for user_id in part.unread
        for channel in task.channels
    ]
    views = await read_views(connection, Place(message.platform, part.cell, task.zone), targets, {message.id: message})
    recent: dict[tuple[str, str], int] = {}
    if plan.urgency is Urgency.LOW and targets:
        oldest = first_id_at(now - _OLDEST_MS)
        recent = await deliveries.count_recent(connection, part.cell, part.unread, now - HOUR_MS, oldest)
    return [_delivery(plan, view, recent, now) for view in views]


def _delivery(plan: Plan, view: View, recent: Mapping[tuple[str, str], int], now: int) -> NewDelivery | _Skipped:
    checked, person, user_id = view.checked, view.checked.person, view.recipient.user_id
    reason = skip_reason(checked, now)
    if reason is not None:
        return _Skipped(checked.channel, reason)
    awake_at = max(now, wait_until(checked, now) or 0)
    digest_at = digest_due(
        awake_at,
        plan.urgency,
        person.digest,
        recent=recent.get((user_id, checked.channel), 0),
        digest_after=view.choices.digest_after,
        zone=person.zone,
    )
    due_at = awake_at if digest_at is None else digest_at
    return NewDelivery(
        user_id=user_id,
        message_id=plan.message_id,
        channel=checked.channel,
        round=plan.round,
        urgency=plan.urgency,
        app_number=plan.app_number,
        due_at=allowed_at(due_at, plan.urgency, person.quiet, person.zone),
        is_digest=digest_at is not None,
        type_code=plan.type_code,
    )


async def store_part(connection: Connection, plan: Plan, part: PlannedPart, *, until: int, now: int) -> bool:
    """Store a part and move its plan on, in the caller's transaction; False if another process has the plan.

    Then nothing is stored. The lease of the plan is extended to `until`. Times are ms since 1970.
    """
    finished_at = now if part.place is None else None
    if not await due_plans.advance(connection, plan, part.place, part.skipped, until=until, finished_at=finished_at):
        return False
    if part.deliveries:
        await deliveries.insert(connection, part.cell, part.deliveries)
    return True
