"""The figures of a run and the targets they are compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from statistics import median

from bench.disk import Growth
from bench.steps import COUNTED, UNCOUNTED, Result


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
    """All figures of one run. `steps` by key; `worker_rss_mib` after the load."""

    machine: Mapping[str, str]
    options: Mapping[str, object]
    steps: Mapping[str, Figures]
    disk: Growth
    yardstick_bytes_per_row: float | None
    worker_rss_mib: list[float]
    verified: list[str]


@dataclass(frozen=True)
class Target:
    """A target and the measured value; `met` is None if it was not measured."""

    promise: str
    measured: str
    met: bool | None


def targets(report: Report) -> list[Target]:
    """Return every target with the value of this run."""
    steps = report.steps
    small, large = mailbox_keys(steps)
    per_delivery = report.disk.bytes_per_delivery
    counted = ratio(steps, COUNTED, UNCOUNTED, _processor)
    memory = max(report.worker_rss_mib)
    return [
        _target("modMsgStatus at least 4 × the yardstick", ratio(steps, "b", "c"), at_least=4),
        _target("modMsgStatus at least 35 % of the no-op", ratio(steps, "b", "a"), at_least=0.35, form="{:.0%}"),
        _target("sendMsg to 1 at least 25 % of the no-op", ratio(steps, "d", "a"), at_least=0.25, form="{:.0%}"),
        _target("call statistics take at most 3 % more processor time", counted, at_most=1.03, form="{:.3f} ×"),
        _target("1 id at most 1.5 × as many calls as 50 ids", ratio(steps, "g", "b"), at_most=1.5),
        _target(
            "unread count, large mailbox at most 3 × the p50 of small", ratio(steps, large, small, _p50), at_most=3
        ),
        _target("at most 40 bytes on disk per delivered message", per_delivery, at_most=40, form="{:.1f}"),
        _target("at most 150 MiB of memory per worker", memory, at_most=150, form="{:.0f} MiB"),
    ]


def _target(
    promise: str, value: float | None, *, at_least: float = 0.0, at_most: float = inf, form: str = "{:.2f} ×"
) -> Target:
    if value is None:
        return Target(promise, "–", None)
    return Target(promise, form.format(value), at_least <= value <= at_most)


def mailbox_keys(steps: Mapping[str, Figures]) -> tuple[str, str]:
    """Return the keys of the steps on the smaller and the larger mailbox."""
    keys = sorted((key for key in steps if key.startswith("f ")), key=lambda key: int(key[2:]))
    return (keys[0], keys[-1]) if keys else ("f", "f")


def _per_second(result: Result) -> float:
    return result.per_second


def _p50(result: Result) -> float:
    return result.p50_ms


def _processor(result: Result) -> float:
    return result.server_us_per_call


def ratio(steps: Mapping[str, Figures], key: str, to: str, of: Callable[[Result], float] = _per_second) -> float | None:
    """Return the ratio of two steps' figures; None if one of them was not measured.

    It is the median of the ratios within each round, so that what slows a whole round cancels out.
    """
    if key not in steps or to not in steps:
        return None
    return median(
        of(result) / of(reference) for result, reference in zip(steps[key].rounds, steps[to].rounds, strict=True)
    )
