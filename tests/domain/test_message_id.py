"""Message ids: their order under clock changes, and which texts of callers are ids."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.message_id import (
    EPOCH_MS,
    MAX_ID,
    NODES,
    MessageIds,
    bucket_of,
    bucket_start_ms,
    created_ms,
    first_id_at,
    first_id_of,
    last_bucket_before,
    parse_message_id,
    parse_message_ids,
)

NOW = 1_795_435_200_000
PER_MS = 2_048


class Clock:
    """A clock with a settable time, or a sequence of times."""

    def __init__(self, *times: int) -> None:
        self._times: Iterator[int] = iter(times)
        self.now = NOW

    def __call__(self) -> int:
        self.now = next(self._times, self.now)
        return self.now


@given(st.lists(st.integers(EPOCH_MS, NOW), min_size=1, max_size=50))
def test_ids_rise_strictly_wherever_the_clock_jumps(times: list[int]) -> None:
    ids = MessageIds(7, Clock(*times))
    made = [ids.next() for _ in times]
    assert all(earlier < later for earlier, later in pairwise(made))


def test_an_id_contains_its_creation_time() -> None:
    assert created_ms(MessageIds(1023, Clock()).next()) == NOW


def test_a_clock_that_goes_back_makes_no_earlier_ids() -> None:
    ids = MessageIds(0, Clock(NOW, NOW - 3_600_000))
    first, second = ids.next(), ids.next()
    assert second == first + 1
    assert created_ms(second) == NOW


def test_the_ids_of_one_millisecond_overflow_into_the_next() -> None:
    ids = MessageIds(3, Clock())
    made = [ids.next() for _ in range(2 * PER_MS + 1)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert [created_ms(made[index]) - NOW for index in (0, PER_MS - 1, PER_MS, 2 * PER_MS)] == [0, 0, 1, 2]


def test_two_nodes_never_make_the_same_id() -> None:
    first, second = MessageIds(0, Clock()), MessageIds(1, Clock())
    made = {ids.next() for _ in range(PER_MS + 10) for ids in (first, second)}
    assert len(made) == 2 * (PER_MS + 10)


def test_an_id_for_a_later_time_does_not_change_the_order_of_others() -> None:
    ids = MessageIds(5, Clock())
    first, scheduled, second = ids.next(), ids.next(NOW + 86_400_000), ids.next()
    assert created_ms(scheduled) == NOW + 86_400_000
    assert first < second < scheduled


def test_an_id_scheduled_for_a_moment_is_never_made_at_that_moment() -> None:
    """Two cells may hold the two messages, so no primary key would detect it."""
    clock = Clock()
    ids = MessageIds(3, clock)
    scheduled = {ids.next(NOW + 1) for _ in range(PER_MS)}
    clock.now = NOW + 1
    made = {ids.next() for _ in range(PER_MS)}
    assert len(scheduled) == len(made) == PER_MS
    assert {created_ms(message_id) for message_id in scheduled | made} == {NOW + 1}
    assert not scheduled & made


@pytest.mark.parametrize("node", [-1, NODES])
def test_a_node_number_has_ten_bits(node: int) -> None:
    with pytest.raises(ValueError, match="0-1023"):
        MessageIds(node)


def test_ids_fit_a_signed_column_until_2089() -> None:
    last = MessageIds(NODES - 1, Clock()).next(EPOCH_MS + (1 << 41) - 1)
    assert 0 < last <= MAX_ID


@given(st.integers(EPOCH_MS, NOW))
def test_the_first_id_of_a_millisecond_is_the_bound_of_a_range(at: int) -> None:
    assert first_id_at(at) <= MessageIds(0, Clock(at)).next() < first_id_at(at + 1)


def test_a_time_before_all_ids_bounds_them_all() -> None:
    assert first_id_at(0) == 0


def test_a_bucket_lasts_about_25_days() -> None:
    start = first_id_at(EPOCH_MS + (1 << 31))
    assert [bucket_of(at) for at in (0, start - 1, start, first_id_at(EPOCH_MS + (2 << 31)))] == [0, 0, 1, 2]
    assert pytest.approx(24.9, abs=0.1) == (1 << 31) / 86_400_000


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("3806", 3806),
        (3806, 3806),
        ("0", 0),
        ("007", 7),
        (str(MAX_ID), MAX_ID),
        (MAX_ID, MAX_ID),
        (MAX_ID + 1, None),
        (str(MAX_ID + 1), None),
        ("9" * 20, None),
        ("9" * 10_000, None),
        (10**100, None),
        (-1, None),
        ("-1", None),
        ("+1", None),
        ("1_000", None),
        (" 1", None),
        ("1\n", None),
        ("", None),
        ("abc", None),
        ("1.0", None),
        ("٣", None),
        ("²", None),
        ("\N{FULLWIDTH DIGIT ONE}", None),
    ],
)
def test_only_a_decimal_number_of_19_digits_can_be_an_id(value: str | int, meant: int | None) -> None:
    assert parse_message_id(value) == meant
    assert list(parse_message_ids([value])) == [meant]


@given(st.lists(st.one_of(st.integers(), st.text(max_size=21), st.from_regex(r"[0-9]{1,20}", fullmatch=True))))
def test_a_list_is_parsed_as_its_items_are(values: list[str | int]) -> None:
    assert list(parse_message_ids(values)) == [parse_message_id(value) for value in values]


@given(st.integers(0, 1_000))
def test_a_bucket_is_a_range_of_ids_and_of_time(bucket: int) -> None:
    first = first_id_of(bucket)
    assert (bucket_of(first), bucket_of(first - 1)) == (bucket, bucket - 1)
    start = created_ms(first)
    assert start == bucket_start_ms(bucket)
    assert last_bucket_before(start) == bucket - 1
    assert last_bucket_before(start - 1) == bucket - 2


def test_nothing_lies_before_the_first_bucket() -> None:
    assert last_bucket_before(EPOCH_MS) < 0
    assert last_bucket_before(0) < 0
