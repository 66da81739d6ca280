"""`msgcenter channel type|policy|settings …`: when messages are sent by channels, and by which."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.markup import escape

from msgcenter.cli.actor import command_actor
from msgcenter.cli.console import fail, out, print_json, program
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.actions.channels.decisions import ChannelDecisions
    from msgcenter.domain.channels.codes import Channel as ChannelCode
    from msgcenter.domain.channels.decisions import QuietHours
    from msgcenter.domain.channels.policy import Choice

Result = TypeVar("Result")

types = typer.Typer(help="Message types, the categories that apps name in their sends.", no_args_is_help=True)
policies = typer.Typer(help="What single apps do otherwise than the types and the platform.", no_args_is_help=True)

_NONE, _DEFAULT = "none", "default"
Platform = Annotated[str, typer.Argument(help="The platform's code.", metavar="PLATFORM")]
Code = Annotated[str, typer.Argument(help="The type's code, which apps send as category.", metavar="CODE")]
App = Annotated[str, typer.Argument(help="The app's appId.", metavar="APP_ID")]
Channels = Annotated[
    str | None,
    typer.Option(
        help="email, sms, wecom, dingtalk, feishu, push, apprise: several with commas; none: only the inbox; default: "
        "what is more general decides.",
        metavar="CHANNELS",
    ),
]
Delay = Annotated[
    str | None,
    typer.Option(help="Minutes, 0-10080, that a message may stay unread; or: default.", metavar="MINUTES"),
]
TypeOption = Annotated[
    str, typer.Option("--type", help="Only messages of this type; without, all of the app.", metavar="CODE")
]


def _on_decisions(work: "Callable[[ChannelDecisions], Awaitable[Result]]") -> Result:
    from msgcenter.actions.channels.decisions import ChannelDecisions
    from msgcenter.cli.database import on_database

    return on_database(lambda database: work(ChannelDecisions(database)))


# --- Message types ----------------------------------------------------------------------------------------------------


@types.command(
    "set", epilog="Example: [bold]msgcenter channel type set 420100 homework --zh 作业 --en Homework --delay 60[/]"
)
def set_type(
    platform: Platform,
    code: Code,
    zh: Annotated[str | None, typer.Option(help="Its Chinese name.", metavar="NAME")] = None,
    en: Annotated[str | None, typer.Option(help="Its English name.", metavar="NAME")] = None,
    urgency: Annotated[
        str | None,
        typer.Option(help="low (may become a digest), normal, or urgent (ignores quiet hours).", metavar="URGENCY"),
    ] = None,
    channels: Channels = None,
    delay: Delay = None,
    mandatory: Annotated[
        bool | None, typer.Option("--mandatory/--optional", help="Whether users cannot turn its channels off.")
    ] = None,
) -> None:
    """Add a message type, or change what the options say. An archived one can be used again."""
    from msgcenter.domain.channels.codes import Urgency
    from msgcenter.domain.channels.decisions import MessageType

    urgencies = {each.name.lower(): each for each in Urgency}
    if urgency is not None and urgency not in urgencies:
        raise fail(f"--urgency must be one of: {', '.join(urgencies)}")

    async def change(decisions: "ChannelDecisions") -> None:
        known = {kind.code: kind for kind in await decisions.types(platform)}
        kind = known.get(code, MessageType(code, zh or en or code, en or zh or code))
        changed: dict[str, Any] = {
            "name_zh": zh,
            "name_en": en,
            "urgency": None if urgency is None else urgencies[urgency],
            "choice": _changed_choice(kind.choice, channels, delay),
            "mandatory": mandatory,
        }
        kind = kind._replace(**{name: value for name, value in changed.items() if value is not None})
        await decisions.save_type(platform, kind, by=command_actor())

    _on_decisions(change)
    out.print(f"[green]✓[/] Message type [bold]{escape(code)}[/] is set.")


@types.command("list")
def list_types(platform: Platform, json: AsJson = False) -> None:
    """List the message types of a platform."""
    from rich.table import Table

    kinds = _on_decisions(lambda decisions: decisions.types(platform))
    if json:
        print_json(
            [
                {
                    "code": kind.code,
                    "zh": kind.name_zh,
                    "en": kind.name_en,
                    "urgency": kind.urgency.name.lower(),
                    **_choice_json(kind.choice),
                    "mandatory": kind.mandatory,
                    "archived": kind.archived_at is not None,
                }
                for kind in kinds
            ]
        )
    elif kinds:
        table = Table("code", "zh", "en", "urgency", "channels", "minutes", "")
        for kind in kinds:
            marks = ["mandatory"] * kind.mandatory + ["archived"] * (kind.archived_at is not None)
            cells = (kind.code, kind.name_zh, kind.name_en, kind.urgency.name.lower(), *_choice_texts(kind.choice))
            table.add_row(*map(escape, cells), ", ".join(marks))
        out.print(table)
    else:
        out.print(f"No message types. Add one: {program()} channel type set {escape(platform)} CODE", markup=False)


@types.command("remove")
def remove_type(platform: Platform, code: Code) -> None:
    """Archive a message type: apps can no longer use it. Sent messages keep it; to use it again, set it."""
    _on_decisions(lambda decisions: decisions.archive_type(platform, code, by=command_actor()))
    out.print(f"[green]✓[/] Message type [bold]{escape(code)}[/] is archived.")


# --- Policies of apps -------------------------------------------------------------------------------------------------


@policies.command(
    "set", epilog="Example: [bold]msgcenter channel policy set 420100 APP_ID --channels push,email --delay 10[/]"
)
def set_policy(
    platform: Platform, app_id: App, kind: TypeOption = "", channels: Channels = None, delay: Delay = None
) -> None:
    """Set what an app does otherwise."""

    async def change(decisions: "ChannelDecisions") -> None:
        from msgcenter.domain.channels.policy import Choice

        found = [
            each.choice
            for each in await decisions.policies(platform)
            if (each.app_id, each.type_code) == (app_id, kind)
        ]
        choice = _changed_choice(found[0] if found else Choice(), channels, delay)
        await decisions.set_policy(platform, app_id, kind, choice, by=command_actor())

    _on_decisions(change)
    out.print(f"[green]✓[/] The policy of [bold]{escape(app_id)}[/] is set.")


@policies.command("list")
def list_policies(platform: Platform, json: AsJson = False) -> None:
    """List what the apps of a platform do otherwise."""
    from rich.table import Table

    found = _on_decisions(lambda decisions: decisions.policies(platform))
    if json:
        print_json(
            [
                {"appId": it.app_id, "name": it.app_name, "category": it.type_code or None, **_choice_json(it.choice)}
                for it in found
            ]
        )
        return
    if not found:
        out.print("All apps follow the message types and the platform's settings.")
        return
    table = Table("app", "name", "type", "channels", "minutes")
    for it in found:
        table.add_row(*map(escape, (it.app_id, it.app_name, it.type_code or "all", *_choice_texts(it.choice))))
    out.print(table)


@policies.command("remove")
def remove_policy(platform: Platform, app_id: App, kind: TypeOption = "") -> None:
    """Let an app follow the types and the platform again."""
    removed = _on_decisions(lambda decisions: decisions.remove_policy(platform, app_id, kind, by=command_actor()))
    out.print("[green]✓[/] The policy is removed." if removed else "There was no such policy.")


# --- Settings of platforms --------------------------------------------------------------------------------------------


def set_and_show_settings(
    platform: Platform,
    channels: Annotated[
        str | None,
        typer.Option(help="Channels of messages for which nothing else says it, with commas; or: none."),
    ] = None,
    delay: Annotated[
        int | None, typer.Option(help="Minutes, 0-10080, that these may stay unread.", metavar="MINUTES")
    ] = None,
    quiet: Annotated[
        str | None, typer.Option(help="Quiet hours, such as 22:00-07:00; or: none.", metavar="HOURS")
    ] = None,
    digest_after: Annotated[
        int | None,
        typer.Option(help="More messages of low urgency than this in an hour become a digest.", metavar="NUMBER"),
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="The platform's time zone; default: the installation's.", metavar="ZONE")
    ] = None,
    inbox_url: Annotated[
        str | None,
        typer.Option(help="Where links lead, with {msgId}; default: the server's own inbox page.", metavar="URL"),
    ] = None,
    approve_templates: Annotated[
        bool | None,
        typer.Option("--approve-templates/--no-approve-templates", help="Whether operators approve templates."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Set when and how a platform sends messages by channels; show what it has decided."""

    async def change(decisions: "ChannelDecisions") -> "dict[str, Any]":
        current = await decisions.settings(platform)
        given = {
            "delay_minutes": delay,
            "digest_after": digest_after,
            "approves_templates": approve_templates,
        }
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if channels is not None:
            changed["channels"] = _channels(channels) or ()
        if quiet is not None:
            changed["quiet_hours"] = _quiet_hours(quiet)
        for name, text in (("time_zone", time_zone), ("inbox_url", inbox_url)):
            if text is not None:
                changed[name] = None if text == _DEFAULT else text
        current = current._replace(**changed)
        await decisions.save_settings(platform, current, by=command_actor())
        return current._asdict()

    shown = _on_decisions(change)
    hours = shown["quiet_hours"]
    if json:
        names = ("delay_minutes", "digest_after", "approves_templates", "time_zone", "inbox_url")
        keys = ("delayMinutes", "digestAfter", "approvesTemplates", "timeZone", "inboxUrl")
        values = {key: shown[name] for key, name in zip(keys, names, strict=True)}
        print_json({"channels": list(shown["channels"]), "quietHours": hours and str(hours), **values})
        return
    for label, value in (
        ("Channels", ", ".join(shown["channels"]) or _NONE),
        ("Minutes unread", shown["delay_minutes"]),
        ("Quiet hours", hours or _NONE),
        ("Digest after", shown["digest_after"]),
        ("Time zone", shown["time_zone"] or "the installation's"),
        ("Links lead to", shown["inbox_url"] or "the server's own inbox page"),
        ("Templates need approval", "yes" if shown["approves_templates"] else "no"),
    ):
        out.print(f"{label}: {value}", markup=False, soft_wrap=True)


# --- Options ----------------------------------------------------------------------------------------------------------


def _changed_choice(choice: "Choice", channels: str | None, delay: str | None) -> "Choice":
    if channels is not None:
        choice = choice._replace(channels=_channels(channels))
    if delay is None:
        return choice
    if delay != _DEFAULT and not (delay.isascii() and delay.isdigit()):
        raise fail("--delay must be a number of minutes, or: default")
    return choice._replace(delay_minutes=None if delay == _DEFAULT else int(delay))


def _channels(text: str) -> "tuple[ChannelCode, ...] | None":
    """Return the channels of an option; None for `default`."""
    from msgcenter.domain.channels.decisions import parse_channels

    if text in {_NONE, _DEFAULT}:
        return () if text == _NONE else None
    return parse_channels(part.strip() for part in text.split(","))


def _quiet_hours(text: str) -> "QuietHours | None":
    from msgcenter.domain.channels.decisions import parse_quiet_hours

    start, _, end = ("", "", "") if text == _NONE else text.partition("-")
    return parse_quiet_hours(start.strip(), end.strip())


def _choice_texts(choice: "Choice") -> tuple[str, str]:
    channels = _DEFAULT if choice.channels is None else ", ".join(choice.channels) or _NONE
    return channels, _DEFAULT if choice.delay_minutes is None else str(choice.delay_minutes)


def _choice_json(choice: "Choice") -> dict[str, object]:
    channels = None if choice.channels is None else list(choice.channels)
    return {"channels": channels, "delayMinutes": choice.delay_minutes}
