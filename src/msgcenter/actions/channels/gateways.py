"""The gateways of platforms: set, shown, tested, turned off, removed by operators. Secrets are never shown again."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.channels.config import Provider, fields_of
from msgcenter.channels.face import Outcome, Parcel
from msgcenter.channels.registry import PROVIDERS, label_of, load, open_gateway, parse_config, provider_of
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.channels.codes import CHANNELS, Channel
from msgcenter.domain.channels.contacts import normal_address
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.sealing import Sealing, gateway_binding
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.outbound.network import Network
from msgcenter.store import audit
from msgcenter.store.channels import gateways
from msgcenter.store.channels.gateways import Gateway

MAX_RATE = 1_000.0
"""Messages per second that a gateway can be set to."""
MIN_RATE = 0.01
MAX_DAILY_LIMIT = 1_000_000_000
DESTINATIONS = frozenset({"host", "port", "security", "url", "urls", "base_url", "server"})
"""Fields that say where secrets are sent. If one changes, secrets have to be entered again."""
_URL_OF_ALL = "smtp"
"""A value that stands for several fields, secrets included."""


class ShownGateway(NamedTuple):
    """A gateway, and its fields without secrets; `secrets` are the names of those that are set."""

    gateway: Gateway
    provider: Provider
    fields: Mapping[str, str]
    secrets: frozenset[str]
    now: int

    @property
    def state(self) -> Literal["on", "off", "paused"]:
        """`off`, `paused` (it failed as a whole, and is tried again) or `on`."""
        if self.gateway.disabled_at is not None:
            return "off"
        return "paused" if (self.gateway.paused_until or 0) > self.now else "on"


class NewGateway(NamedTuple):
    """What to set: the provider ("": the channel's usual one) and its fields.

    `rate` is messages per second, `daily_limit` messages per day (0: no limit). None keeps what is set; a gateway that
    is new, or of another provider, has the provider's rate and no limit.
    """

    platform_code: str
    channel: str
    provider: str
    fields: Mapping[str, str]
    rate: float | None = None
    daily_limit: int | None = None

    def check_limits(self) -> None:
        """Refuse with FIELD_MALFORMED (rate, daily_limit)."""
        if self.rate is not None and not MIN_RATE <= self.rate <= MAX_RATE:
            raise malformed("rate", f"须为{MIN_RATE}–{MAX_RATE:.0f}", f"must be {MIN_RATE}-{MAX_RATE:.0f}")
        if self.daily_limit is not None and not 0 <= self.daily_limit <= MAX_DAILY_LIMIT:
            raise malformed("daily_limit", f"须为整数0–{MAX_DAILY_LIMIT}", f"must be an integer 0-{MAX_DAILY_LIMIT}")

    def limits(self, usual_rate: float, before: Gateway | None) -> tuple[float, int | None]:
        """Return the rate and the daily limit to store, in place of those of `before`."""
        rate = self.rate if self.rate is not None else usual_rate if before is None else before.rate
        if self.daily_limit is not None:
            return rate, self.daily_limit or None
        return rate, None if before is None else before.daily_limit


class Gateways:
    """The gateways of all platforms. Each change is an entry of the audit log.

    Calls refuse with FIELD_MALFORMED (channel) an unknown channel, or one without a gateway, and raise
    UnknownPlatformError.
    """

    def __init__(self, database: Database, sealing: Sealing, network: Network) -> None:
        self._database = database
        self._sealing = sealing
        self._network = network

    async def all(self, platform_code: str | None = None) -> list[ShownGateway]:
        """Return the gateways of a platform, or of all, by platform and channel."""
        if platform_code is not None:
            await check_platform(self._database, platform_code)
        async with self._database.connection() as connection:
            return [self._shown(gateway) for gateway in await gateways.list_gateways(connection, platform_code)]

    async def set(self, new: NewGateway, *, by: Actor) -> ShownGateway:
        """Set the gateway of a platform for a channel; it is on from now on.

        A field that is left out keeps its value, if the provider is still the same. Refuses with FIELD_MISSING or
        FIELD_MALFORMED and the field, also `channel`, `provider`, `rate` and `daily_limit`.
        """
        await check_platform(self._database, new.platform_code)
        new.check_limits()
        kind = provider_of(new.channel, new.provider)
        await load(kind)
        await self._set(kind, new, by)
        return await self._find(new.platform_code, kind.channel)

    @transactional
    async def _set(self, connection: Connection, kind: Provider, new: NewGateway, by: Actor) -> None:
        code, channel = new.platform_code, kind.channel
        before = await gateways.find_gateway(connection, code, channel)
        if before is not None and before.provider != kind.code:
            before = None
        kept = {} if before is None else self._open(before)
        config = parse_config(channel, kind.code, _merged(kind, kept, new.fields))
        text = msgspec.json.encode(fields_of(config)).decode()
        label = label_of(config)
        rate, limit = new.limits(kind.rate, before)
        await gateways.save(
            connection,
            code,
            channel,
            provider=kind.code,
            label=label,
            config_sealed=self._sealing.seal_value("gateway", gateway_binding(code, channel), text),
            rate=rate,
            daily_limit=limit,
            now=now_ms(),
        )
        await audit.record(
            connection,
            by,
            "channel.set",
            code,
            now=now_ms(),
            channel=channel,
            provider=kind.code,
            gateway=label,
            rate=rate,
            daily_limit=limit,
        )

    async def test(self, platform_code: str, channel: str, address: str, language: Language, *, by: Actor) -> Outcome:
        """Send a test message to an address by a gateway, also one that is off; return what it answered.

        `address` is what the channel needs: an e-mail address, a mobile number, an account. Refuses with
        FIELD_MALFORMED (address), or for `push`: browsers test that themselves.
        """
        platform = await check_platform(self._database, platform_code)
        shown = await self._find(platform.code, channel_of(channel))
        gateway = shown.gateway
        if gateway.channel == "push":
            raise malformed(
                "channel",
                "浏览器推送请在收件箱页面开启后测试",
                "web push is tested in the inbox page, by turning it on there",
            )
        target = normal_address(gateway.channel, address)
        now = now_ms()
        await load(shown.provider)
        config = parse_config(gateway.channel, gateway.provider, self._open(gateway))
        async with open_gateway(config, self._network) as opened:
            outcome = await opened.send(Parcel(f"test-{now}", target, _test_note(language, platform.code, now)))
        await self._record_test(gateway, outcome, now, by)
        return outcome

    @transactional
    async def _record_test(
        self, connection: Connection, gateway: Gateway, outcome: Outcome, now: int, by: Actor
    ) -> None:
        # A test says whether the gateway works, and does not end the pause of one that failed: the next delivery does.
        if outcome.verdict == "accepted":
            await gateways.note_success(connection, gateway, now)
        else:
            await gateways.settle_refusal(connection, gateway, outcome.reason, now)
        await audit.record(
            connection,
            by,
            "channel.test",
            gateway.platform.code,
            now=now,
            channel=gateway.channel,
            outcome=outcome.verdict,
        )

    @transactional
    async def set_off(self, connection: Connection, platform_code: str, channel: str, *, off: bool, by: Actor) -> bool:
        """Turn a gateway off, or on again; return whether that changed anything."""
        code = channel_of(channel)
        if await gateways.find_gateway(connection, platform_code, code) is None:
            raise _no_gateway(platform_code, code)
        changed = await gateways.set_off(connection, platform_code, code, off=off, now=now_ms())
        if changed:
            await audit.record(
                connection, by, "channel.off" if off else "channel.on", platform_code, now=now_ms(), channel=code
            )
        return changed

    @transactional
    async def remove(self, connection: Connection, platform_code: str, channel: str, *, by: Actor) -> None:
        """Remove a gateway with its secrets. What waits for it is skipped."""
        code = channel_of(channel)
        if not await gateways.remove(connection, platform_code, code):
            raise _no_gateway(platform_code, code)
        await audit.record(connection, by, "channel.remove", platform_code, now=now_ms(), channel=code)

    async def _find(self, platform_code: str, channel: Channel) -> ShownGateway:
        async with self._database.connection() as connection:
            gateway = await gateways.find_gateway(connection, platform_code, channel)
        if gateway is None:
            raise _no_gateway(platform_code, channel)
        return self._shown(gateway)

    def _shown(self, gateway: Gateway) -> ShownGateway:
        kind = PROVIDERS[gateway.channel][gateway.provider]
        values = self._open(gateway)
        secret = {field.name for field in kind.fields if field.is_secret}
        return ShownGateway(
            gateway,
            kind,
            {field.name: values.get(field.name, "") for field in kind.fields if not field.is_secret},
            frozenset(name for name in secret if values.get(name)),
            now_ms(),
        )

    def _open(self, gateway: Gateway) -> dict[str, str]:
        binding = gateway_binding(gateway.platform.code, gateway.channel)
        text = self._sealing.open_value("gateway", binding, gateway.config_sealed)
        return msgspec.json.decode(text, type=dict[str, str])


def providers_of(channel: str) -> list[Provider]:
    """Return the providers of a channel, the usual one first. Refuses with FIELD_MALFORMED (channel)."""
    provider_of(channel, "")
    return list(PROVIDERS[channel_of(channel)].values())


def channel_of(text: str) -> Channel:
    """Return the channel with this code. Refuses with FIELD_MALFORMED (channel)."""
    channel = next((channel for channel in CHANNELS if channel == text), None)
    if channel is None:
        listed = ", ".join(CHANNELS)
        raise malformed("channel", f"只能取 {listed}", f"must be one of {listed}")
    return channel


def _merged(kind: Provider, kept: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with those that are left out. Secrets are not sent to another server than before."""
    if _URL_OF_ALL not in fields:
        moved = any(kept.get(name) != fields[name] for name in DESTINATIONS & fields.keys() & kept.keys())
        for field in kind.fields:
            if moved and field.is_secret and kept.get(field.name) and field.name not in fields:
                raise malformed(
                    field.name,
                    "服务器已变更,须重新填写",
                    "must be entered again, since the server is another one",
                )
    return {**kept, **fields}


def _no_gateway(platform_code: str, channel: Channel) -> Refusal:
    return malformed(
        "channel", f"平台{platform_code}没有{channel}网关", f"platform {platform_code} has no gateway for {channel}"
    )


_TEST_TITLE = Phrase("测试消息", "Test message")
_TEST_TEXT = Phrase(
    "这是消息中心运营人员发送的测试消息，无需处理。",
    "An operator of the message centre has sent this message as a test. There is nothing to do.",
)


def _test_note(language: Language, platform_code: str, now: int) -> Note:
    return Note(
        message_id=0,
        kind="text",
        language=language,
        title=_TEST_TITLE.in_language(language),
        text=_TEST_TEXT.in_language(language),
        app_name="MsgCenter",
        sender=platform_code,
        sent_at=now,
    )
