"""`msgcenter app …`: register apps and manage them."""

import shlex
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.markup import escape

from msgcenter.cli.actor import command_actor
from msgcenter.cli.commands.grant import GRANT_EXAMPLES, grant
from msgcenter.cli.console import fail, local_time, out, print_json, program
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.actions.apps.apps import AppCredentials, Apps
    from msgcenter.actions.apps.key_ring import KeyRing
    from msgcenter.database.database import Database
    from msgcenter.store.apps.apps import AppRecord

apps = typer.Typer(help="Register, show, disable and enable apps, and rotate their keys.", no_args_is_help=True)

AppId = Annotated[str, typer.Argument(help="The app's appId.", metavar="APP_ID")]
Platform = Annotated[str, typer.Option(help="Code of the app's platform; a new one is created.", metavar="CODE")]
Result = TypeVar("Result")


class InboxScope(StrEnum):
    """The messages that an app's user tokens give access to."""

    OWN = "own"
    PLATFORM = "platform"


def _on_apps(work: "Callable[[Apps], Awaitable[Result]]") -> Result:
    """Run work on the register of apps. Fails with a hint if the appId is unknown."""
    from msgcenter.actions.apps.apps import Apps

    return _on_database(lambda database, keys: work(Apps(database, keys)))


def _on_database(work: "Callable[[Database, KeyRing], Awaitable[Result]]") -> Result:
    from msgcenter.cli.database import on_database_with_keys
    from msgcenter.domain.refusal import Reason, Refusal

    async def run(database: "Database", keys: "KeyRing") -> Result:
        try:
            return await work(database, keys)
        except Refusal as refusal:
            if refusal.reason is not Reason.APP_UNKNOWN:
                raise
            raise fail(f"There is no app with this appId. List all apps: {program()} app list") from None

    return on_database_with_keys(run)


def _print_credentials(credentials: "AppCredentials", *, as_json: bool) -> None:
    app, app_key = credentials
    if as_json:
        print_json({"appId": app.app_id, "appKey": app_key, "name": app.name, "platformCode": app.platform_code})
        return
    out.print(f"[green]✓[/] [bold]{escape(app.name)}[/] on platform [bold]{escape(app.platform_code)}[/]")
    out.print(f"  appId   [cyan]{escape(app.app_id)}[/]", soft_wrap=True)
    out.print(f"  appKey  [cyan]{escape(app_key)}[/]  (keep it secret)", soft_wrap=True)
    out.print("\nSend a first message while the server is running:\n")
    out.print(
        f"MSGCENTER_APP_ID={shlex.quote(app.app_id)} MSGCENTER_APP_KEY={shlex.quote(app_key)} \\\n"
        f"  {program()} send --to USER 'hello'",
        markup=False,
        soft_wrap=True,
    )


def _state(record: "AppRecord") -> str:
    return "disabled" if record.app.disabled else "active"


def _as_dict(record: "AppRecord") -> dict[str, Any]:
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
        str | None, typer.Option(help="Use this appId, from another system, instead of a new one.", metavar="ID")
    ] = None,
    app_key: Annotated[
        str | None,
        typer.Option(help="Use this appKey, from another system; - reads it from standard input.", metavar="KEY"),
    ] = None,
    json: AsJson = False,
) -> None:
    """Register an app and print its appId and appKey."""
    if app_key == "-":
        app_key = sys.stdin.readline().strip()
    credentials = _on_apps(
        lambda register: register.create(name, platform, app_id=app_id, app_key=app_key, by=command_actor())
    )
    _print_credentials(credentials, as_json=json)


@apps.command("list")
def list_apps(
    platform: Annotated[str | None, typer.Option(help="Only this platform's apps.", metavar="CODE")] = None,
    json: AsJson = False,
) -> None:
    """List the apps."""
    from rich.table import Column, Table

    records = _on_apps(lambda register: register.registered(platform))
    if json:
        print_json([_as_dict(record) for record in records])
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
        created = local_time(datetime.fromtimestamp(record.created_at / 1_000, UTC))
        state = "[yellow]disabled[/]" if app.disabled else "[green]active[/]"
        table.add_row(escape(app.app_id), escape(app.name), escape(app.platform_code), state, created)
    out.print(table)


@apps.command()
def show(
    app_id: AppId,
    key: Annotated[bool, typer.Option("--key", help="Also show the appKey.")] = False,
    json: AsJson = False,
) -> None:
    """Show one app."""

    async def read(register: "Apps") -> "tuple[AppRecord, AppCredentials]":
        return await register.find(app_id), await register.credentials(app_id)

    record, credentials = _on_apps(read)
    properties = _as_dict(record) | ({"appKey": credentials.app_key} if key else {})
    if json:
        print_json(properties)
        return
    for name, value in properties.items():
        out.print(f"{name:<14}{value}", markup=False, soft_wrap=True)


@apps.command("rotate-key")
def rotate_key(app_id: AppId, json: AsJson = False) -> None:
    """Give an app a new appKey. The previous key and its tokens become invalid at once."""
    _print_credentials(_on_apps(lambda register: register.rotate_key(app_id, by=command_actor())), as_json=json)


@apps.command()
def disable(app_id: AppId) -> None:
    """Disable an app. Its tokens become invalid at once."""
    _on_apps(lambda register: register.set_disabled(app_id, disabled=True, by=command_actor()))
    out.print(f"[green]✓[/] {escape(app_id)} is disabled. Its calls are refused.", soft_wrap=True)


@apps.command()
def enable(app_id: AppId) -> None:
    """Enable a disabled app. It must get a new token."""
    _on_apps(lambda register: register.set_disabled(app_id, disabled=False, by=command_actor()))
    out.print(f"[green]✓[/] {escape(app_id)} is active. It must get a new token.", soft_wrap=True)


@apps.command()
def scope(
    app_id: AppId,
    inbox: Annotated[
        InboxScope | None,
        typer.Option(help="Messages that its user tokens show: its own, or those of all apps on the platform."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A website that may embed the inbox; repeat it for several.", metavar="URL"),
    ] = None,
    no_origins: Annotated[bool, typer.Option("--no-origins", help="No other website may embed the inbox.")] = False,
    broadcast: Annotated[
        bool | None, typer.Option("--broadcast/--no-broadcast", help="Allow or forbid broadcasts to a platform.")
    ] = None,
) -> None:
    """Set the messages that an app's user tokens show, the websites that may embed its inbox, and broadcasts."""
    origins = [] if no_origins else [url.rstrip("/") for url in origin] if origin else None

    from msgcenter.actions.apps.app_settings import AppSettings

    async def change(database: "Database", _: "KeyRing") -> "AppRecord":
        settings, by = AppSettings(database), command_actor()
        if broadcast is not None:
            await settings.set_broadcasts(app_id, allowed=broadcast, by=by)
        return await settings.set_inbox(app_id, scope=inbox.value if inbox else None, origins=origins, by=by)

    record = _on_database(change)
    out.print(f"User tokens of {escape(app_id)} show: {_SCOPES[record.inbox_scope]}")
    out.print(f"Broadcasts: {'allowed' if record.app.broadcasts else 'not allowed'}")
    origin_list = ", ".join(map(escape, record.origins))
    out.print(f"Websites that may embed the inbox: {origin_list or 'only this server'}")


apps.command(epilog=GRANT_EXAMPLES)(grant)

_SCOPES = {"own": "messages of this app", "platform": "messages of all apps on the platform"}
