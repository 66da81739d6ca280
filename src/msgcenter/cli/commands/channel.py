"""`msgcenter channel …`: the ways to send messages outside the inbox."""

import typer

channels = typer.Typer(help="The ways to send messages outside the inbox.", no_args_is_help=True)
