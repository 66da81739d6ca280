"""Planning to send messages elsewhere, in the transaction that makes them."""

from collections.abc import Sequence
from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.channels.policy import Route
from msgcenter.domain.message import Draft
from msgcenter.store.channels import plans
from msgcenter.store.channels.plans import NewPlan


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
