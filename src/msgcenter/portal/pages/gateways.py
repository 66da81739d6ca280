"""For operators: the gateways of a platform's channels, with a test that shows the real answer."""

from dataclasses import dataclass
from urllib.parse import urlencode

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.channels.gateways import Gateways, NewGateway, ShownGateway, channel_of, providers_of
from msgcenter.channels.config import Provider
from msgcenter.channels.face import Outcome
from msgcenter.domain.channels.codes import CHANNELS, CONTACT_OF_CHANNEL, Channel
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.texts.channels import channel_name, contact_kind_name

_HOME = "/operator/channels"
_NOT_FOUND = View("error.html", {"problem": "not_found"}, 404)
_FIELD = "field-"
"""Before the names of a gateway's fields in forms, so that none is another field of the page."""


@dataclass(frozen=True)
class _Asked:
    """The platform and the channel that an address names, and the gateway that is there."""

    platform_code: str
    channel: Channel
    providers: list[Provider]
    shown: ShownGateway | None

    def provider(self, code: str) -> Provider:
        """Return the provider with this code; by default that of the gateway, or the usual one."""
        usual = self.providers[0] if self.shown is None else self.shown.provider
        return next((provider for provider in self.providers if provider.code == code), usual)

    def to(self, page: str, done: str) -> Answer:
        """Return the way to a page about the platform."""
        query = {"platform": self.platform_code, **({"channel": self.channel} if page else {}), "done": done}
        return see_other(f"{_HOME}{page}?{urlencode(query)}")


@dataclass(frozen=True)
class GatewayPages:
    """List gateways, set one up, test it, turn it off and on, remove it. No page shows a secret."""

    gateways: Gateways
    platforms: Platforms

    async def list_gateways(self, request: PageRequest) -> Answer:
        """List the channels of a platform, by default the first, with their gateways."""
        platforms = await self.platforms.all()
        code = request.query("platform") or (platforms[0].code if platforms else "")
        if code not in {platform.code for platform in platforms}:
            return _NOT_FOUND if platforms else View("operator_channels.html", {"platforms": [], "rows": []})
        shown = {it.gateway.channel: it for it in await self.gateways.all(code)}
        return View(
            "operator_channels.html",
            {
                "platforms": platforms,
                "platform": code,
                "rows": [(channel, shown.get(channel)) for channel in CHANNELS if _providers(channel)],
                "channel_name": channel_name,
            },
        )

    async def gateway(self, request: PageRequest) -> Answer:
        """Show the form of a gateway, with its state."""
        return await self._page(request, None)

    async def save(self, request: PageRequest) -> Answer:
        """Set a gateway. A secret that is left empty stays as it is."""
        asked = await self._asked(request)
        if asked is None:
            return _NOT_FOUND
        form = request.form
        provider = asked.provider(request.query("provider"))
        values = {it.name: form[_FIELD + it.name] for it in provider.fields}
        secrets = {it.name for it in provider.fields if it.is_secret}
        kept = {name: value for name, value in values.items() if value or name not in secrets}
        new = NewGateway(
            asked.platform_code, asked.channel, provider.code, kept, _rate(form["rate"]), _limit(form["daily_limit"])
        )
        try:
            await self.gateways.set(new, by=request.actor)
        except Refusal as refusal:
            raise _in_form(refusal, set(values)) from None
        return asked.to("/gateway", "saved")

    async def test(self, request: PageRequest) -> Answer:
        """Send a test message, and show what the gateway answered."""
        asked = await self._asked(request)
        if asked is None or asked.shown is None:
            return _NOT_FOUND
        outcome = await self.gateways.test(
            asked.platform_code, asked.channel, request.form["address"], request.language, by=request.actor
        )
        return await self._page(request, outcome)

    async def set_off(self, request: PageRequest) -> Answer:
        """Turn a gateway off, or on again."""
        asked = await self._asked(request)
        if asked is None or asked.shown is None:
            return _NOT_FOUND
        off = request.form["off"] == "1"
        await self.gateways.set_off(asked.platform_code, asked.channel, off=off, by=request.actor)
        return asked.to("/gateway", "disabled" if off else "enabled")

    async def remove(self, request: PageRequest) -> Answer:
        """Remove a gateway with its secrets."""
        asked = await self._asked(request)
        if asked is None or asked.shown is None:
            return _NOT_FOUND
        await self.gateways.remove(asked.platform_code, asked.channel, by=request.actor)
        return asked.to("", "deleted")

    async def _page(self, request: PageRequest, outcome: Outcome | None) -> Answer:
        asked = await self._asked(request)
        if asked is None:
            return _NOT_FOUND if request.query("channel") else see_other(_HOME)
        provider = asked.provider(request.query("provider"))
        shown = asked.shown if asked.shown is not None and asked.shown.provider is provider else None
        kind = CONTACT_OF_CHANNEL.get(asked.channel)
        return View(
            "operator_gateway.html",
            {
                "platform": asked.platform_code,
                "channel": asked.channel,
                "channel_name": channel_name,
                "address_kind": None if kind is None else contact_kind_name(kind),
                "providers": asked.providers,
                "provider": provider,
                "shown": asked.shown,
                "values": {} if shown is None else shown.fields,
                "secrets": frozenset[str]() if shown is None else shown.secrets,
                "rate": provider.rate if shown is None else shown.gateway.rate,
                "daily_limit": "" if shown is None else shown.gateway.daily_limit or "",
                "outcome": outcome,
            },
        )

    async def _asked(self, request: PageRequest) -> _Asked | None:
        """Return what the address names; None if there is no such platform or channel."""
        code = request.query("platform")
        try:
            channel = channel_of(request.query("channel"))
            providers = providers_of(channel)
        except Refusal:
            return None
        if code not in {platform.code for platform in await self.platforms.all()}:
            return None
        shown = next((it for it in await self.gateways.all(code) if it.gateway.channel == channel), None)
        return _Asked(code, channel, providers, shown)


def _providers(channel: Channel) -> list[Provider]:
    try:
        return providers_of(channel)
    except Refusal:
        return []


def _in_form(refusal: Refusal, names: set[str]) -> Refusal:
    """Return a refusal that names the field as the form does."""
    name = str(refusal.data.get("field"))
    field = _FIELD + name if name in names else name
    return Refusal(refusal.reason, result=refusal.result, **{**refusal.data, "field": field})


def _rate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise malformed("rate", "须为数字", "must be a number") from None


def _limit(text: str) -> int:
    if text and not (text.isascii() and text.isdigit()):
        raise malformed("daily_limit", "须为整数", "must be an integer")
    return int(text or 0)
