"""Planning to send messages elsewhere, in the transaction that makes them or reminds of them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.account import App
from msgcenter.domain.channels.policy import Route, Rules, resolve_reminder
from msgcenter.domain.message import Draft, Message
from msgcenter.store.channels import plans, reminders
from msgcenter.store.channels.plans import NewPlan
from msgcenter.store.messages.messages import MessageKey


class Planned(NamedTuple):
    """A draft with a route, and the id of its message."""

    message_id: int
    draft: Draft
    route: Route


async def plan_sends(connection: Connection, cell: int, sends: Sequence[Planned], now: int) -> None:
    """Plan messages of a cell. They are due their delay after `now` (ms since 1970), or after their time to be sent."""
    await plans.insert(
        connection,
        cell,
        [
            NewPlan(
                message_id=send.message_id,
                round=0,
                app_number=send.draft.app_number,
                platform_code=send.draft.platform.code,
                due_at=(send.draft.send_at or now) + send.route.delay_ms,
                route=send.route,
            )
            for send in sends
        ],
        now,
    )


async def plan_reminder(connection: Connection, app: App, message: Message, rules: Rules | None, now: int) -> None:
    """Plan another round of an app's message, due at `now` (ms since 1970). `rules` are those of its platform.

    A round that is not finished is brought forward instead, so that nobody gets the message twice. Call it while the
    message's row is locked.
    """
    key = MessageKey.of(message)
    last = await reminders.last_round(connection, key)
    route = resolve_reminder(rules, app, message.type_code, None if last is None else last.channels)
    if route is None or (last is not None and await reminders.bring_forward(connection, key, now)):
        return
    plan = NewPlan(
        message_id=message.id,
        round=0 if last is None else last.number + 1,
        app_number=app.number,
        platform_code=message.platform_code,
        due_at=now,
        route=route,
    )
    await plans.insert(connection, key.cell, [plan], now)
