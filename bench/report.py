"""What came out, and whether it is what we promise ourselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from statistics import median

from bench.disk import Growth
from bench.steps import COUNTED, UNCOUNTED, Result


@dataclass(frozen=True)
class Figures:
    """The figures of one step: the median of its rounds, and the rounds."""

    title: str
    median: Result
    rounds: list[Result]

    @property
    def spread(self) -> float:
        """How far the rates of the rounds lie apart, as a share of their median."""
        rates = [result.per_second for result in self.rounds]
        return (max(rates) - min(rates)) / self.median.per_second


@dataclass(frozen=True)
class Report:
    """All that one run found. `steps` by key; `worker_rss_mib` after the load."""

    machine: Mapping[str, str]
    options: Mapping[str, object]
    steps: Mapping[str, Figures]
    disk: Growth
    yardstick_bytes_per_row: float | None
    worker_rss_mib: list[float]
    verified: list[str]


@dataclass(frozen=True)
class Target:
    """A promise and what was measured; `met` is None when it was not."""

    promise: str
    measured: str
    met: bool | None


def targets(report: Report) -> list[Target]:
    """Return every promise with what this run says of it."""
    steps = report.steps
    small, large = mailbox_keys(steps)
    per_delivery = report.disk.bytes_per_delivery
    counted = ratio(steps, COUNTED, UNCOUNTED, _processor)
    memory = max(report.worker_rss_mib)
    return [
        _promised("modMsgStatus at least 4 × the yardstick", ratio(steps, "b", "c"), at_least=4),
        _promised("modMsgStatus at least 35 % of the no-op", ratio(steps, "b", "a"), at_least=0.35, form="{:.0%}"),
        _promised("sendMsg to 1 at least 25 % of the no-op", ratio(steps, "d", "a"), at_least=0.25, form="{:.0%}"),
        _promised("counting takes at most 3 % more of the processor", counted, at_most=1.03, form="{:.3f} ×"),
        _promised("1 id at most 1.5 × as many calls as 50 ids", ratio(steps, "g", "b"), at_most=1.5),
        _promised(
            "unread count, large mailbox at most 3 × the p50 of small", ratio(steps, large, small, _p50), at_most=3
        ),
        _promised("at most 40 bytes on disk per delivered message", per_delivery, at_most=40, form="{:.1f}"),
        _promised("at most 150 MiB of memory per worker", memory, at_most=150, form="{:.0f} MiB"),
    ]


def _promised(
    promise: str, found: float | None, *, at_least: float = 0.0, at_most: float = inf, form: str = "{:.2f} ×"
) -> Target:
    if found is None:
        return Target(promise, "–", None)
    return Target(promise, form.format(found), at_least <= found <= at_most)


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
    """Return one step's figure over another's; None when one of them was not measured.

    It is the median of the rounds' own ratios: what slowed a whole round cancels out.
    """
    if key not in steps or to not in steps:
        return None
    return median(of(ours) / of(theirs) for ours, theirs in zip(steps[key].rounds, steps[to].rounds, strict=True))
