"""The command line: `msgcenter` and `python -m msgcenter`."""

from msgcenter.cli.commands import main

__all__ = ["main"]
