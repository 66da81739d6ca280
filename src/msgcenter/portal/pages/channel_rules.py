"""For operators: message types, policies of apps, and settings of a platform about channels."""

from dataclasses import dataclass
from urllib.parse import urlencode

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.channels.decisions import ChannelDecisions
from msgcenter.domain.channels.codes import CHANNELS, Channel, Urgency
from msgcenter.domain.channels.decisions import MessageType, Settings, parse_channels, parse_quiet_hours
from msgcenter.domain.channels.policy import Choice
from msgcenter.domain.refusal import malformed
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import Form, PageRequest
from msgcenter.portal.pages.numbers import form_number

PATH = "/operator/channel-rules"


@dataclass(frozen=True)
class ChannelRulesPages:
    """Show and change what platforms decide about channels. The page is about the platform in the query or form."""

    decisions: ChannelDecisions
    platforms: Platforms
    apps: Apps

    async def rules(self, request: PageRequest) -> Answer:
        """Show what a platform has decided."""
        platforms = await self.platforms.all()
        code = request.form["platform"] or request.query("platform") or (platforms[0].code if platforms else "")
        values: dict[str, object] = {"platforms": platforms, "code": code, "channels": CHANNELS, "urgencies": Urgency}
        if any(platform.code == code for platform in platforms):
            values |= {
                "settings": await self.decisions.settings(code),
                "types": await self.decisions.types(code),
                "policies": await self.decisions.policies(code),
                "apps": await self.apps.registered(code),
            }
        return View("operator_channel_rules.html", values)

    async def save_settings(self, request: PageRequest) -> Answer:
        """Change the settings of a platform."""
        form = request.form
        settings = Settings(
            channels=_checked_channels(form),
            delay_minutes=form_number(form, "delay"),
            quiet_hours=parse_quiet_hours(form["quiet_from"], form["quiet_until"], "quiet_from"),
            digest_after=form_number(form, "digest_after"),
            approves_templates=form["approves_templates"] == "1",
            time_zone=form["time_zone"] or None,
            inbox_url=form["inbox_url"] or None,
        )
        await self.decisions.save_settings(await self._platform(form), settings, by=request.actor)
        return _done(form)

    async def save_type(self, request: PageRequest) -> Answer:
        """Add a message type, or change one."""
        form = request.form
        kind = MessageType(
            code=form["code"],
            name_zh=form["name_zh"],
            name_en=form["name_en"],
            urgency=_urgency(form),
            choice=_choice(form),
            mandatory=form["mandatory"] == "1",
        )
        platform = await self._platform(form)
        await self.decisions.save_type(platform, kind, by=request.actor, is_new=form["new"] == "1")
        return _done(form)

    async def archive_type(self, request: PageRequest) -> Answer:
        """Archive a message type."""
        form = request.form
        await self.decisions.archive_type(await self._platform(form), form["code"], by=request.actor)
        return _done(form)

    async def save_policy(self, request: PageRequest) -> Answer:
        """Set what an app does otherwise."""
        form = request.form
        platform = await self._platform(form)
        await self.decisions.set_policy(platform, form["app"], form["type"], _choice(form), by=request.actor)
        return _done(form)

    async def remove_policy(self, request: PageRequest) -> Answer:
        """Let an app follow the types and the platform again."""
        form = request.form
        await self.decisions.remove_policy(await self._platform(form), form["app"], form["type"], by=request.actor)
        return _done(form)

    async def _platform(self, form: Form) -> str:
        return (await self.platforms.find(form["platform"])).code


def _done(form: Form) -> Answer:
    return see_other(f"{PATH}?{urlencode({'platform': form['platform'], 'done': 'saved'})}")


def _urgency(form: Form) -> Urgency:
    try:
        return Urgency[form["urgency"].upper()]
    except KeyError:
        raise malformed("urgency", "请选择", "must be one of the choices") from None


def _choice(form: Form) -> Choice:
    """Return what a type or a policy says: with `own`, the checked channels; a delay unless the field is empty."""
    return Choice(
        _checked_channels(form) if form["own"] == "1" else None,
        form_number(form, "delay") if form["delay"] else None,
    )


def _checked_channels(form: Form) -> tuple[Channel, ...]:
    return parse_channels(channel for channel in CHANNELS if form[f"channel.{channel}"] == "1")
