"""Merged status changes have the effect of the single ones."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from msgcenter.domain.mailbox import EntryChange, merge

NOW = 1_000
Entry = int | None
"""The read time of an entry, None while it is unread."""


def one_call(entry: Entry, *, read: bool) -> Entry:
    """Return the read time after one call: the first read time is kept, unread clears it."""
    if not read:
        return None
    return NOW if entry is None else entry


def one_change(entry: Entry, change: EntryChange) -> Entry:
    """Return the read time after the store applied a merged change."""
    match change:
        case EntryChange.UNREAD:
            return None
        case EntryChange.READ:
            return NOW if entry is None else entry
        case EntryChange.READ_AFRESH:
            return NOW


entries = st.one_of(st.none(), st.just(1))
some_calls = st.lists(st.booleans(), min_size=1, max_size=8)


@given(entries, some_calls)
def test_a_merged_batch_has_the_effect_of_its_calls_in_order(entry: Entry, calls: list[bool]) -> None:
    expected = reduce(lambda state, read: one_call(state, read=read), calls, entry)
    merged: EntryChange | None = None
    for read in calls:
        merged = merge(merged, EntryChange.READ if read else EntryChange.UNREAD)
    assert merged is not None
    assert one_change(entry, merged) == expected


@given(entries, some_calls, some_calls)
def test_merging_does_not_depend_on_where_batches_are_cut(entry: Entry, first: list[bool], then: list[bool]) -> None:
    def merged(calls: list[bool]) -> EntryChange:
        changes = [EntryChange.READ if read else EntryChange.UNREAD for read in calls]
        return reduce(merge, changes[1:], changes[0])

    one_batch = one_change(entry, merged(first + then))
    two_batches = one_change(one_change(entry, merged(first)), merged(then))
    assert one_batch == two_batches


def test_the_first_read_time_is_kept_unless_it_was_unread_in_between() -> None:
    assert merge(EntryChange.READ, EntryChange.READ) is EntryChange.READ
    assert merge(EntryChange.UNREAD, EntryChange.READ) is EntryChange.READ_AFRESH
    assert merge(EntryChange.READ_AFRESH, EntryChange.READ) is EntryChange.READ_AFRESH
