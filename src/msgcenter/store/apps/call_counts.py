"""What was called: counts by app, hour (and once more by day), API and retCode."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.refusal import SUCCESS_CODE

NOBODY = 0
"""Stands for the app of calls whose caller did not prove to be one."""
Hours = Literal[1, 24]
"""How long a count's time is: an hour, or a day (also one of 23 or 25 hours)."""


class CountKey(NamedTuple):
    """What is counted together. `begins_at` is ms since 1970. Sorts as the primary key does."""

    app_number: int
    hours: Hours
    begins_at: int
    api: str
    ret_code: str


class Count(NamedTuple):
    """Calls that were answered; `latencies` are calls by bucket (domain/histogram.py) from bucket 0 on."""

    calls: int
    status_ids: int
    messages: int
    latencies: Sequence[int]


class Span(NamedTuple):
    """What to look at: an app's counts (all apps': None) of one length, from `since` to before `until`.

    An `api` None is all of them.
    """

    app_number: int | None
    hours: Hours
    since: int
    until: int
    api: str | None = None


class StepCount(NamedTuple):
    """Calls of a step in time (from 0), by API and outcome."""

    step: int
    api: str
    ret_code: str
    calls: int
    status_ids: int
    messages: int


class StepLatency(NamedTuple):
    """How many calls of an API took how long (`bucket`), in a step in time (from 0)."""

    step: int
    api: str
    bucket: int
    calls: int


class AppCount(NamedTuple):
    """What an app called."""

    app_number: int
    calls: int
    errors: int
    status_ids: int
    messages: int


async def add_counts(connection: Connection, counts: Sequence[tuple[CountKey, Count]]) -> None:
    """Add counts, sorted by their distinct keys, to those that are there."""
    await connection.execute(
        "insert into call_count as c (app_number, hours, begins_at, api, ret_code, calls, status_ids, messages,"
        " latencies)"
        " select a, h, b, p, r, n, i, m, l::int[] from unnest($1::int[], $2::smallint[], $3::bigint[], $4::text[],"
        " $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[]) as t (a, h, b, p, r, n, i, m, l)"
        " on conflict (app_number, hours, begins_at, api, ret_code) do update set"
        " calls = c.calls + excluded.calls, status_ids = c.status_ids + excluded.status_ids,"
        " messages = c.messages + excluded.messages,"
        # A bucket that is full stays full: no count may keep all others from being stored.
        " latencies = array(select least(coalesce(x, 0)::bigint + coalesce(y, 0), 2147483647)::int"
        " from unnest(c.latencies, excluded.latencies) with ordinality as u (x, y, n) order by n)",
        [key.app_number for key, _ in counts],
        [key.hours for key, _ in counts],
        [key.begins_at for key, _ in counts],
        [key.api for key, _ in counts],
        [key.ret_code for key, _ in counts],
        [count.calls for _, count in counts],
        [count.status_ids for _, count in counts],
        [count.messages for _, count in counts],
        ["{" + ",".join(map(str, count.latencies)) + "}" for _, count in counts],
    )


_IN_SPAN = (
    "c.app_number = coalesce($1, c.app_number) and c.hours = $2 and c.begins_at >= $3 and c.begins_at < $4"
    " and ($5::text is null or c.api = $5)"
)
_OF_APP = _IN_SPAN.replace("coalesce($1, c.app_number)", "$1")
_OF_ALL = _IN_SPAN.replace("c.app_number = coalesce($1, c.app_number)", "$1::int is null")


def _where(span: Span) -> str:
    return _OF_ALL if span.app_number is None else _OF_APP


async def counts(connection: Connection, span: Span, steps: Sequence[int]) -> list[StepCount]:
    """Return what was called, in steps that begin at `steps` (ms since 1970, ascending)."""
    rows = await connection.fetch(
        "select width_bucket(c.begins_at, $6::bigint[]) - 1 as step, c.api, c.ret_code, sum(c.calls)::bigint,"
        f" sum(c.status_ids)::bigint, sum(c.messages)::bigint from call_count c where {_where(span)}"
        " group by 1, 2, 3 order by 1, 2, 3",
        *span,
        steps,
    )
    return [StepCount(*row) for row in rows]


async def latencies(connection: Connection, span: Span, steps: Sequence[int]) -> list[StepLatency]:
    """Return how long calls took, in steps that begin at `steps` (ms since 1970, ascending)."""
    rows = await connection.fetch(
        "select width_bucket(c.begins_at, $6::bigint[]) - 1 as step, c.api, (l.place - 1)::int as bucket,"
        " sum(l.calls)::bigint from call_count c, unnest(c.latencies) with ordinality as l (calls, place)"
        f" where l.calls > 0 and {_where(span)} group by 1, 2, 3",
        *span,
        steps,
    )
    return [StepLatency(*row) for row in rows]


async def rows_of(connection: Connection, span: Span) -> list[tuple[CountKey, Count]]:
    """Return the counts themselves, the oldest first."""
    rows = await connection.fetch(
        "select c.app_number, c.hours, c.begins_at, c.api, c.ret_code, c.calls, c.status_ids, c.messages, c.latencies"
        f" from call_count c where {_where(span)} order by c.begins_at, c.api, c.ret_code",
        *span,
    )
    return [(CountKey(*row[:5]), Count(*row[5:])) for row in rows]


async def counts_by_app(connection: Connection, span: Span) -> list[AppCount]:
    """Return what each app called."""
    rows = await connection.fetch(
        "select c.app_number, sum(c.calls)::bigint, (sum(c.calls) filter (where c.ret_code <> $6))::bigint,"
        f" sum(c.status_ids)::bigint, sum(c.messages)::bigint from call_count c where {_where(span)}"
        " group by c.app_number",
        *span,
        SUCCESS_CODE,
    )
    return [AppCount(row[0], row[1], row[2] or 0, row[3], row[4]) for row in rows]


async def latencies_by_app(connection: Connection, span: Span) -> list[tuple[int, int, int]]:
    """Return how many calls of each app took how long: its number, bucket, calls."""
    rows = await connection.fetch(
        "select c.app_number, (l.place - 1)::int, sum(l.calls)::bigint"
        " from call_count c, unnest(c.latencies) with ordinality as l (calls, place)"
        f" where l.calls > 0 and {_where(span)} group by 1, 2",
        *span,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def messages_of(connection: Connection, app_number: int, since: int) -> int:
    """Return how many messages an app has sent since a day began (ms since 1970)."""
    found: int | None = await connection.fetchval(
        "select sum(messages)::bigint from call_count where app_number = $1 and hours = 24 and begins_at >= $2",
        app_number,
        since,
    )
    return found or 0


async def delete_old(connection: Connection, before: int, limit: int) -> int:
    """Delete up to `limit` counts of each length that began before `before` (ms since 1970); return how many."""
    deleted = 0
    for hours in (1, 24):
        status = await connection.execute(
            "delete from call_count c using (select app_number, hours, begins_at, api, ret_code from call_count"
            " where hours = $1 and begins_at < $2 order by begins_at limit $3) old"
            " where c.app_number = old.app_number and c.hours = old.hours and c.begins_at = old.begins_at"
            " and c.api = old.api and c.ret_code = old.ret_code",
            hours,
            before,
            limit,
        )
        deleted += int(status.rpartition(" ")[2])
    return deleted
