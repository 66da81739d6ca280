"""Latencies as counts in buckets of a logarithmic scale: small, fast to update, and summable.

Bucket n starts at 0.1 ms × 2^(n/8) and is 9 % wide, so a percentile is exact to within 5 %. The first bucket also holds
all shorter latencies, the last one all latencies over 100 seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log2

BUCKETS = 160
_PER_OCTAVE = 8
_FIRST_SECONDS = 0.000_1
_SCALE = 1 / _FIRST_SECONDS


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket that a latency falls into."""
    steps = seconds * _SCALE
    return min(int(log2(steps) * _PER_OCTAVE), BUCKETS - 1) if steps > 1 else 0


def seconds_of(bucket: float) -> float:
    """Return the lower bound of a bucket in seconds; a fraction gives a value inside the bucket."""
    return float(_FIRST_SECONDS * 2 ** (bucket / _PER_OCTAVE))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the latency in seconds that `share` (0-1) of the calls did not exceed; None without calls.

    `counts` are calls by bucket. The result is the middle of the bucket that contains the percentile.
    """
    total = sum(counts.values())
    if not total:
        return None
    target, passed, bucket = share * total, 0, 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= target:
            break
    return seconds_of(bucket + 0.5)


def added(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return the sum of histograms."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for bucket, calls in histogram.items():
            total[bucket] = total.get(bucket, 0) + calls
    return total


def counts_of(latencies: Sequence[int]) -> dict[int, int]:
    """Return the calls by bucket of a stored histogram: a list of counts in bucket order."""
    return {bucket: calls for bucket, calls in enumerate(latencies) if calls}


def stored(counts: Mapping[int, int]) -> list[int]:
    """Return a histogram in its stored form: counts in bucket order, without trailing zeros."""
    return [counts.get(bucket, 0) for bucket in range(max(counts, default=-1) + 1)]
