"""What can be asked of `python -m bench`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STEPS = "abcdefgh"
_USUAL = "abcdefg"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long, how wide and what to measure."""

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
    """Return the options of a command line; ends the process if they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product on this machine.")
    add = parser.add_argument
    add("--seconds", type=float, help="of each measurement (4)")
    add("--rounds", type=int, help="measurements of each step, of which the median counts (6)")
    add("--connections", type=int, default=64, help="with one call under way on each (%(default)s)")
    add("--workers", type=int, default=1, help="processes of the product and of the yardstick (%(default)s)")
    add(
        "--only",
        default=_USUAL,
        metavar="b,d",
        help=f"measure these of {', '.join(STEPS)}, and what they refer to (all but h)",
    )
    add("--quick", action="store_true", help="one round of 2 seconds and a smaller large mailbox: a look, no result")
    add("--database-url", metavar="URL", help="use this PostgreSQL; two databases are made in it and dropped again")
    add("--folder", type=Path, help="where to keep the database while measuring (the system's temporary folder)")
    add("--json", type=Path, metavar="FILE", help="write all figures to a file as well")
    given = parser.parse_args(arguments)
    only = set(given.only.replace(",", "").replace(" ", ""))
    if not only or not only <= set(STEPS):
        parser.error(f"--only takes some of {', '.join(STEPS)}")
    return Options(
        seconds=given.seconds or (2.0 if given.quick else 4.0),
        warm_up=1.0,
        rounds=given.rounds or (1 if given.quick else 6),
        connections=given.connections,
        workers=given.workers,
        only=frozenset(only | {"a"} | ({"b"} if only & {"c", "g"} else set())),
        messages=200 if given.quick else 1_000,
        large_mailbox=20_000 if given.quick else 100_000,
        database_url=given.database_url,
        folder=given.folder,
        json=given.json,
    )
