"""`msgcenter database`: run PostgreSQL's programs on the embedded database."""

import os
import signal
import subprocess
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from msgcenter.application.database import database_url
from msgcenter.cli.console import fail
from msgcenter.cli.database import started_database
from msgcenter.database.embedded.programs import programs_folder
from msgcenter.settings import Settings


def run_program(settings: Settings, arguments: Sequence[str]) -> int:
    """Run psql or the named program with the embedded database as its default; return its exit code."""
    if settings.database_url is not None:
        raise fail(
            "This command is for the embedded database. Use your own tools for the database in "
            'MSGCENTER_DATABASE_URL: psql "$MSGCENTER_DATABASE_URL"'
        )
    name, *rest = arguments or ["psql"]
    program = programs_folder() / name
    if program.parent != programs_folder() or not program.exists():
        raise fail(
            f"{name} is not a PostgreSQL program. Use for example psql, pg_dump, pg_restore, pg_isready or vacuumdb."
        )
    with started_database(settings, prepared=False) as complete:
        # The program handles Ctrl-C itself. It does not inherit a handler, as it would inherit SIG_IGN.
        previous = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            return subprocess.run([program, *rest], env=_environment(database_url(complete)), check=False).returncode  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, previous)


def _environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    connection = {
        "PGHOST": query["host"][0],
        "PGPORT": query["port"][0],
        "PGUSER": parts.netloc.rstrip("@"),
        "PGDATABASE": parts.path.removeprefix("/"),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MSGCENTER_"))} | connection
