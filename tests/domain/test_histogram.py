"""Histograms of latencies: their precision and their sums."""

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.histogram import BUCKETS, added, bucket_of, counts_of, percentile, seconds_of, stored

SECONDS = st.floats(min_value=0.000_1, max_value=99, allow_nan=False)


def histogram(latencies: list[float]) -> dict[int, int]:
    """Return the histogram of some latencies."""
    return added({bucket_of(seconds): 1} for seconds in latencies)


@given(SECONDS)
def test_a_bucket_is_exact_to_within_five_per_cent(seconds: float) -> None:
    estimate = percentile({bucket_of(seconds): 1}, 0.5)
    assert estimate is not None
    assert abs(estimate - seconds) <= 0.05 * seconds


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.000_01, 0.000_1])
def test_everything_quicker_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket_of(seconds) == 0


@pytest.mark.parametrize("seconds", [101, 3_600, 1e300])
def test_everything_slower_is_in_the_last_bucket(seconds: float) -> None:
    assert bucket_of(seconds) == BUCKETS - 1


@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_the_latency_of_that_call(latencies: list[float], share: float) -> None:
    ordered = sorted(latencies)
    exact = next(taken for n, taken in enumerate(ordered, 1) if n >= share * len(ordered))
    estimate = percentile(histogram(latencies), share)
    assert estimate is not None
    assert abs(estimate - exact) <= 0.05 * exact


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_the_sum_of_histograms_is_the_histogram_of_all(some: list[float], others: list[float]) -> None:
    assert added([histogram(some), histogram(others)]) == histogram(some + others)


@given(st.lists(SECONDS))
def test_a_stored_histogram_can_be_read(latencies: list[float]) -> None:
    counts = histogram(latencies)
    assert counts_of(stored(counts)) == counts
    assert len(stored(counts)) == max(counts, default=-1) + 1


def test_without_calls_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert stored({}) == []


def test_percentiles_of_many_calls_rise() -> None:
    chance = random.Random(7)
    counts = histogram([chance.lognormvariate(-5, 1) for _ in range(5_000)])
    percentiles = [percentile(counts, share) or inf for share in (0.5, 0.95, 0.99)]
    assert percentiles == sorted(percentiles)
    assert percentiles[2] < seconds_of(BUCKETS)
