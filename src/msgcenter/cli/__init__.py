"""The command line: `msgcenter` and `python -m msgcenter`."""

from msgcenter.cli.main import main

__all__ = ["main"]
