"""The commands, their options and help texts; what they do stands in the modules beside this one."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from msgcenter import __version__
from msgcenter.cli.commands.app import apps
from msgcenter.cli.commands.client import SEND_EXAMPLES, STATUS_EXAMPLES, send, status
from msgcenter.cli.commands.operator import operators
from msgcenter.cli.commands.retention import retention
from msgcenter.cli.commands.sent import list_sent, recall, receipts, remind, update, versions
from msgcenter.cli.commands.topic import topics
from msgcenter.cli.commands.user import users
from msgcenter.cli.commands.webhook import webhooks
from msgcenter.cli.console import out, plain_failures, program
from msgcenter.settings import Settings, read_settings

cli = typer.Typer(
    name="msgcenter",
    help="MsgCenter, a self-hosted message centre for open platforms.",
    epilog="Start with [bold]msgcenter demo[/]. Settings come from MSGCENTER_… variables: see docs/operating.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

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
        help="Port to listen on; 0 takes a free one. [dim]\\[default: MSGCENTER_PORT, or 8080][/]",
    ),
]
Workers = Annotated[
    int, typer.Option(min=1, max=256, metavar="NUMBER", help="Server processes; up to one for each core.")
]


def _settings(host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"host": host, "port": port}
    return replace(read_settings(), **{name: value for name, value in given.items() if value is not None})


@cli.command(epilog="Example: [bold]msgcenter serve --port 8081 --workers 2[/]")
def serve(host: Host = None, port: Port = None, workers: Workers = 1) -> None:
    """Run the server, on the embedded PostgreSQL unless MSGCENTER_DATABASE_URL names another."""
    import asyncio

    from msgcenter.cli.database import has_apps, started
    from msgcenter.cli.server.serving import listen, run_server
    from msgcenter.cli.signals import ended_by_signals

    with plain_failures(), ended_by_signals(serving=True):
        settings = _settings(host, port)
        with listen(settings) as listener, started(settings) as complete:
            if not asyncio.run(has_apps(complete)):
                out.print(f"No apps yet. Register one: {program()} app create --name NAME --platform CODE")
            run_server(
                complete,
                listener,
                workers=workers,
                on_ready=lambda url: out.print(f"MsgCenter is ready on {url} (Ctrl-C stops it)"),
            )


@cli.command(epilog="Example: [bold]msgcenter demo --port 8081[/]")
def demo(host: Host = None, port: Port = None) -> None:
    """Run the server with a demo app: plays the main calls, then keeps serving."""
    from msgcenter.cli.demo.demo import run_demo

    with plain_failures():
        run_demo(_settings(host, port))


@cli.command()
def migrate() -> None:
    """Bring the database to this version. [bold]serve[/] does so too; any number of processes may."""
    import asyncio

    from msgcenter.application.database import database_url
    from msgcenter.cli.database import started
    from msgcenter.cli.signals import ended_by_signals
    from msgcenter.database.migrate import migrate as apply

    with plain_failures(), ended_by_signals(), started(read_settings(), prepared=False) as settings:
        applied = asyncio.run(apply(database_url(settings)))
        for migration in applied:
            out.print(f"[green]✓[/] applied {migration.number:04} {migration.name}")
        out.print("The database is up to date.")


@cli.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Examples:\n\n[bold]msgcenter database psql[/]\n\n[bold]msgcenter database pg_dump -Fc -f msgcenter.dump[/]",
)
def database(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="psql, pg_dump, pg_restore, …", metavar="PROGRAM")] = "psql",
) -> None:
    """Run a program of PostgreSQL on the embedded database: look into it, back it up, restore it.

    Everything after its name goes to the program. The database is started for it if no server runs.
    """
    from msgcenter.cli.commands.database import run_program
    from msgcenter.cli.signals import ended_by_signals

    with plain_failures(), ended_by_signals():
        raise typer.Exit(run_program(read_settings(), [name, *context.args]))


@cli.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Check the settings, the database, its version and migrations, disk and clock, and say what to do.

    The exit code is 1 if there is a problem.
    """
    from msgcenter.cli.commands.doctor import examine
    from msgcenter.cli.signals import ended_by_signals

    with plain_failures(), ended_by_signals():
        raise typer.Exit(examine(as_json=json))


cli.add_typer(operators, name="operator")
cli.add_typer(apps, name="app")
cli.add_typer(users, name="user")
cli.add_typer(retention, name="retention")
cli.command(epilog=SEND_EXAMPLES)(send)
cli.command(epilog=STATUS_EXAMPLES)(status)
cli.command("list")(list_sent)
cli.command()(receipts)
cli.command()(versions)
cli.command()(update)
cli.command()(recall)
cli.command()(remind)
cli.add_typer(topics, name="topic")
cli.add_typer(webhooks, name="webhook")


def _version(wanted: bool) -> None:
    if wanted:
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
