"""What became of a message by channels: sums over all cells, and the outcomes of single recipients."""

from collections.abc import AsyncIterator

import pytest

from msgcenter.actions.channels.outcomes import ChannelOutcomes
from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.audience import Receivers
from msgcenter.domain.channels.codes import DeliveryState
from msgcenter.domain.channels.outcome import ChannelOutcome, ChannelSum
from msgcenter.domain.channels.policy import Wish
from msgcenter.domain.content import Text
from msgcenter.domain.message import Message
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.messages import messages
from msgcenter.store.messages.messages import MessageKey
from msgcenter.store.messages.node_lease import NodeLease
from tests.channel_rows import ChannelRows
from tests.scene import START, add_app, rows

CODE = "channels"
USERS = [f"user-{number}" for number in range(6)]


@pytest.fixture(params=[1, 4], ids=["one cell", "four cells"])
async def app(request: pytest.FixtureRequest, database: Database) -> App:
    """An app on a platform of one or four cells."""
    await database.in_transaction(ensure_platform, CODE, CODE, START, cells=request.param)
    await add_app(database, "app", CODE)
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    return record.app


@pytest.fixture
async def sending(database: Database, database_url: str) -> AsyncIterator[Sending]:
    """Sending."""
    async with NodeLease(database_url) as lease:
        yield Sending(database, lease, waiting_limit=100)


async def sent(database: Database, sending: Sending, app: App, wish: Wish) -> Message:
    """Send a message to all users."""
    message_id = await sending.send(app, Text("text"), Receivers.of(USERS), wish=wish)
    async with database.connection() as connection:
        message = await messages.find_message(connection, MessageKey(app.platform.first_cell, message_id))
    assert message is not None
    return message


async def test_sums_and_outcomes(database: Database, app: App, sending: Sending) -> None:
    written = ChannelRows(database, CODE)
    await written.add_gateways("email", "push")
    message = await sent(database, sending, app, Wish(channels=("push", "email"), delay_minutes=5))
    other = await sent(database, sending, app, Wish(channels=("email",)))
    outcomes = ChannelOutcomes(database)
    assert await outcomes.sums(message) == {"push": ChannelSum(), "email": ChannelSum()}
    assert await outcomes.of_users(message, USERS) == {}

    refused = "550 <user-2@school.example>: user unknown"
    for user, channel, state, reason in (
        (USERS[0], "email", DeliveryState.SENT, None),
        (USERS[1], "email", DeliveryState.SENDING, "421 try later"),
        (USERS[2], "email", DeliveryState.FAILED, refused),
        (USERS[3], "email", DeliveryState.SKIPPED, "read"),
        (USERS[0], "push", DeliveryState.WAITING, None),
    ):
        await written.add_delivery(app.platform, message.id, user, channel, state, reason=reason)  # type: ignore[arg-type]
    await written.add_delivery(app.platform, other.id, USERS[0], "email", DeliveryState.SENT)
    planned = '{"email": {"read": 1, "noAddress": 1}, "push": {"noAddress": 5}}'
    await rows(database, "update channel_plan set skipped = $2 where message_id = $1 returning 1", message.id, planned)

    sums = await outcomes.sums(message)
    assert list(sums) == ["push", "email"]
    email, push = sums["email"], sums["push"]
    assert (email.waiting, email.sent, email.failed, dict(email.skipped)) == (1, 1, 1, {"read": 2, "noAddress": 1})
    assert (push.waiting, push.sent, push.failed, dict(push.skipped)) == (1, 0, 0, {"noAddress": 5})
    assert await outcomes.of_users(message, USERS[:4]) == {
        USERS[0]: [
            ChannelOutcome(USERS[0], "email", "sent", START + 1_000),
            ChannelOutcome(USERS[0], "push", "waiting", START),
        ],
        USERS[1]: [ChannelOutcome(USERS[1], "email", "waiting", START)],
        USERS[2]: [ChannelOutcome(USERS[2], "email", "failed", START + 1_000, "550 <***>: user unknown")],
        USERS[3]: [ChannelOutcome(USERS[3], "email", "skipped", START + 1_000, "read")],
    }


async def test_a_message_that_was_not_planned_has_no_channels(database: Database, app: App, sending: Sending) -> None:
    outcomes = ChannelOutcomes(database)
    assert await outcomes.sums(await sent(database, sending, app, Wish())) == {}
    await ChannelRows(database, CODE).add_gateways("email")
    async with NodeLease(database.direct_url) as lease:
        silent = await sent(database, Sending(database, lease, waiting_limit=10), app, Wish(channels=()))
    assert await outcomes.sums(silent) == {}
