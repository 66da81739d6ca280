"""How the command line speaks: results on standard output, problems on standard error in a line or two."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(problem: str) -> typer.Exit:
    """Print a problem and return the exit to raise."""
    err.print(f"[bold red]✗[/] {problem}", soft_wrap=True, emoji=False)
    return typer.Exit(1)


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn what an operator can put right into a line that says so, instead of a traceback."""
    from msgcenter.actions.key_ring import WrongSecretKeyError
    from msgcenter.domain.refusal import Refusal
    from msgcenter.settings import SettingError
    from msgcenter.store.embedded import EmbeddedDatabaseError
    from msgcenter.store.migrate import SchemaError
    from msgcenter_client import MsgCenterError

    try:
        yield
    except WrongSecretKeyError:
        raise fail(
            "MSGCENTER_SECRET_KEY is not the one that this database's app keys are sealed with: "
            "set the earlier one again, or register the apps anew in an empty database."
        ) from None
    except Refusal as refusal:
        detail = f" ({refusal.__cause__})" if refusal.__cause__ else ""
        raise fail(f"{refusal.describe('en')}{detail}") from None
    except (SettingError, EmbeddedDatabaseError, SchemaError, MsgCenterError, ValueError) as error:
        raise fail(str(error)) from None
