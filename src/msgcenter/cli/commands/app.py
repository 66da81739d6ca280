"""`msgcenter app …`: the register of apps."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from msgcenter.actions.apps.apps import AppCredentials, Apps
from msgcenter.cli.actor import operator_here
from msgcenter.cli.console import fail, out, plain_failures, program
from msgcenter.cli.signals import ended_by_signals
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.settings import read_settings
from msgcenter.store.apps.apps import AppRecord

apps = typer.Typer(help="Register apps, show them, rotate their keys, disable and enable them.", no_args_is_help=True)

AppId = Annotated[str, typer.Argument(help="The app's appId.", metavar="APP_ID")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Platform = Annotated[str, typer.Option(help="Code of the app's platform; made if it is new.", metavar="CODE")]


class InboxChoice(StrEnum):
    """What an app's user tokens see."""

    OWN = "own"
    PLATFORM = "platform"


def _run(work: Callable[[Apps], Awaitable[Any]]) -> Any:
    from msgcenter.application.database import database_url
    from msgcenter.application.secret_key import key_ring
    from msgcenter.cli.database import started
    from msgcenter.database.database import Database

    with plain_failures(), ended_by_signals(), started(read_settings()) as settings:

        async def run() -> Any:
            async with Database(database_url(settings), connections=2) as database:
                return await work(Apps(database, key_ring(settings)))

        try:
            return asyncio.run(run())
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
            raise fail(f"There is no app with this appId. See them all: {program()} app list") from None


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False))


def _show_credentials(credentials: AppCredentials, *, as_json: bool) -> None:
    app, app_key = credentials
    if as_json:
        _print_json({"appId": app.app_id, "appKey": app_key, "name": app.name, "platformCode": app.platform_code})
        return
    out.print(f"[green]✓[/] [bold]{escape(app.name)}[/] on platform [bold]{escape(app.platform_code)}[/]")
    out.print(f"  appId   [cyan]{escape(app.app_id)}[/]", soft_wrap=True)
    out.print(f"  appKey  [cyan]{escape(app_key)}[/]  (keep it secret)", soft_wrap=True)
    out.print("\nSend a first message, while the server runs:\n")
    out.print(
        f"MSGCENTER_APP_ID={shlex.quote(app.app_id)} MSGCENTER_APP_KEY={shlex.quote(app_key)} \\\n"
        f"  {program()} send --to USER 'hello'",
        markup=False,
        soft_wrap=True,
    )


def _state(record: AppRecord) -> str:
    return "disabled" if record.app.disabled else "active"


def _public(record: AppRecord) -> dict[str, Any]:
    created = datetime.fromtimestamp(record.created_at / 1_000, UTC).isoformat(timespec="seconds")
    return {
        "appId": record.app.app_id,
        "name": record.app.name,
        "platformCode": record.app.platform_code,
        "state": _state(record),
        "inbox": record.inbox_scope,
        "origins": " ".join(record.origins),
        "broadcasts": "allowed" if record.app.broadcasts else "not allowed",
        "created": created,
    }


@apps.command(epilog="Example: [bold]msgcenter app create --name 'Smart Campus' --platform 420100[/]")
def create(
    name: Annotated[str, typer.Option(help="The app's name, as users see it.", metavar="NAME")],
    platform: Platform,
    app_id: Annotated[
        str | None, typer.Option(help="Keep an appId from elsewhere instead of a new one.", metavar="ID")
    ] = None,
    app_key: Annotated[
        str | None, typer.Option(help="Keep an appKey from elsewhere; - reads it from standard input.", metavar="KEY")
    ] = None,
    json: AsJson = False,
) -> None:
    """Register an app and print its appId and appKey."""
    if app_key == "-":
        app_key = sys.stdin.readline().strip()
    credentials = _run(
        lambda register: register.create(name, platform, app_id=app_id, app_key=app_key, by=operator_here())
    )
    _show_credentials(credentials, as_json=json)


@apps.command("list")
def list_apps(
    platform: Annotated[str | None, typer.Option(help="Only this platform's apps.", metavar="CODE")] = None,
    json: AsJson = False,
) -> None:
    """List the apps."""
    from rich.table import Column, Table

    records: list[AppRecord] = _run(lambda register: register.registered(platform))
    if json:
        _print_json([_public(record) for record in records])
        return
    if not records:
        where = f" on platform {platform}" if platform is not None else ""
        out.print(
            f"No apps{where} yet. Register one: {program()} app create --name NAME --platform CODE",
            markup=False,
            soft_wrap=True,
        )
        return
    table = Table(Column("appId", no_wrap=True), "name", "platform", "state", "created")
    for record in records:
        app = record.app
        created = datetime.fromtimestamp(record.created_at / 1_000).astimezone().strftime("%Y-%m-%d %H:%M")
        state = "[yellow]disabled[/]" if app.disabled else "[green]active[/]"
        table.add_row(escape(app.app_id), escape(app.name), escape(app.platform_code), state, created)
    out.print(table)


@apps.command()
def show(
    app_id: AppId,
    key: Annotated[bool, typer.Option("--key", help="Show the appKey too.")] = False,
    json: AsJson = False,
) -> None:
    """Show one app."""
    record, credentials = _run(lambda register: _with_credentials(register, app_id))
    shown = _public(record) | ({"appKey": credentials.app_key} if key else {})
    if json:
        _print_json(shown)
        return
    for label, value in shown.items():
        out.print(f"{label:<14}{value}", markup=False, soft_wrap=True)


async def _with_credentials(register: Apps, app_id: str) -> tuple[AppRecord, AppCredentials]:
    return await register.find(app_id), await register.credentials(app_id)


@apps.command("rotate-key")
def rotate_key(app_id: AppId, json: AsJson = False) -> None:
    """Give an app a new appKey. The old key and all its tokens end at once."""
    _show_credentials(_run(lambda register: register.rotate_key(app_id, by=operator_here())), as_json=json)


@apps.command()
def disable(app_id: AppId) -> None:
    """Disable an app. All its tokens end at once."""
    _run(lambda register: register.set_disabled(app_id, disabled=True, by=operator_here()))
    out.print(f"[green]✓[/] {escape(app_id)} is disabled. Its calls are refused from now on.", soft_wrap=True)


@apps.command()
def enable(app_id: AppId) -> None:
    """Enable an app again; it must get a new token."""
    _run(lambda register: register.set_disabled(app_id, disabled=False, by=operator_here()))
    out.print(f"[green]✓[/] {escape(app_id)} is active. It must get a new token.", soft_wrap=True)


@apps.command()
def scope(
    app_id: AppId,
    inbox: Annotated[
        InboxChoice | None, typer.Option(help="What its user tokens see: its own messages, or the platform's.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A website that may embed the inbox; repeat it for several.", metavar="URL"),
    ] = None,
    no_origins: Annotated[bool, typer.Option("--no-origins", help="Let no other website embed the inbox.")] = False,
    broadcast: Annotated[
        bool | None, typer.Option("--broadcast/--no-broadcast", help="Whether it may send to everyone of a platform.")
    ] = None,
) -> None:
    """Say what an app's user tokens see, which websites may embed the inbox with them, and whether it may broadcast."""
    origins = [] if no_origins else [one.rstrip("/") for one in origin] if origin else None

    async def change(register: Apps) -> AppRecord:
        by = operator_here()
        if broadcast is not None:
            await register.set_broadcasts(app_id, allowed=broadcast, by=by)
        return await register.set_inbox(app_id, scope=inbox.value if inbox else None, origins=origins, by=by)

    record: AppRecord = _run(change)
    out.print(f"{escape(app_id)}: its user tokens see {_SEEN[record.inbox_scope]}.")
    out.print(f"It may {'' if record.app.broadcasts else 'not '}send to everyone of a platform.")
    out.print(
        "Websites that may embed the inbox: " + (", ".join(map(escape, record.origins)) or "none but this server")
    )


_SEEN = {"own": "its own messages", "platform": "the user's messages of all apps"}
