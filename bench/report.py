"""The figures of a run and the promises they are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from bench.disk import Growth
from bench.parts import PRODUCT
from bench.steps import COUNTED, UNCOUNTED, Result

NEW_CLASS = 2 * 22 / 6_876
"""Twice the earlier rate of sends to 1,000 receivers: 22/s where the no-op reached 6,876/s."""


class Comparison(NamedTuple):
    """Two servers in one run, and the pairs of their steps: status changes, sends, lists."""

    title: str
    steps: tuple[tuple[str, str], ...]


COMPARISONS = [
    Comparison("twice the workers : the workers", (("w mark", "b"), ("w send", "d"), ("w list", "i"))),
    Comparison("the other PostgreSQL : this one", (("v mark", "b"), ("v send", "d"), ("v list", "i"))),
    Comparison("the product : the peer", (("j", "z mark"), ("l", "z send"), ("i", "z list"))),
]


@dataclass(frozen=True)
class Figures:
    """The figures of one step: the median of its rounds, and all rounds."""

    title: str
    median: Result
    rounds: list[Result]

    @property
    def spread(self) -> float:
        """The range of the rounds' rates, as a share of their median."""
        rates = [result.per_second for result in self.rounds]
        return (max(rates) - min(rates)) / self.median.per_second


@dataclass(frozen=True)
class Report:
    """All figures of one run. `steps` by key; `worker_rss_mib` by server, after the load."""

    machine: Mapping[str, str]
    options: Mapping[str, object]
    steps: Mapping[str, Figures]
    disk: Growth
    yardstick_bytes_per_row: float | None
    worker_rss_mib: Mapping[str, list[float]]
    verified: list[str]


@dataclass(frozen=True)
class Promise:
    """A figure, the value to reach, and the measured one; `reached` is None if it was not measured."""

    figure: str
    target: str
    measured: str
    reached: bool | None


def promises(report: Report) -> list[Promise]:
    """Return every promise with the value of this run."""
    steps = report.steps
    small, large = mailbox_keys(steps)
    memory = max(report.worker_rss_mib[PRODUCT])
    return [
        _at_least(0.60, "modMsgStatus, 50 ids, of the no-op", ratio(steps, "b", "a"), "{:.0%}"),
        _at_least(5, "modMsgStatus, 50 ids, × the yardstick", ratio(steps, "b", "c")),
        _at_least(0.55, "the same anywhere in deep mailboxes, of the no-op", ratio(steps, "j", "a"), "{:.0%}"),
        _at_most(600, "WAL of a modMsgStatus with 50 ids", _median_of(steps, "b", _wal), "{:,.0f} B"),
        _at_least(0.45, "sendMsg to 1, of the no-op", ratio(steps, "d", "a"), "{:.0%}"),
        _at_least(0.30, "inbox list and counts, of the no-op", ratio(steps, "i", "a"), "{:.0%}"),
        _at_least(0.50, "sendMsg to a known class, of a send to 1", ratio(steps, "e", "d"), "{:.0%}"),
        _at_least(NEW_CLASS, "sendMsg to a new class, of the no-op", ratio(steps, "k", "a"), "{:.2%}"),
        _at_least(12, "status changes, × the peer", ratio(steps, "j", "z mark"), "{:.1f} ×"),
        _at_least(8, "sends to 1, × the peer", ratio(steps, "l", "z send"), "{:.1f} ×"),
        _at_least(7, "list and counts, × the peer", ratio(steps, "i", "z list"), "{:.1f} ×"),
        _at_least(0.6, "status changes on the other PostgreSQL, of this one", ratio(steps, "v mark", "b"), "{:.0%}"),
        _at_least(0.5, "sends to 1 on the other PostgreSQL, of this one", ratio(steps, "v send", "d"), "{:.0%}"),
        _at_least(0.6, "lists on the other PostgreSQL, of this one", ratio(steps, "v list", "i"), "{:.0%}"),
        _at_most(30, "bytes on disk per delivered message", report.disk.bytes_per_delivery, "{:.1f}"),
        _at_most(4, "p99 of the p50, at 70 % of the highest rate", _tail(steps, "p", "b")),
        _at_most(130, "memory per worker after the run", memory, "{:.0f} MiB"),
        _at_most(1.03, "processor time with call statistics", ratio(steps, COUNTED, UNCOUNTED, _processor), "{:.3f} ×"),
        _at_most(1.5, "modMsgStatus with 1 id, of the calls with 50", ratio(steps, "g", "b")),
        _at_most(3, "unread count of the large mailbox, p50, × the small", ratio(steps, large, small, _p50)),
    ]


def _at_least(target: float, figure: str, value: float | None, form: str = "{:.2f} ×") -> Promise:
    reached = None if value is None else value >= target
    return Promise(figure, f"≥ {form.format(target)}", "–" if value is None else form.format(value), reached)


def _at_most(target: float, figure: str, value: float | None, form: str = "{:.2f} ×") -> Promise:
    reached = None if value is None else value <= target
    return Promise(figure, f"≤ {form.format(target)}", "–" if value is None else form.format(value), reached)


def mailbox_keys(steps: Mapping[str, Figures]) -> tuple[str, str]:
    """Return the keys of the steps on the smaller and the larger mailbox."""
    keys = sorted((key for key in steps if key.startswith("f ")), key=lambda key: int(key[2:]))
    return (keys[0], keys[-1]) if keys else ("f", "f")


def _per_second(result: Result) -> float:
    return result.per_second


def _p50(result: Result) -> float:
    return result.p50_ms


def _wal(result: Result) -> float:
    return result.wal_bytes_per_call


def _processor(result: Result) -> float:
    return result.server_us_per_call


def _median_of(steps: Mapping[str, Figures], key: str, of: Callable[[Result], float]) -> float | None:
    return median(map(of, steps[key].rounds)) if key in steps else None


def _tail(steps: Mapping[str, Figures], key: str, saturated: str) -> float | None:
    """Return the p99 at a fixed rate as a multiple of the p50 there or at saturation, whichever is lower.

    Where the server falls behind, its p50 is high as well, which must not make a slow tail look good.
    """
    if key not in steps or saturated not in steps:
        return None
    rounds = zip(steps[key].rounds, steps[saturated].rounds, strict=True)
    return median(paced.p99_ms / min(paced.p50_ms, full.p50_ms) for paced, full in rounds)


def ratio(steps: Mapping[str, Figures], key: str, to: str, of: Callable[[Result], float] = _per_second) -> float | None:
    """Return the ratio of two steps' figures; None if one of them was not measured.

    It is the median of the ratios within each round, so that what slows a whole round cancels out.
    """
    if key not in steps or to not in steps:
        return None
    return median(
        of(result) / of(reference) for result, reference in zip(steps[key].rounds, steps[to].rounds, strict=True)
    )
