"""The command line: `serve`, `demo`, `migrate`, `database` and `doctor`, and the commands of the other modules."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from msgcenter import __version__
from msgcenter.cli.commands.app import apps
from msgcenter.cli.commands.channel import channels
from msgcenter.cli.commands.channel_rules import policies, set_and_show_settings, types
from msgcenter.cli.commands.directory import directories
from msgcenter.cli.commands.messages import (
    STATUS_EXAMPLES,
    list_messages,
    recall,
    receipts,
    remind,
    status,
    versions,
)
from msgcenter.cli.commands.operator import operators
from msgcenter.cli.commands.platform import platforms
from msgcenter.cli.commands.retention import retention
from msgcenter.cli.commands.send import SEND_EXAMPLES, send, update
from msgcenter.cli.commands.template import templates
from msgcenter.cli.commands.topic import topics
from msgcenter.cli.commands.user import users
from msgcenter.cli.commands.webhook import webhooks
from msgcenter.cli.console import out, program
from msgcenter.cli.errors import errors_in_one_line
from msgcenter.settings import Settings, read_settings

cli = typer.Typer(
    name="msgcenter",
    help="MsgCenter, a self-hosted message centre for open platforms.",
    epilog="Start with [bold]msgcenter demo[/]. Settings come from MSGCENTER_… variables: see docs/operating.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

SERVER = "Server"
MESSAGES = "Messages, sent as an app"

Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address to listen on. [dim]\\[default: MSGCENTER_HOST, or 127.0.0.1][/]"),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65_535,
        metavar="PORT",
        help="Port to listen on; 0 selects a free port. [dim]\\[default: MSGCENTER_PORT, or 8080][/]",
    ),
]
Workers = Annotated[
    int, typer.Option(min=1, max=256, metavar="NUMBER", help="Number of server processes, at most one per core.")
]


def _settings(host: str | None, port: int | None) -> Settings:
    options: dict[str, Any] = {"host": host, "port": port}
    return replace(read_settings(), **{name: value for name, value in options.items() if value is not None})


@cli.command(rich_help_panel=SERVER, epilog="Example: [bold]msgcenter serve --port 8081 --workers 2[/]")
def serve(host: Host = None, port: Port = None, workers: Workers = 1) -> None:
    """Run the server, with the embedded PostgreSQL unless MSGCENTER_DATABASE_URL is set."""
    import asyncio

    from msgcenter.cli.database import has_apps, started_database
    from msgcenter.cli.server.serving import listen, run_server
    from msgcenter.cli.signals import exit_on_signals

    with errors_in_one_line(), exit_on_signals(serving=True):
        settings = _settings(host, port)
        with listen(settings) as listener, started_database(settings) as complete:
            if not asyncio.run(has_apps(complete)):
                out.print(f"No apps yet. Register one: {program()} app create --name NAME --platform CODE")
            run_server(
                complete,
                listener,
                workers=workers,
                on_ready=lambda url: out.print(f"MsgCenter is ready on {url} (Ctrl-C stops it)"),
            )


@cli.command(rich_help_panel=SERVER, epilog="Example: [bold]msgcenter demo --port 8081[/]")
def demo(host: Host = None, port: Port = None) -> None:
    """Run the server with a demo app: make the main calls, then keep serving."""
    from msgcenter.cli.demo.demo import run_demo

    with errors_in_one_line():
        run_demo(_settings(host, port))


@cli.command(rich_help_panel=SERVER)
def migrate() -> None:
    """Migrate the database to this version. [bold]serve[/] does this too; several processes may run it at once."""
    import asyncio

    from msgcenter.application.database import migrate_database
    from msgcenter.cli.database import started_database
    from msgcenter.cli.signals import exit_on_signals

    with errors_in_one_line(), exit_on_signals(), started_database(read_settings(), prepared=False) as settings:
        applied = asyncio.run(migrate_database(settings))
        for migration in applied:
            out.print(f"[green]✓[/] applied {migration.number:04} {migration.name}")
        out.print("The database is up to date.")


@cli.command(
    rich_help_panel=SERVER,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Examples:\n\n[bold]msgcenter database psql[/]\n\n[bold]msgcenter database pg_dump -Fc -f msgcenter.dump[/]",
)
def database(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="psql, pg_dump, pg_restore, …", metavar="PROGRAM")] = "psql",
) -> None:
    """Run a PostgreSQL program on the embedded database: query it, back it up or restore it.

    All arguments after the program's name are passed to it. The database is started if no server is running.
    """
    from msgcenter.cli.commands.database import run_program
    from msgcenter.cli.signals import exit_on_signals

    with errors_in_one_line(), exit_on_signals():
        raise typer.Exit(run_program(read_settings(), [name, *context.args]))


@cli.command(rich_help_panel=SERVER)
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Check the settings, the database, its version and migrations, the disk and the clock; advise on problems.

    The exit code is 1 if there is a problem.
    """
    from msgcenter.cli.commands.doctor import examine
    from msgcenter.cli.signals import exit_on_signals

    with errors_in_one_line(), exit_on_signals():
        raise typer.Exit(examine(as_json=json))


channels.command("settings")(set_and_show_settings)
channels.add_typer(types, name="type")
channels.add_typer(policies, name="policy")
for name, group in {
    "app": apps,
    "operator": operators,
    "user": users,
    "platform": platforms,
    "directory": directories,
    "channel": channels,
    "retention": retention,
    "template": templates,
}.items():
    cli.add_typer(group, name=name, rich_help_panel="Administration")
cli.command(rich_help_panel=MESSAGES, epilog=SEND_EXAMPLES)(send)
cli.command(rich_help_panel=MESSAGES, epilog=STATUS_EXAMPLES)(status)
cli.command("list", rich_help_panel=MESSAGES)(list_messages)
for command in (receipts, versions, update, recall, remind):
    cli.command(rich_help_panel=MESSAGES)(command)
for name, group in {"topic": topics, "webhook": webhooks}.items():
    cli.add_typer(group, name=name, rich_help_panel=MESSAGES)


def _version(is_set: bool) -> None:
    if is_set:
        out.print(__version__)
        raise typer.Exit


@cli.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    cli()
