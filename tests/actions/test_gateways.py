"""Gateways of channels: what operators set, what they see of it, and tests by a real SMTP server."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.gateways import DESTINATIONS, Gateways, NewGateway
from msgcenter.channels.registry import PROVIDERS
from msgcenter.database.database import Database
from msgcenter.domain.channels.sealing import gateway_binding
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from msgcenter.store.channels import gateways as stored
from msgcenter.store.channels.gateways import Gateway
from tests.conftest import PLATFORM
from tests.scene import rows
from tests.smtp_sink import SmtpSink, smtp_sink

pytestmark = pytest.mark.usefixtures("app_number")
KEYS = KeyRing("a secret key of the tests")
PASSWORD = "correct horse"
FIELDS = {
    "host": "127.0.0.1",
    "security": "none",
    "user": "school",
    "password": PASSWORD,
    "sender": "no-reply@s.example",
}


@dataclass
class Desk:
    """An operator's desk, and a mail server on this machine."""

    gateways: Gateways
    database: Database
    server: SmtpSink

    async def set(self, channel: str = "email", provider: str = "", /, **more: object) -> None:
        """Set a gateway."""
        options = {name: more.pop(name) for name in ("rate", "daily_limit") if name in more}
        fields = {name.replace("sender", "from"): str(value) for name, value in more.items()}
        await self.gateways.set(NewGateway(PLATFORM, channel, provider, fields, **options), by=COMMAND)  # type: ignore[arg-type]

    async def set_up(self) -> None:
        """Set the gateway for mail to the server. It takes no log-ins, so there is no user."""
        await self.set(host="127.0.0.1", port=self.server.port, security="none", sender="S <no-reply@s.example>")

    async def stored(self) -> tuple[Gateway, dict[str, str]]:
        """Return the gateway for mail, and its opened configuration."""
        async with self.database.connection() as connection:
            gateway = await stored.find_gateway(connection, PLATFORM, "email")
        assert gateway is not None
        text = KEYS.open_value("gateway", gateway_binding(PLATFORM, "email"), gateway.config_sealed)
        return gateway, json.loads(text)

    async def refused(self, channel: str = "email", provider: str = "", /, **more: object) -> str:
        """Return the field that is refused."""
        with pytest.raises(Refusal) as refusal:
            await self.set(channel, provider, **more)
        return str(refusal.value.data["field"])


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    """A desk, with this machine as the only allowed one."""
    resolver = Resolver(2)
    with smtp_sink() as server:
        yield Desk(Gateways(database, KEYS, Network(resolver, AddressRules(LOOPBACK))), database, server)
    resolver.close()


async def test_a_gateway_is_stored_sealed_and_shown_without_secrets(desk: Desk) -> None:
    await desk.set(**FIELDS)
    gateway, config = await desk.stored()
    assert PASSWORD.encode() not in gateway.config_sealed
    assert config["password"] == PASSWORD
    (shown,) = await desk.gateways.all(PLATFORM)
    assert shown.secrets == {"password"}
    assert shown.state == "on"
    assert shown.fields["user"] == "school"
    assert PASSWORD not in repr((shown.fields, shown.gateway.label))
    entries = await rows(desk.database, "select detail from audit_entry where action = 'channel.set'")
    assert len(entries) == 1
    assert PASSWORD not in entries[0]["detail"]


async def test_what_is_left_out_keeps_its_value(desk: Desk) -> None:
    await desk.set(**FIELDS, rate=2.5, daily_limit=100)
    await desk.set(sender="other@s.example")
    gateway, config = await desk.stored()
    assert (config["password"], config["from"]) == (PASSWORD, "other@s.example")
    assert (gateway.rate, gateway.daily_limit) == (2.5, 100)
    await desk.set(daily_limit=0)
    assert (await desk.stored())[0].daily_limit is None


@pytest.mark.parametrize("change", [{"host": "elsewhere.example"}, {"port": 2525}, {"security": "tls"}])
async def test_a_secret_does_not_go_to_another_server(desk: Desk, change: dict[str, object]) -> None:
    await desk.set(**FIELDS)
    assert await desk.refused(**change) == "password"
    await desk.set(**change, password="another one")
    assert (await desk.stored())[1]["password"] == "another one"


async def test_a_url_gives_server_and_secrets_at_once(desk: Desk) -> None:
    await desk.set(**FIELDS)
    await desk.set(smtp="smtps://u:p@elsewhere.example")
    config = (await desk.stored())[1]
    assert (config["host"], config["port"], config["password"]) == ("elsewhere.example", "465", "p")


def test_fields_that_name_a_server_are_known_to_be_destinations() -> None:
    names = {field.name for known in PROVIDERS.values() for provider in known.values() for field in provider.fields}
    assert {name for name in names if "url" in name or "host" in name or "server" in name} <= DESTINATIONS


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"host": "a b"}, "host"),
        ({"port": "0"}, "port"),
        ({"sender": "nobody"}, "from"),
        ({"colour": "red"}, "colour"),
        ({"rate": 0}, "rate"),
        ({"rate": 1_001}, "rate"),
        ({"daily_limit": -1}, "daily_limit"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_stored(desk: Desk, more: dict[str, object], field: str) -> None:
    assert await desk.refused(**{**FIELDS, **more}) == field
    assert await desk.gateways.all() == []


async def test_an_unknown_channel_or_provider_is_refused(desk: Desk) -> None:
    assert await desk.refused("fax") == "channel"
    assert await desk.refused("email", "carrier-pigeon") == "provider"


async def test_a_test_sends_a_real_mail_and_returns_the_answer(desk: Desk) -> None:
    await desk.set_up()
    outcome = await desk.gateways.test(PLATFORM, "email", "Wang@School.Example", "zh", by=COMMAND)
    assert outcome.verdict == "accepted"
    (mail,) = desk.server.mails
    assert mail.to == "Wang@school.example"
    assert "测试消息" in mail.message["Subject"]
    gateway, _ = await desk.stored()
    assert gateway.succeeded_at is not None
    (entry,) = await rows(desk.database, "select detail from audit_entry where action = 'channel.test'")
    assert "wang" not in entry["detail"].lower()


async def test_a_test_that_is_not_accepted_says_why(desk: Desk) -> None:
    await desk.set_up()
    desk.server.answer_to = lambda _: "550 5.1.1 no such user"
    outcome = await desk.gateways.test(PLATFORM, "email", "a@b.cn", "en", by=COMMAND)
    assert outcome.verdict == "never"
    assert "no such user" in outcome.reason
    gateway, _ = await desk.stored()
    assert gateway.last_error == outcome.reason
    assert (gateway.failures, gateway.paused_until) == (0, None)


async def test_a_test_of_a_server_that_is_down_says_so(desk: Desk) -> None:
    await desk.set_up()
    await desk.set(port=1)
    outcome = await desk.gateways.test(PLATFORM, "email", "a@b.cn", "en", by=COMMAND)
    assert outcome.verdict == "later"
    assert outcome.reason


@pytest.mark.parametrize(("address", "reason"), [("", Reason.FIELD_MISSING), ("nobody", Reason.FIELD_MALFORMED)])
async def test_a_test_needs_an_address_of_the_channel(desk: Desk, address: str, reason: Reason) -> None:
    await desk.set_up()
    with pytest.raises(Refusal) as refusal:
        await desk.gateways.test(PLATFORM, "email", address, "en", by=COMMAND)
    assert (refusal.value.reason, refusal.value.data["field"]) == (reason, "address")


async def test_a_gateway_is_turned_off_and_on_and_removed(desk: Desk) -> None:
    await desk.set_up()
    assert await desk.gateways.set_off(PLATFORM, "email", off=True, by=COMMAND)
    assert not await desk.gateways.set_off(PLATFORM, "email", off=True, by=COMMAND)
    (shown,) = await desk.gateways.all()
    assert shown.state == "off"
    assert await desk.gateways.set_off(PLATFORM, "email", off=False, by=COMMAND)
    await desk.gateways.remove(PLATFORM, "email", by=COMMAND)
    assert await desk.gateways.all() == []
    for work in (
        desk.gateways.remove(PLATFORM, "email", by=COMMAND),
        desk.gateways.test(PLATFORM, "email", "a@b.cn", "en", by=COMMAND),
    ):
        with pytest.raises(Refusal):
            await work
    actions = [row["action"] for row in await rows(desk.database, "select action from audit_entry order by id")]
    assert actions[-4:] == ["channel.set", "channel.off", "channel.on", "channel.remove"]


async def test_turning_on_a_paused_gateway_ends_its_pause(desk: Desk) -> None:
    await desk.set_up()
    gateway, _ = await desk.stored()
    async with desk.database.connection() as connection:
        await stored.pause(connection, gateway, until=1 << 42, error="421 busy", now=1)
    (shown,) = await desk.gateways.all()
    assert shown.state == "paused"
    assert await desk.gateways.set_off(PLATFORM, "email", off=False, by=COMMAND)
    (shown,) = await desk.gateways.all()
    assert shown.state == "on"


async def test_a_provider_is_loaded_while_no_transaction_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise takes seconds for it; PostgreSQL ends a transaction that does nothing for five."""
    loop = asyncio.get_running_loop()
    open_transactions: list[int] = []

    async def count() -> None:
        idle = "select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
        open_transactions.append(len(await rows(desk.database, idle)))

    kind = PROVIDERS["email"]["smtp"]._replace(load=lambda: asyncio.run_coroutine_threadsafe(count(), loop).result(30))
    monkeypatch.setitem(PROVIDERS["email"], "smtp", kind)
    await desk.set_up()
    await desk.gateways.test(PLATFORM, "email", "a@b.cn", "en", by=COMMAND)
    assert open_transactions == [0, 0]
