"""`msgcenter template …`: templates as JSON or TOML files, and an operator's decisions about them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from msgcenter.cli.actor import command_actor
from msgcenter.cli.console import fail, out, print_json
from msgcenter.cli.options import AsJson

if TYPE_CHECKING:
    from msgcenter.actions.channels.templates import TemplateReport
    from msgcenter.database.database import Database
    from msgcenter.domain.account import App
    from msgcenter.domain.channels.template import TemplateVersion

templates = typer.Typer(help="Write, approve and archive templates of messages.", no_args_is_help=True)

PlatformCode = Annotated[str, typer.Argument(help="The template's platform.", metavar="PLATFORM")]
Code = Annotated[str, typer.Argument(help="The template's code.", metavar="CODE")]
_COLOURS = {"approved": "green", "waiting": "yellow", "rejected": "red", "draft": "dim"}
_FILE_KEYS = ("platform", "code", "name", "app", "variables", "parts")


@templates.command("list")
def list_templates(
    platform: Annotated[str | None, typer.Option(help="Only those of this platform.", metavar="CODE")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for an approval.")] = False,
    json: AsJson = False,
) -> None:
    """List the templates with the state of their newest version."""
    from rich.table import Column, Table

    from msgcenter.actions.channels.templates import Templates
    from msgcenter.cli.database import on_database

    listed = on_database(lambda database: Templates(database).of_platform(platform))
    listed = [item for item in listed if not waiting or item.state == "waiting"]
    if json:
        print_json(
            [
                {
                    "platform": item.template.platform_code,
                    "code": item.template.code,
                    "name": item.template.name,
                    "app": item.app_id,
                    "inUse": item.template.live_version,
                    "version": item.version,
                    "state": item.state,
                    "archived": item.template.archived_at is not None,
                }
                for item in listed
            ]
        )
        return
    if not listed:
        out.print("No templates.")
        return
    table = Table("platform", Column("code", no_wrap=True), "name", "app", "in use", "newest version")
    for item in listed:
        template = item.template
        in_use = "archived" if template.archived_at is not None else str(template.live_version or "–")
        state = f"{item.version} [{_COLOURS[item.state]}]{item.state}[/]"
        cells = (template.platform_code, template.code, template.name, item.app_id or "all")
        table.add_row(*map(escape, cells), in_use, state)
    out.print(table)


@templates.command(epilog="Example: [bold]msgcenter template show 420100 meeting > meeting.json[/]")
def show(
    platform: PlatformCode,
    code: Code,
    version: Annotated[int | None, typer.Option(help="This version; the newest by default.", metavar="NUMBER")] = None,
) -> None:
    """Print a template as the JSON that [bold]set[/] reads."""
    import json

    from msgspec import to_builtins

    from msgcenter.actions.channels.templates import Templates
    from msgcenter.cli.database import on_database

    async def read(database: "Database") -> tuple["TemplateReport", str | None]:
        found = Templates(database)
        listed = await found.of_platform(platform)
        report = await found.find(platform, code)
        return report, next((item.app_id for item in listed if item.template.code == code), None)

    report, app_id = on_database(read)
    chosen = next((item for item in report.versions if version in {None, item.version}), None)
    if chosen is None:
        raise fail(f"{code} has no version {version}.")
    template = report.template
    file = {"platform": template.platform_code, "code": template.code, "name": template.name}
    file |= {"app": app_id} if app_id else {}
    typer.echo(json.dumps({**file, **to_builtins(chosen.content)}, ensure_ascii=False, indent=2))


@templates.command(
    "set", epilog="Example: [bold]msgcenter template set meeting.json[/]\n\nThe file: docs/channels.md, Templates."
)
def set_template(
    file: Annotated[Path, typer.Argument(help="A JSON or TOML file.", metavar="FILE", exists=True, dir_okay=False)],
    draft: Annotated[bool, typer.Option("--draft", help="Save it as a draft that is not in use yet.")] = False,
) -> None:
    """Save a template, or a new version of it, and use it at once.

    If it is of an app and the platform wants its templates approved, it waits for [bold]approve[/].
    """
    from msgcenter.actions.channels.templates import Templates
    from msgcenter.cli.database import on_database
    from msgcenter.domain.channels.template import content_of

    values = _read(file)
    platform, code = str(values.pop("platform")), str(values.pop("code"))
    name, app_id = str(values.pop("name")), values.pop("app", None)

    async def save(database: "Database") -> "TemplateVersion":
        found = Templates(database)
        app = None if app_id is None else await _app(database, str(app_id))
        known = {item.template.code: item.version for item in await found.of_platform(platform)}
        return await found.save(
            platform,
            code,
            name,
            content_of(values),
            app=app,
            seen_version=known.get(code),
            submits=not draft,
            by=command_actor(),
        )

    version = on_database(save)
    state = {"approved": "in use", "waiting": "waiting for an approval", "draft": "a draft"}[version.state]
    out.print(f"[green]✓[/] {escape(code)}, version {version.version}, is {state}.")


def _read(file: Path) -> dict[str, Any]:
    import json
    import tomllib

    is_toml = file.suffix == ".toml"
    try:
        text = file.read_text("utf-8")
        values = tomllib.loads(text) if is_toml else json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file}: {error}") from None
    except ValueError as error:  # of both readers
        raise fail(f"{file} is not {'TOML' if is_toml else 'JSON'}: {error}") from None
    if not isinstance(values, dict) or not {"platform", "code", "name", "parts"} <= set(values):
        raise fail(f"{file} must be an object with platform, code, name and parts; app and variables are optional.")
    unknown = [str(key) for key in values if key not in _FILE_KEYS]
    if unknown:
        raise fail(f"{file}: {unknown[0]} is not a field of a template. Its fields: {', '.join(_FILE_KEYS)}.")
    return values


async def _app(database: "Database", app_id: str) -> "App":
    from msgcenter.store.apps.apps import find_app

    async with database.connection() as connection:
        record = await find_app(connection, app_id)
    if record is None:
        raise fail(f"There is no app {app_id}.")
    return record.app


@templates.command()
def approve(platform: PlatformCode, code: Code) -> None:
    """Approve the version that waits; it is in use then."""
    version = _decide(platform, code, None)
    out.print(f"[green]✓[/] {escape(code)}, version {version}, is in use.")


@templates.command()
def reject(
    platform: PlatformCode,
    code: Code,
    reason: Annotated[str, typer.Option(help="Why; its developers read it.", metavar="TEXT")],
) -> None:
    """Reject the version that waits."""
    version = _decide(platform, code, reason)
    out.print(f"[green]✓[/] {escape(code)}, version {version}, is rejected.")


def _decide(platform: str, code: str, reason: str | None) -> int:
    """Reject the newest version of a template for a reason, or approve it; return its number."""
    from msgcenter.actions.channels.templates import Templates
    from msgcenter.cli.database import on_database

    async def work(database: "Database") -> int:
        found = Templates(database)
        number = (await found.find(platform, code)).newest.version
        if reason is None:
            await found.approve(platform, code, number, by=command_actor())
        else:
            await found.reject(platform, code, number, reason, by=command_actor())
        return number

    return on_database(work)


@templates.command()
def archive(
    platform: PlatformCode,
    code: Code,
    restore: Annotated[bool, typer.Option("--restore", help="Make it usable again.")] = False,
) -> None:
    """Archive a template: new messages can no longer use it, earlier ones keep its texts."""
    from msgcenter.actions.channels.templates import Templates
    from msgcenter.cli.database import on_database

    on_database(lambda database: Templates(database).archive(platform, code, archived=not restore, by=command_actor()))
    out.print(f"[green]✓[/] {escape(code)} is {'restored' if restore else 'archived'}.")
