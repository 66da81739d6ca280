"""What became of messages by channels, as the apps that sent them see it."""

from collections import defaultdict
from collections.abc import Iterable

from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.outcome import ChannelOutcome, ChannelSum, sums_of
from msgcenter.domain.message import Message
from msgcenter.store.channels import outcomes
from msgcenter.store.messages.messages import MessageKey


class ChannelOutcomes:
    """Queries about sent messages. The caller has checked that the app may see them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sums(self, message: Message) -> dict[Channel, ChannelSum]:
        """Return how many recipients each channel of a message has reached; empty if it was never planned."""
        async with self._database.connection() as connection:
            rounds = await outcomes.planned_rounds(connection, MessageKey.of(message))
            if not any(planned.channels for planned in rounds):
                return {}
            counts = [
                count
                for cell in _cells_of(message)
                for count in await outcomes.count_states(connection, cell, message.id)
            ]
        return sums_of(rounds, counts)

    async def of_users(self, message: Message, user_ids: Iterable[str]) -> dict[str, list[ChannelOutcome]]:
        """Return what became of a message to some of its recipients; users without a delivery are left out."""
        by_cell: dict[int, list[str]] = defaultdict(list)
        for user_id in user_ids:
            by_cell[message.platform.cell_of(user_id)].append(user_id)
        found: dict[str, list[ChannelOutcome]] = defaultdict(list)
        async with self._database.connection() as connection:
            for cell in sorted(by_cell):
                for outcome in await outcomes.of_users(connection, cell, message.id, by_cell[cell]):
                    found[outcome.user_id].append(outcome)
        return dict(found)


def _cells_of(message: Message) -> list[int]:
    """Return the cells of a message's recipients."""
    if message.topic_number is not None:
        return list(message.platform.all_cells)
    return sorted({chunk.cell for chunk in message.audience})
