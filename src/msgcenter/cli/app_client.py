"""The SDK client for commands that call a running server as an app."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgcenter.cli.console import fail, program
from msgcenter.cli.errors import errors_in_one_line

if TYPE_CHECKING:
    from msgcenter_client import Client


@contextmanager
def app_client(server: str, app_id: str, app_key: str, platform: str | None = None) -> Iterator["Client"]:
    """Yield an SDK client. Prints its errors in one line and exits."""
    from msgcenter_client import Client, StateError, TransportError

    with errors_in_one_line():
        try:
            with Client(server, app_id, app_key, platform_code=platform, language="en", retries=1) as client:
                yield client
        except TransportError as error:
            advice = "" if error.http_status else f", or start one: {program()} serve"
            raise fail(
                f"No MsgCenter server answers at {server}: {error.text}. "
                f"Set the right one with --server or MSGCENTER_SERVER{advice}."
            ) from None
        except StateError as error:
            ids = f": {', '.join(error.invalid_ids)}" if error.invalid_ids else ""
            advice = " Name the recipient with --user." if error.ret_code == "300002" else ""
            raise fail(f"{error.text}{ids}.{advice}") from None
