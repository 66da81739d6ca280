"""Publishing in the feeds of a platform what concerns a message to a topic, to organisations or to everyone."""

from msgcenter.database.database import Connection
from msgcenter.domain.audience import OrgAudience, is_org_audience
from msgcenter.domain.message import Message
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes.feed import Addressed, FeedAction, Publication


def addressed_to(topic_number: int, organisations: OrgAudience | None) -> Addressed:
    """Return what the rows of a message are published to: a topic or everyone, or organisations."""
    if organisations is None:
        return Addressed((topic_number,))
    return Addressed(organisations.org_numbers, organisations.roles, direct=not organisations.include_sub)


async def publish_about(connection: Connection, message: Message, action: FeedAction) -> tuple[int, ...]:
    """Publish in each cell what applies an action in the mailboxes that a message has reached or will reach.

    Return its position in each cell. Runs inside a transaction, see `feed.publish`.
    """
    number = message.topic_number
    assert number is not None
    organisations = await find_audience(connection, number) if is_org_audience(number) else None
    addressed = addressed_to(number, organisations)
    positions = []
    for place, cell in enumerate(message.platform.all_cells):
        publication = Publication(
            addressed,
            message.id,
            message.app_number,
            message.expires_at,
            action,
            None if message.positions is None else message.positions[place],
        )
        positions += await feed.publish(connection, cell, [publication])
    return tuple(positions)
