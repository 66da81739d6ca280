"""`msgcenter platform …`: create platforms and list them."""

from typing import Annotated

import typer
from rich.markup import escape

from msgcenter.cli.console import out, print_json, program
from msgcenter.cli.options import AsJson

platforms = typer.Typer(help="Create platforms and list them.", no_args_is_help=True)


@platforms.command(epilog="Example: [bold]msgcenter platform create 420100 --name Wuhan --cells 16[/]")
def create(
    code: Annotated[str, typer.Argument(help="The platform's code, up to 32 characters.", metavar="CODE")],
    name: Annotated[str | None, typer.Option(help="Name that users see; the code by default.", metavar="NAME")] = None,
    cells: Annotated[
        int,
        typer.Option(
            help="Number of parts over which its users are spread, 1 to 1024. One is right for a single database; "
            "a cluster distributes them over its nodes. It cannot be changed later.",
            metavar="N",
        ),
    ] = 1,
) -> None:
    """Create a platform: a city, a district or a group of schools with users of its own.

    `app create` also creates one, with one cell.
    """
    from msgcenter.actions.apps.platforms import Platforms
    from msgcenter.cli.actor import command_actor
    from msgcenter.cli.database import on_database

    title = code if name is None else name
    on_database(lambda database: Platforms(database).create(code, title, cells=cells, by=command_actor()))
    out.print(f"[green]✓[/] Platform [bold]{escape(code)}[/] is created. Cells: {cells}.")
    out.print(
        f"Register its first app: {program()} app create --name NAME --platform {code}", markup=False, soft_wrap=True
    )


@platforms.command("list")
def list_platforms(json: AsJson = False) -> None:
    """List the platforms with their numbers of apps and cells."""
    from rich.table import Column, Table

    from msgcenter.actions.apps.platforms import Platforms
    from msgcenter.cli.database import on_database

    records = on_database(lambda database: Platforms(database).all())
    if json:
        print_json(
            [
                {"platformCode": record.code, "name": record.name, "apps": record.apps, "cells": record.cells}
                for record in records
            ]
        )
    elif records:
        table = Table("platform", "name", Column("apps", justify="right"), Column("cells", justify="right"))
        for record in records:
            table.add_row(escape(record.code), escape(record.name), str(record.apps), str(record.cells))
        out.print(table)
    else:
        out.print(f"No platforms yet. Create one: {program()} platform create CODE", markup=False)
