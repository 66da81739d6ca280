"""`python -m bench`: see README.md."""

import signal
import sys

import asyncpg
import msgspec
from rich.console import Console

from bench.api import AnswerError
from bench.load_client import LoadError
from bench.options import parse
from bench.report import promises
from bench.run import benchmark
from bench.server_process import ServerError
from bench.tables import show
from bench.truth import FalseAnswerError
from msgcenter.database.embedded.errors import EmbeddedDatabaseError

_EXPECTED_ERRORS = (
    AnswerError,
    EmbeddedDatabaseError,
    FalseAnswerError,
    LoadError,
    OSError,
    ServerError,
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
)


def main() -> int:
    """Run the benchmark and print its tables. Return the exit code: 0 unless the run failed."""
    options = parse()
    # Unwind as Ctrl-C does, so that all servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    progress = Console(stderr=True)
    try:
        report = benchmark(options, lambda line: progress.print(line, style="dim", highlight=False))
    except _EXPECTED_ERRORS as error:
        progress.print(f"[red]{type(error).__name__}:[/] {error}", highlight=False)
        return 1
    show(report)
    if options.json is not None:
        options.json.write_bytes(
            msgspec.json.format(msgspec.json.encode({"report": report, "promises": promises(report)}), indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
