"""The commands, their options and help texts; what they do stands in the modules beside this one."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from msgcenter import __version__
from msgcenter.cli.app_commands import apps
from msgcenter.cli.client_commands import send, status
from msgcenter.cli.console import out, plain_failures
from msgcenter.settings import Settings, read_settings

cli = typer.Typer(
    name="msgcenter",
    help="MsgCenter, a self-hosted message centre for open platforms.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
cli.add_typer(apps, name="app")
cli.command()(send)
cli.command()(status)

Host = Annotated[str | None, typer.Option(help="Address to listen on. [dim]\\[env MSGCENTER_HOST, 127.0.0.1][/]")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one. [dim]\\[env MSGCENTER_PORT, 8080][/]"),
]
Workers = Annotated[int, typer.Option(min=1, max=256, help="Server processes; one for each core to use.")]


def _settings(host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"host": host, "port": port}
    return replace(read_settings(), **{name: value for name, value in given.items() if value is not None})


@cli.command()
def serve(host: Host = None, port: Port = None, workers: Workers = 1) -> None:
    """Run the server, on the embedded PostgreSQL unless MSGCENTER_DATABASE_URL names another."""
    import asyncio

    from msgcenter.application import database_of, prepare
    from msgcenter.cli.serving import ended_by_signals, listen, run_server

    with plain_failures(), ended_by_signals():
        settings = _settings(host, port)
        with listen(settings) as listener, database_of(settings) as complete:
            asyncio.run(prepare(complete))
            run_server(
                complete,
                listener,
                workers=workers,
                on_ready=lambda url: out.print(f"MsgCenter is ready on {url} (Ctrl-C stops it)"),
            )


@cli.command()
def demo(host: Host = None, port: Port = None) -> None:
    """Run the server with a demo app: plays the main calls, then keeps serving."""
    from msgcenter.cli.demo import run_demo

    with plain_failures():
        run_demo(_settings(host, port))


@cli.command()
def migrate() -> None:
    """Bring the database to this version. `serve` does so too; any number of processes may."""
    import asyncio

    from msgcenter.application import database_of, database_url
    from msgcenter.store.migrate import migrate as apply

    with plain_failures(), database_of(read_settings()) as settings:
        applied = asyncio.run(apply(database_url(settings)))
        for migration in applied:
            out.print(f"[green]✓[/] applied {migration.number:04} {migration.name}")
        out.print("The database is up to date.")


@cli.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Check the settings, the database, its version and migrations, disk and clock, and say what to do."""
    from msgcenter.cli.doctor import examine

    with plain_failures():
        raise typer.Exit(examine(as_json=json))


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
