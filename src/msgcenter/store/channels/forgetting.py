"""Removing what channels know of a user; outcomes stay under an anonymous id, for sums."""

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows


async def remove_subscriptions(connection: Connection, cell: int, user_id: str) -> int:
    """Remove the push subscriptions of a user; return how many there were."""
    status = await connection.execute("delete from push_subscription where cell = $1 and user_id = $2", cell, user_id)
    return affected_rows(status)


async def remove_preferences(connection: Connection, cell: int, user_id: str) -> bool:
    """Remove what a user has chosen; return whether there was something."""
    status = await connection.execute("delete from user_preference where cell = $1 and user_id = $2", cell, user_id)
    return affected_rows(status) == 1


async def remove_waiting(connection: Connection, cell: int, user_id: str) -> int:
    """Remove the deliveries to a user that were not settled; return how many there were."""
    status = await connection.execute(
        "delete from channel_delivery where cell = $1 and user_id = $2 and state < 2", cell, user_id
    )
    return affected_rows(status)


async def rename_settled(connection: Connection, cell: int, user_id: str, anonymous_id: str) -> None:
    """Rename the receiver of settled deliveries. What gateways have said goes: it may contain an address."""
    await connection.execute(
        """
        update channel_delivery
        set user_id = $3, provider_id = null, reason = case when state = 4 then reason end
        where cell = $1 and user_id = $2
        """,
        cell,
        user_id,
        anonymous_id,
    )
