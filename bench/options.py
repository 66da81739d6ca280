"""The options of `python -m bench`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STEPS = "abcdefghijklp"
_DEFAULT = "abcdefgijklp"
_COMPARED = {"c": "b", "e": "d", "g": "b", "p": "b"}
"""Steps, and the step that each is compared with, besides the no-op."""
_BESIDE_OTHERS = {"b", "d", "i"}
"""Steps that are repeated with two workers and on another PostgreSQL."""
_BESIDE_PEER = {"i", "j", "l"}
"""Steps that the peer has as well."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The mailboxes of a run, and how many receivers a class has.

    `messages` is the number in each deep mailbox, and of `small_mailbox` and `large_mailbox` each is one mailbox.
    """

    readers: int = 2_000
    deep_readers: int = 500
    messages: int = 1_000
    group: int = 1_000
    small_mailbox: int = 1_000
    large_mailbox: int = 100_000


_QUICK = Sizes(messages=200, large_mailbox=5_000)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure, and how long and with how much load. `compare_database` is a URL."""

    seconds: float
    warm_up: float
    rounds: int
    connections: int = 64
    workers: int = 1
    only: frozenset[str] = frozenset(_DEFAULT)
    compare_workers: bool = False
    compare_database: str | None = None
    peer: bool = False
    sizes: Sizes = Sizes()
    database_url: str | None = None
    folder: Path | None = None
    json: Path | None = None


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
    add("--compare-workers", action="store_true", help="measure twice as many workers in the same run")
    add("--peer", action="store_true", help="measure django-notifications-hq in the same run; installs it if missing")
    add(
        "--compare-database",
        metavar="URL",
        help="measure the product on this PostgreSQL, too; the database must be empty, and is not dropped",
    )
    add("--quick", action="store_true", help="one round of 1 second and smaller mailboxes: a check, not a result")
    add(
        "--database-url",
        metavar="URL",
        help="use this PostgreSQL; databases are created in it and dropped at the end",
    )
    add("--folder", type=Path, help="folder for the database during the run (the system's temporary folder)")
    add("--json", type=Path, metavar="FILE", help="also write all figures to a file")
    values = parser.parse_args(arguments)
    only = set(values.only.replace(",", "").replace(" ", ""))
    if not only or not only <= set(STEPS):
        parser.error(f"--only takes steps of {', '.join(STEPS)}")
    return Options(
        seconds=values.seconds or (1.0 if values.quick else 4.0),
        warm_up=0.3 if values.quick else 1.0,
        rounds=values.rounds or (1 if values.quick else 6),
        connections=values.connections,
        workers=values.workers,
        only=_with_compared(only, values),
        compare_workers=values.compare_workers,
        compare_database=values.compare_database,
        peer=values.peer,
        sizes=_QUICK if values.quick else Sizes(),
        database_url=values.database_url,
        folder=values.folder,
        json=values.json,
    )


def _with_compared(only: set[str], values: argparse.Namespace) -> frozenset[str]:
    """Add the steps that others are compared with."""
    steps = only | {"a"} | {_COMPARED[step] for step in only if step in _COMPARED}
    if values.compare_workers or values.compare_database:
        steps |= _BESIDE_OTHERS
    return frozenset(steps | _BESIDE_PEER if values.peer else steps)
