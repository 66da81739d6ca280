"""The options of `python -m bench`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STEPS = "abcdefgh"
_DEFAULT = "abcdefg"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure, and how long and with how much load."""

    seconds: float
    warm_up: float
    rounds: int
    connections: int
    workers: int
    only: frozenset[str]
    messages: int
    large_mailbox: int
    database_url: str | None
    folder: Path | None
    json: Path | None


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line. Exits with a message if they are invalid."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product on this machine.")
    add = parser.add_argument
    add("--seconds", type=float, help="duration of each measurement (4)")
    add("--rounds", type=int, help="measurements of each step; the median counts (6)")
    add("--connections", type=int, default=64, help="connections with one call in flight each (%(default)s)")
    add("--workers", type=int, default=1, help="processes of the product and the yardstick (%(default)s)")
    add(
        "--only",
        default=_DEFAULT,
        metavar="b,d",
        help=f"measure only these steps of {', '.join(STEPS)}, and the steps they are compared with (all but h)",
    )
    add(
        "--quick", action="store_true", help="one round of 2 seconds and a smaller large mailbox: a check, not a result"
    )
    add(
        "--database-url",
        metavar="URL",
        help="use this PostgreSQL; two databases are created in it and dropped at the end",
    )
    add("--folder", type=Path, help="folder for the database during the run (the system's temporary folder)")
    add("--json", type=Path, metavar="FILE", help="also write all figures to a file")
    values = parser.parse_args(arguments)
    only = set(values.only.replace(",", "").replace(" ", ""))
    if not only or not only <= set(STEPS):
        parser.error(f"--only takes steps of {', '.join(STEPS)}")
    return Options(
        seconds=values.seconds or (2.0 if values.quick else 4.0),
        warm_up=1.0,
        rounds=values.rounds or (1 if values.quick else 6),
        connections=values.connections,
        workers=values.workers,
        only=frozenset(only | {"a"} | ({"b"} if only & {"c", "g"} else set())),
        messages=200 if values.quick else 1_000,
        large_mailbox=20_000 if values.quick else 100_000,
        database_url=values.database_url,
        folder=values.folder,
        json=values.json,
    )
