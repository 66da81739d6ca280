"""`msgcenter app …`: the register of apps."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from msgcenter.actions.apps import AppCredentials, Apps
from msgcenter.cli.console import out, plain_failures
from msgcenter.settings import read_settings
from msgcenter.store.accounts import AppRecord

apps = typer.Typer(help="Register apps, show them, rotate their keys, disable and enable them.", no_args_is_help=True)

AppId = Annotated[str, typer.Argument(help="The app's appId.", metavar="APP_ID")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Platform = Annotated[str, typer.Option(help="Code of the app's platform; made if it is new.")]


def _run(work: Callable[[Apps], Awaitable[Any]]) -> Any:
    from msgcenter.application import database_of, database_url, key_ring, prepare
    from msgcenter.store.database import Database

    with plain_failures(), database_of(read_settings()) as settings:

        async def run() -> Any:
            await prepare(settings)
            async with Database(database_url(settings), connections=2) as database:
                return await work(Apps(database, key_ring(settings)))

        return asyncio.run(run())


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, ensure_ascii=False))


def _show_credentials(credentials: AppCredentials, *, as_json: bool) -> None:
    app, app_key = credentials
    if as_json:
        _print_json({"appId": app.app_id, "appKey": app_key, "name": app.name, "platformCode": app.platform_code})
        return
    out.print(f"[bold]{app.name}[/] on platform {app.platform_code}")
    out.print(f"  appId   [cyan]{app.app_id}[/]")
    out.print(f"  appKey  [cyan]{app_key}[/]  (keep it secret)")


def _state(record: AppRecord) -> str:
    return "disabled" if record.app.disabled else "active"


def _public(record: AppRecord) -> dict[str, Any]:
    created = datetime.fromtimestamp(record.created_at / 1_000, UTC).isoformat(timespec="seconds")
    return {
        "appId": record.app.app_id,
        "name": record.app.name,
        "platformCode": record.app.platform_code,
        "state": _state(record),
        "created": created,
    }


@apps.command()
def create(
    name: Annotated[str, typer.Option(help="The app's name, as users see it.")],
    platform: Platform,
    app_id: Annotated[str | None, typer.Option(help="Keep an appId from elsewhere instead of a new one.")] = None,
    app_key: Annotated[
        str | None, typer.Option(help="Keep an appKey from elsewhere.", envvar="MSGCENTER_APP_KEY")
    ] = None,
    json: AsJson = False,
) -> None:
    """Register an app and print its appId and appKey."""
    credentials = _run(lambda register: register.create(name, platform, app_id=app_id, app_key=app_key))
    _show_credentials(credentials, as_json=json)


@apps.command("list")
def list_apps(
    platform: Annotated[str | None, typer.Option(help="Only this platform's apps.")] = None, json: AsJson = False
) -> None:
    """List the apps."""
    from rich.table import Table

    records: list[AppRecord] = _run(lambda register: register.registered(platform))
    if json:
        _print_json([_public(record) for record in records])
        return
    if not records:
        out.print("No apps yet. Register one: msgcenter app create --name NAME --platform CODE")
        return
    table = Table("appId", "name", "platform", "state", "created")
    for record in records:
        table.add_row(*_public(record).values())
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
        out.print(f"{label:<14}{value}")


async def _with_credentials(register: Apps, app_id: str) -> tuple[AppRecord, AppCredentials]:
    return await register.find(app_id), await register.credentials(app_id)


@apps.command("rotate-key")
def rotate_key(app_id: AppId, json: AsJson = False) -> None:
    """Give an app a new appKey. The old key and all its tokens end at once."""
    _show_credentials(_run(lambda register: register.rotate_key(app_id)), as_json=json)


@apps.command()
def disable(app_id: AppId) -> None:
    """Disable an app. All its tokens end at once."""
    _run(lambda register: register.set_disabled(app_id, disabled=True))
    out.print(f"{app_id} is disabled.")


@apps.command()
def enable(app_id: AppId) -> None:
    """Enable an app again; it must get a new token."""
    _run(lambda register: register.set_disabled(app_id, disabled=False))
    out.print(f"{app_id} is active.")
