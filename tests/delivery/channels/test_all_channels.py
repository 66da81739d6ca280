"""All channels together: one message goes through planner and dispatcher to the gateway of each channel."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import pytest
from msgspec.json import decode

from msgcenter.actions.channels.contacts import UserContacts
from msgcenter.actions.channels.gateways import Gateways, NewGateway
from msgcenter.actions.channels.outcomes import ChannelOutcomes
from msgcenter.actions.channels.subscriptions import PushSubscriptions
from msgcenter.actions.mailboxes.users import import_users
from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import CHANNELS, CONTACT_OF_CHANNEL, Channel
from msgcenter.domain.channels.contacts import ContactWriting
from msgcenter.domain.channels.outcome import ChannelOutcome, ChannelSum
from msgcenter.domain.channels.subscription import PushAddress
from msgcenter.domain.content import Link
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.domain.person import COMMAND
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from msgcenter.store.channels import contacts
from msgcenter.store.channels.contacts import SealedContact
from msgcenter.store.messages.messages import MessageKey, find_message
from tests.channel_scene import KEYS, ChannelScene, channel_scene, slower, until_rows
from tests.channels.stands import PROVIDERS, Stand, all_stands
from tests.scene import rows

TITLE = "Trip"
PERSONAL: tuple[Channel, ...] = tuple(channel for channel in CHANNELS if channel != "apprise")
"""Channels that need an address of each person."""
FULL, READER, BARE, OFF = "full", "reader", "bare", "off"
"""Users with an address of each channel (the second one has read the message, the last one wants no channel), and one
without any. Other users are named like the only channel whose address they have."""
USERS = (FULL, READER, BARE, OFF, *PERSONAL)


def address_of(channel: Channel, user_id: str) -> str:
    """Return a user's address of a channel."""
    if channel == "email":
        return f"{user_id}@school.example"
    return f"+861380013800{USERS.index(user_id)}" if channel == "sms" else f"{channel}.{user_id}"


@dataclass
class Everything:
    """A platform with a gateway of each channel, its users, and the servers in the place of the gateways."""

    scene: ChannelScene
    stands: dict[Channel, Stand]
    network: Network

    async def set_up(self) -> None:
        """Set the gateways, and give the users their addresses."""
        await import_users(self.scene.database, self.scene.platform.code, USERS, lambda _: None)
        for channel, stand in self.stands.items():
            new = NewGateway(self.scene.platform.code, channel, stand.provider, stand.fields, rate=500)
            await Gateways(self.scene.database, KEYS, self.network).set(new, by=COMMAND)
        for channel in PERSONAL:
            for user_id in (FULL, READER, OFF, channel):
                await self.add_address(channel, user_id)
        await self.scene.prefer(OFF, channels_off=list(CHANNELS))

    async def add_address(self, channel: Channel, user_id: str, address: str = "") -> None:
        """Give a user an address of a channel, in the place of another one."""
        platform, address = self.scene.platform, address or address_of(channel, user_id)
        if channel == "push":
            keys = PushSubscriptions(self.scene.database, KEYS, self.network)
            subscription = decode(self.stands["push"].subscription(address), type=PushAddress)
            await keys.add(platform.recipient(user_id), None, subscription, "Browser")
            return
        kind = CONTACT_OF_CHANNEL[channel]
        sealed = ContactWriting(KEYS, None, 1).seal(platform.code, user_id, kind, address)
        async with self.scene.database.connection() as connection:
            cell = platform.cell_of(user_id)
            await contacts.write(connection, cell, [SealedContact(user_id, kind, sealed)], app_number=None, now=1)

    async def send(self, users: Sequence[str] = USERS, channels: Sequence[Channel] = CHANNELS) -> int:
        """Send a message by channels to users; the reader reads it."""
        body = Link(title=TITLE, busi_id="1", content="Bring a coat", pc_url="https://a.example/")
        message_id = await self.scene.send(users, body, channels=channels)
        if READER in users:
            await self.scene.read(READER, message_id)
        return message_id

    async def run(self) -> None:
        """Let planner and dispatcher work until all plans are done and no delivery waits."""
        async with self.scene.planning(), self.scene.dispatching():
            await until_rows(self.scene.database, "select from channel_plan where finished_at is null", 0)
            await until_rows(self.scene.database, "select from channel_delivery where state < 2", 0)

    async def sums(self, message_id: int) -> dict[Channel, ChannelSum]:
        """Return what getMsgStatus says about a message's channels."""
        async with self.scene.database.connection() as connection:
            message = await find_message(connection, MessageKey(self.scene.platform.first_cell, message_id))
        assert message is not None
        return await ChannelOutcomes(self.scene.database).sums(message)

    async def outcomes(self, message_id: int, user_id: str) -> dict[Channel, ChannelOutcome]:
        """Return what getMsgReceipts says about a message to a user, by channel."""
        async with self.scene.database.connection() as connection:
            message = await find_message(connection, MessageKey(self.scene.platform.first_cell, message_id))
        assert message is not None
        outcomes = await ChannelOutcomes(self.scene.database).of_users(message, [user_id])
        return {outcome.channel: outcome for outcome in outcomes.get(user_id, [])}

    def problems(self) -> list[str]:
        """Return the requests that were not as documented."""
        return [problem for stand in self.stands.values() for problem in stand.problems]


@pytest.fixture
def network() -> Iterator[Network]:
    """A network on which this machine may be called."""
    resolver = Resolver()
    yield Network(resolver, AddressRules(LOOPBACK))
    resolver.close()


@pytest.fixture(params=[provider for channel, provider in PROVIDERS if channel == "sms"])
async def everything(database: Database, network: Network, request: pytest.FixtureRequest) -> AsyncIterator[Everything]:
    """All channels, once with each provider of SMS."""
    with all_stands(request.param) as stands:
        async with channel_scene(database, cells=2) as scene:
            opened = Everything(scene, stands, network)
            await opened.set_up()
            yield opened
            assert opened.problems() == []


@pytest.mark.parametrize("everything", ["http"], indirect=True)
async def test_the_stands_are_of_all_channels(everything: Everything) -> None:
    assert set(everything.stands) == set(CHANNELS)


async def test_each_unread_person_is_reached_once_by_each_channel(everything: Everything) -> None:
    message_id = await everything.send()
    await everything.run()
    sums = await everything.sums(message_id)
    for channel in PERSONAL:
        reached = (FULL, channel)
        assert everything.stands[channel].sent == {address_of(channel, user_id): 1 for user_id in reached}, channel
        others = len(USERS) - len(reached) - 2  # without the reader, and the one who wants no channel
        assert sums[channel] == ChannelSum(0, 2, 0, Counter({"read": 1, "off": 1, "noAddress": others})), channel
    unread = len(USERS) - 2
    assert everything.stands["apprise"].sent == {"": unread}
    assert sums["apprise"] == ChannelSum(0, unread, 0, Counter({"read": 1, "off": 1}))
    texts = {text for stand in everything.stands.values() for texts in stand.taken.values() for text in texts}
    assert texts == {TITLE}
    assert {outcome.state for outcome in (await everything.outcomes(message_id, FULL)).values()} == {"sent"}
    assert await everything.outcomes(message_id, READER) == {}


async def test_an_address_that_nobody_has_is_not_used_again(everything: Everything) -> None:
    for channel in PERSONAL:
        everything.stands[channel].unknown.add(address_of(channel, FULL))
    message_id = await everything.send()
    await everything.run()
    later = await everything.send()
    await everything.run()

    outcomes, sums, again = (
        await everything.outcomes(message_id, FULL),
        await everything.sums(message_id),
        await everything.sums(later),
    )
    shown = await UserContacts(everything.scene.database, KEYS).of_user(everything.scene.platform, FULL)
    disabled = {contact.kind: contact.disabled_reason for contact in shown if contact.disabled_at is not None}
    for channel in PERSONAL:
        stand = everything.stands[channel]
        assert stand.refused == {address_of(channel, FULL): 1}, channel
        assert outcomes[channel].state == "failed", channel
        assert stand.why in outcomes[channel].reason, channel
        assert (sums[channel].sent, sums[channel].failed) == (1, 1), channel
        assert (again[channel].sent, again[channel].failed) == (1, 0), channel
        assert again[channel].skipped["noAddress"] == sums[channel].skipped["noAddress"] + 1, channel
        if channel in CONTACT_OF_CHANNEL:
            assert stand.why in (disabled[CONTACT_OF_CHANNEL[channel]] or ""), channel
    assert await rows(everything.scene.database, "select from push_subscription where user_id = $1", FULL) == []


@pytest.mark.parametrize("everything", ["http"], indirect=True)
async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_reached(everything: Everything) -> None:
    stand = everything.stands["push"]
    await everything.add_address("push", FULL, "second")
    stand.unknown.add(address_of("push", FULL))
    message_id = await everything.send([FULL], ["push"])
    await everything.run()
    assert stand.sent == {"second": 1}
    assert (await everything.outcomes(message_id, FULL))["push"].state == "sent"
    await everything.send([FULL], ["push"])
    await everything.run()
    assert (stand.sent, stand.refused) == ({"second": 2}, {address_of("push", FULL): 1})


@pytest.mark.parametrize(
    ("everything", "down"),
    [
        (provider if channel == "sms" else "http", channel)
        for channel, provider in PROVIDERS
        if channel not in {"push", "apprise"}
    ],
    indirect=["everything"],
)
async def test_a_gateway_that_is_down_pauses_alone(everything: Everything, down: Channel) -> None:
    everything.stands[down].is_down = True
    message_id = await everything.send()
    scene = everything.scene
    async with scene.planning(), scene.dispatching(slower(claim=60_000)):
        await until_rows(scene.database, "select from channel_plan where finished_at is null", 0)
        paused = "select channel from channel_gateway where paused_until > $1 and last_error is not null"
        await until_rows(scene.database, paused, 1)
        await until_rows(scene.database, f"select from channel_delivery where state < 2 and channel <> '{down}'", 0)
    sums = await everything.sums(message_id)
    failing = await rows(scene.database, "select channel from channel_gateway where failures > 0")
    assert [row["channel"] for row in failing] == [down]
    assert {channel: (each.waiting, each.failed) for channel, each in sums.items() if each.waiting or each.failed} == {
        down: (2, 0)
    }
    everything.stands[down].is_down = False
    await scene.execute("update channel_gateway set paused_until = 1 where paused_until is not null")
    await everything.run()
    assert everything.stands[down].sent == {address_of(down, user_id): 1 for user_id in (FULL, down)}


@pytest.mark.parametrize("everything", ["http"], indirect=True)
async def test_a_push_service_that_is_down_pauses_nothing(everything: Everything) -> None:
    everything.stands["push"].is_down = True
    message_id = await everything.send()
    scene = everything.scene
    async with scene.planning(), scene.dispatching():
        await until_rows(scene.database, "select from channel_delivery where channel = 'push' and attempts > 1", 2)
        await until_rows(scene.database, "select from channel_delivery where state < 2 and channel <> 'push'", 0)
        assert await rows(scene.database, "select from channel_gateway where paused_until is not null") == []
        everything.stands["push"].is_down = False
        await until_rows(scene.database, "select from channel_delivery where state < 2", 0)
    assert everything.stands["push"].sent == {address_of("push", user_id): 1 for user_id in (FULL, "push")}
    assert (await everything.sums(message_id))["push"].sent == 2
