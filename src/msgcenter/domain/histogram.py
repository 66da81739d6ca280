"""Latencies as counts in buckets of a logarithmic scale: small, quick to add to, and histograms can be added up.

Bucket n holds what takes from 0.1 ms × 2^(n/8) on, up to where the next one begins: 9 % wide, so that a percentile is
told to within 5 %. The first bucket holds everything quicker, the last everything slower than 100 seconds.
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
    """Return where a bucket begins; with a fraction, a place inside it."""
    return float(_FIRST_SECONDS * 2 ** (bucket / _PER_OCTAVE))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the latency in seconds that `share` (0-1) of the calls did not exceed; None without calls.

    `counts` are calls by bucket. The answer is the middle of the bucket in which that call lies.
    """
    total = sum(counts.values())
    if not total:
        return None
    wanted, passed, bucket = share * total, 0, 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= wanted:
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
    """Return the calls by bucket of a histogram as it is stored: a count for each bucket, in order."""
    return {bucket: calls for bucket, calls in enumerate(latencies) if calls}


def stored(counts: Mapping[int, int]) -> list[int]:
    """Return a histogram as it is stored: without the empty buckets at the end."""
    return [counts.get(bucket, 0) for bucket in range(max(counts, default=-1) + 1)]
