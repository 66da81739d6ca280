"""The part of the story that makes the statements of `store/channels/`."""

from collections.abc import Sequence

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.forget import forget_user
from msgcenter.actions.channels.outcomes import ChannelOutcomes
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform
from msgcenter.domain.channels.choices import Choices
from msgcenter.domain.channels.sealing import gateway_binding
from msgcenter.domain.channels.template import UsedTemplate
from msgcenter.domain.message import Message
from msgcenter.domain.person import COMMAND
from msgcenter.store.channels import contacts, gateways, message_params, preferences, subscriptions
from msgcenter.store.channels.contacts import ContactKey, SealedContact
from msgcenter.store.channels.subscriptions import Subscription
from msgcenter.store.mailboxes.users import stays_known

KEYS = KeyRing("a secret key of the tests")
_HOUR = 3_600_000


async def use_contacts(database: Database, platform: Platform, users: Sequence[str], now: int) -> None:
    """Write contact points of users, disable and remove them."""
    await database.in_transaction(_use_contacts, platform, users, now)


async def _use_contacts(connection: Connection, platform: Platform, users: Sequence[str], now: int) -> None:
    for user in users:
        cell = platform.cell_of(user)
        points = [SealedContact(user, "email", b"1"), SealedContact(user, "mobile", b"2")]
        await contacts.write(connection, cell, points, app_number=None, now=now)
        await contacts.disable(connection, cell, user, "email", value_sealed=b"1", reason="bounced", now=now)
        stored = (await contacts.read(connection, cell, [user, "nobody"]))[user]
        assert (stored["email"].disabled_at, stored["mobile"].disabled_at) == (now, None)
        assert "mobile" in await contacts.count_by_kind(connection, cell)
        assert await contacts.remove(connection, cell, [ContactKey(user, "email"), ContactKey(user, "wecom")]) == 1
        assert await contacts.remove_all(connection, cell, [user]) == 1


async def ask_outcomes(outcomes: ChannelOutcomes, message: Message, users: Sequence[str]) -> None:
    """Ask what became of a message that was planned."""
    assert list(await outcomes.sums(message)) == ["email"]
    await outcomes.of_users(message, users)


async def use_subscriptions(database: Database, platform: Platform, users: Sequence[str], now: int) -> None:
    """Add push subscriptions of users, more than they may have, and remove them."""
    await database.in_transaction(_use_subscriptions, platform, users, now)


async def _use_subscriptions(connection: Connection, platform: Platform, users: Sequence[str], now: int) -> None:
    for user in users:
        cell = platform.cell_of(user)
        for number in range(3):
            digest = bytes([number]) * 32
            await subscriptions.add(connection, cell, user, Subscription(digest, "Browser", b"sealed", now + number))
        assert await subscriptions.keep_newest(connection, cell, user, 2) == 1
        await subscriptions.note_success(connection, cell, user, bytes([1]) * 32, now)
        newest, older = await subscriptions.list_own(connection, cell, user, None)
        assert (newest.succeeded_at, older.succeeded_at) == (None, now)
        assert [it.digest for it in (await subscriptions.read(connection, cell, [user], 1))[user]] == [
            older.digest,
            newest.digest,
        ]
        assert await subscriptions.take(connection, cell, user, newest.digest) == newest
        await subscriptions.add(connection, cell, user, newest)
        assert await subscriptions.remove(connection, cell, user, newest.digest)
        await subscriptions.remove_gone(connection, cell, user, older.digest, b"sealed before")
        assert await subscriptions.remove_all(connection, cell, [user]) == 1


async def use_params(database: Database, platform: Platform) -> None:
    """Store the templates of two messages, and let one of them have another content."""
    await database.in_transaction(_use_params, platform.first_cell)


async def _use_params(connection: Connection, cell: int) -> None:
    used = {1: UsedTemplate(1, 1, {"name": "x"}), 2: UsedTemplate(1, 2, {})}
    await message_params.insert(connection, cell, used)
    await message_params.delete(connection, cell, 1)
    assert await message_params.find(connection, cell, [1, 2, 3]) == {2: used[2]}


async def forget(database: Database, platform: Platform, user: str) -> None:
    """Remove a user of the platform."""
    async with database.connection() as connection:
        assert await stays_known(connection, platform.cell_of(user), user)
    removed = await forget_user(database, platform.code, user, on_chunks=lambda *_: None, by=COMMAND)
    assert removed.is_known
    assert removed.entries


async def use_preferences(database: Database, platform: Platform, users: Sequence[str], now: int) -> None:
    """Write what users choose."""
    await database.in_transaction(_use_preferences, platform, users, now)


async def _use_preferences(connection: Connection, platform: Platform, users: Sequence[str], now: int) -> None:
    assert await preferences.shown_types(connection, platform.code) == []
    for user in users:
        cell = platform.cell_of(user)
        chosen = Choices(("email", "type:a:sms", "type:b:sms"), 0, 60, "daily", "en", "Asia/Shanghai")
        await preferences.write(connection, cell, user, chosen, now)
        await preferences.replace_off(connection, platform.recipient(user), "type:", ["type:c:sms"], now)
        stored = (await preferences.read(connection, cell, [user]))[user]
        assert stored.channels_off == {"email", "type:c:sms"}
        assert stored.digest == "daily"
        await preferences.write(connection, cell, user, Choices(), now)
        await preferences.apps_of(connection, cell, user)


async def use_gateways(database: Database, platform: Platform, now: int) -> None:
    """Set a gateway, lease it while it has something to send, and remove it."""
    async with database.connection() as connection:
        await save_gateway(connection, platform, now)
        (gateway,) = await gateways.list_gateways(connection, platform.code)
        await gateways.note_success(connection, gateway, now)
        assert await gateways.claim(connection, "holder", 10, now, now + _HOUR) == []
        assert await gateways.remove(connection, platform.code, "email")


async def save_gateway(connection: Connection, platform: Platform, now: int) -> None:
    """Set the gateway of a platform for mail."""
    await gateways.save(
        connection,
        platform.code,
        "email",
        provider="smtp",
        label="smtp://mail.school.example",
        config_sealed=KEYS.seal_value("gateway", gateway_binding(platform.code, "email"), "{}"),
        rate=5,
        daily_limit=None,
        now=now,
    )
