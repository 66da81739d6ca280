"""`msgcenter channel …`: the gateways by which a platform's channels are sent."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from msgcenter.cli.console import err, fail, local_time, out, print_json, program
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.actions.apps.key_ring import KeyRing
    from msgcenter.actions.channels.gateways import Gateways, ShownGateway
    from msgcenter.channels.config import Provider
    from msgcenter.channels.face import Outcome
    from msgcenter.database.database import Database

channels = typer.Typer(
    help="The ways to send messages outside the inbox: gateways for mail, SMS, chats and push.", no_args_is_help=True
)
Platform = Annotated[str, typer.Argument(help="The platform's code.", metavar="PLATFORM")]
Channel = Annotated[
    str, typer.Argument(help="email, sms, wecom, dingtalk, feishu, push or apprise.", metavar="CHANNEL")
]
Result = TypeVar("Result")


def _on_gateways(work: "Callable[[Gateways], Awaitable[Result]]", field_advice: str = "") -> Result:
    from msgcenter.cli.database import on_database_with_keys
    from msgcenter.domain.refusal import Refusal

    async def run(database: "Database", keys: "KeyRing") -> Result:
        from msgcenter.actions.channels.gateways import Gateways
        from msgcenter.domain.network import AddressRules
        from msgcenter.outbound.guarded_network import Resolver
        from msgcenter.outbound.network import Network
        from msgcenter.settings import read_settings

        network = Network(Resolver(), AddressRules(read_settings().webhook_allow))
        try:
            return await work(Gateways(database, keys, network))
        except Refusal as refusal:
            more = f" ({field_advice})" if field_advice and "field" in refusal.data else ""
            raise fail(refusal.describe("en") + more) from None

    return on_database_with_keys(run)


@channels.command(
    "set",
    epilog="Examples:\n\n[bold]msgcenter channel set 420100 email --smtp smtp://user:password@mail.school.example:587 "
    "--from 'School <no-reply@school.example>'[/]\n\n"
    "[bold]msgcenter channel set 420100 push --field contact=mailto:it@school.example[/]\n\n"
    "[bold]msgcenter channel set 420100 email --field password=? --rate 5[/]",
)
def set_gateway(
    platform: Platform,
    channel: Channel,
    provider: Annotated[
        str, typer.Option(help="Which program speaks to it, if the channel has several.", metavar="CODE")
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(help="A field of the gateway. VALUE ? asks for it, @FILE reads it.", metavar="NAME=VALUE"),
    ] = None,
    smtp: Annotated[str | None, typer.Option(help="The mail server, with user and password.", metavar="URL")] = None,
    sender: Annotated[str | None, typer.Option("--from", help="The sender of mails.", metavar="ADDRESS")] = None,
    rate: Annotated[float | None, typer.Option(help="Messages per second.")] = None,
    daily_limit: Annotated[int | None, typer.Option(help="Messages per day; 0: no limit.")] = None,
    json: AsJson = False,
) -> None:
    """Set how a platform reaches a channel. What is left out keeps its value.

    Secrets are stored encrypted and never shown again. `msgcenter channel fields CHANNEL` lists the fields.
    """
    from msgcenter.actions.channels.gateways import NewGateway
    from msgcenter.cli.actor import command_actor

    fields = dict(map(_parsed, field or []))
    fields |= {name: value for name, value in (("smtp", smtp), ("from", sender)) if value is not None}
    new = NewGateway(platform, channel, provider, fields, rate, daily_limit)
    advice = f"{program()} channel fields {channel} lists all"
    shown = _on_gateways(lambda gateways: gateways.set(new, by=command_actor()), advice)
    if json:
        print_json(_as_json(shown))
        return
    _print(shown)
    if channel != "push":
        out.print(f"Try it: {program()} channel test {platform} {channel} --to ADDRESS", markup=False, soft_wrap=True)


def _parsed(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise fail(f"--field takes NAME=VALUE, not {text!r}.")
    if value == "?":
        return name, typer.prompt(name, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()[:-1]
    if value.startswith("@"):
        try:
            return name, Path(value[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise fail(f"{value[1:]} cannot be read: {error}") from None
    return name, value


@channels.command(epilog="Example: [bold]msgcenter channel fields email[/]")
def fields(channel: Channel, json: AsJson = False) -> None:
    """List the providers of a channel with their fields, for `msgcenter channel set`."""
    from msgcenter.actions.channels.gateways import providers_of
    from msgcenter.domain.refusal import Refusal

    try:
        providers = providers_of(channel)
    except Refusal as refusal:
        raise fail(refusal.describe("en")) from None
    if json:
        print_json([_provider_as_json(provider) for provider in providers])
        return
    for provider in providers:
        out.print(f"{provider.code}: {provider.name.en}, {provider.rate:g} messages per second", markup=False)
        for field in provider.fields:
            notes = [
                *(["secret"] if field.is_secret else []),
                *(["optional"] if not field.required or field.default else []),
                *([f"default {field.default}"] if field.default else []),
                *([f"one of {', '.join(field.choices)}"] if field.choices else []),
            ]
            help_text = f" – {field.help.en}" if field.help.en else ""
            noted = f" ({'; '.join(notes)})" if notes else ""
            out.print(f"  {field.name}: {field.label.en}{help_text}{noted}", markup=False, soft_wrap=True)


@channels.command("list", epilog="Example: [bold]msgcenter channel list 420100[/]")
def list_gateways(
    platform: Annotated[str | None, typer.Argument(help="Only those of this platform.", metavar="PLATFORM")] = None,
    json: AsJson = False,
) -> None:
    """List the gateways with their state, without secrets."""
    shown = _on_gateways(lambda gateways: gateways.all(platform))
    if json:
        print_json([_as_json(gateway) for gateway in shown])
        return
    if not shown:
        out.print(f"No gateways yet. Set one: {program()} channel set PLATFORM CHANNEL", markup=False, soft_wrap=True)
    for gateway in shown:
        _print(gateway)


@channels.command("test", epilog="Example: [bold]msgcenter channel test 420100 email --to wang.fang@school.example[/]")
def send_test(
    platform: Platform,
    channel: Channel,
    to: Annotated[
        str, typer.Option(help="An e-mail address, a mobile number, an account; as the channel needs.", metavar="TO")
    ] = "",
    language: Annotated[Literal["zh", "en"], typer.Option(help="The language of the message.")] = "zh",
    json: AsJson = False,
) -> None:
    """Send a test message, and show what the gateway answers. The exit code is 1 if it did not accept it."""
    from msgcenter.cli.actor import command_actor

    async def work(gateways: "Gateways") -> "Outcome":
        with err.status("Waiting for the gateway…"):
            return await gateways.test(platform, channel, to, language, by=command_actor())

    outcome = _on_gateways(work)
    if json:
        print_json({"verdict": outcome.verdict, "reason": outcome.reason, "providerId": outcome.provider_id})
    elif outcome.verdict == "accepted":
        known_as = f" as {outcome.provider_id}" if outcome.provider_id else ""
        out.print(
            f"✓ Accepted{known_as}{f': {outcome.reason}' if outcome.reason else ''}", markup=False, soft_wrap=True
        )
    else:
        later = "It may accept it later" if outcome.verdict == "later" else "It will not accept it"
        raise fail(f"Not accepted. {later}: {outcome.reason}")
    if outcome.verdict != "accepted":
        raise typer.Exit(1)


@channels.command(epilog="Example: [bold]msgcenter channel off 420100 sms[/]")
def off(platform: Platform, channel: Channel) -> None:
    """Turn a gateway off. Its configuration stays; what waits for it is not sent."""
    _turn(platform, channel, off=True)


@channels.command(epilog="Example: [bold]msgcenter channel on 420100 sms[/]")
def on(platform: Platform, channel: Channel) -> None:
    """Turn a gateway on again, or end its pause."""
    _turn(platform, channel, off=False)


def _turn(platform: str, channel: str, *, off: bool) -> None:
    from msgcenter.cli.actor import command_actor

    changed = _on_gateways(lambda gateways: gateways.set_off(platform, channel, off=off, by=command_actor()))
    state = "off" if off else "on"
    out.print(f"✓ {channel} is {state}." if changed else f"{channel} is {state} already.", markup=False)


@channels.command(epilog="Example: [bold]msgcenter channel remove 420100 sms[/]")
def remove(
    platform: Platform,
    channel: Channel,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a gateway with its secrets."""
    from msgcenter.cli.actor import command_actor

    if not yes:
        if not sys.stdin.isatty():
            raise fail("Nothing was changed. Add --yes to remove the gateway without being asked.")
        typer.confirm(f"Remove the gateway of platform {platform} for {channel}, with its secrets?", abort=True)
    _on_gateways(lambda gateways: gateways.remove(platform, channel, by=command_actor()))
    out.print(f"✓ Platform {platform} has no gateway for {channel} any more.", markup=False, soft_wrap=True)


def _print(shown: "ShownGateway") -> None:
    gateway = shown.gateway
    limit = f", {gateway.daily_limit:,} per day" if gateway.daily_limit is not None else ""
    out.print(
        f"{gateway.platform.code}  {gateway.channel:<9} {_state(shown)}  {gateway.label}  "
        f"({gateway.provider}, {gateway.rate:g} per second{limit})",
        markup=False,
        soft_wrap=True,
    )
    if gateway.last_error:
        at = "" if gateway.failed_at is None else f"{_time(gateway.failed_at)} "
        out.print(f"    last problem: {at}{gateway.last_error}", markup=False, soft_wrap=True)


def _state(shown: "ShownGateway") -> str:
    gateway, state = shown.gateway, shown.state
    if state == "paused" and gateway.paused_until is not None:
        return f"paused until {_time(gateway.paused_until)}"
    return state


def _time(milliseconds: int) -> str:
    return local_time(datetime.fromtimestamp(milliseconds / 1_000, UTC))


def _as_json(shown: "ShownGateway") -> Mapping[str, Any]:
    gateway = shown.gateway
    return {
        "platform": gateway.platform.code,
        "channel": gateway.channel,
        "provider": gateway.provider,
        "label": gateway.label,
        "state": shown.state,
        "rate": gateway.rate,
        "dailyLimit": gateway.daily_limit,
        "fields": dict(shown.fields),
        "secrets": sorted(shown.secrets),
        "pausedUntil": gateway.paused_until,
        "failures": gateway.failures,
        "succeededAt": gateway.succeeded_at,
        "failedAt": gateway.failed_at,
        "lastError": gateway.last_error,
    }


def _provider_as_json(provider: "Provider") -> Mapping[str, Any]:
    return {
        "provider": provider.code,
        "name": provider.name.en,
        "rate": provider.rate,
        "fields": [
            {
                "name": field.name,
                "label": field.label.en,
                "help": field.help.en,
                "secret": field.is_secret,
                "required": field.required and not field.default,
                "default": field.default,
                "choices": list(field.choices),
            }
            for field in provider.fields
        ],
    }
