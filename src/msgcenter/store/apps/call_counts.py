"""Call counts by app, hour (and again by day), API and retCode."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgcenter.database.database import Connection
from msgcenter.database.statements import affected_rows, column_arrays
from msgcenter.domain.refusal import SUCCESS_CODE

UNKNOWN_APP = 0
"""The app number of calls whose caller did not prove to be an app."""
Hours = Literal[1, 24]
"""The period of a count: an hour, or a day (also one of 23 or 25 hours)."""


class CountKey(NamedTuple):
    """The key of a count. `begins_at` is ms since 1970. Sorts as the primary key does."""

    app_number: int
    hours: Hours
    begins_at: int
    api: str
    ret_code: str


class Count(NamedTuple):
    """Totals of answered calls; `latencies` are calls by bucket (domain/histogram.py), starting at bucket 0."""

    calls: int
    status_ids: int
    messages: int
    latencies: Sequence[int]


class CountQuery(NamedTuple):
    """Which counts to read: of one app (None: all apps) and one period, from `since` to before `until`.

    Times are ms since 1970. `api` None means all APIs.
    """

    app_number: int | None
    hours: Hours
    since: int
    until: int
    api: str | None = None


class StepCount(NamedTuple):
    """Calls in a time step (numbered from 0), by API and outcome."""

    step: int
    api: str
    ret_code: str
    calls: int
    status_ids: int
    messages: int


class StepLatency(NamedTuple):
    """The number of calls of an API in a time step (numbered from 0) whose latency is in a bucket."""

    step: int
    api: str
    bucket: int
    calls: int


class AppCount(NamedTuple):
    """The calls of an app."""

    app_number: int
    calls: int
    errors: int
    status_ids: int
    messages: int


async def add_counts(connection: Connection, counts: Sequence[tuple[CountKey, Count]]) -> None:
    """Add counts, sorted by their distinct keys, to the stored ones."""
    await connection.execute(
        """
        insert into call_count as stored
            (app_number, hours, begins_at, api, ret_code, calls, status_ids, messages, latencies)
        select app_number, hours, begins_at, api, ret_code, calls, status_ids, messages, latencies::int[]
        from unnest($1::int[], $2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::text[])
            as new_count (app_number, hours, begins_at, api, ret_code, calls, status_ids, messages, latencies)
        on conflict (app_number, hours, begins_at, api, ret_code) do update
        set calls = stored.calls + excluded.calls,
            status_ids = stored.status_ids + excluded.status_ids,
            messages = stored.messages + excluded.messages,
            -- A full bucket stays full, so that one count cannot keep all others from being stored.
            latencies = array(
                select least(coalesce(old_calls, 0)::bigint + coalesce(new_calls, 0), 2147483647)::int
                from unnest(stored.latencies, excluded.latencies)
                    with ordinality as bucket (old_calls, new_calls, place)
                order by place
            )
        """,
        *column_arrays((key for key, _ in counts), len(CountKey._fields)),
        [count.calls for _, count in counts],
        [count.status_ids for _, count in counts],
        [count.messages for _, count in counts],
        ["{" + ",".join(map(str, count.latencies)) + "}" for _, count in counts],
    )


def _where(query: CountQuery) -> str:
    """Return the condition of a query; its parameters are the query's fields, $1 to $5."""
    # Two statements, since one plan for both cases could not use the primary key.
    app_condition = "$1::int is null" if query.app_number is None else "call_count.app_number = $1"
    return f"""
        {app_condition}
        and call_count.hours = $2
        and call_count.begins_at >= $3
        and call_count.begins_at < $4
        and ($5::text is null or call_count.api = $5)
    """


async def counts(connection: Connection, query: CountQuery, steps: Sequence[int]) -> list[StepCount]:
    """Return the calls by time steps, which begin at `steps` (ms since 1970, ascending)."""
    rows = await connection.fetch(
        f"""
        select width_bucket(call_count.begins_at, $6::bigint[]) - 1 as step, call_count.api, call_count.ret_code,
            sum(call_count.calls)::bigint, sum(call_count.status_ids)::bigint, sum(call_count.messages)::bigint
        from call_count
        where {_where(query)}
        group by 1, 2, 3
        order by 1, 2, 3
        """,
        *query,
        steps,
    )
    return [StepCount(*row) for row in rows]


async def latencies(connection: Connection, query: CountQuery, steps: Sequence[int]) -> list[StepLatency]:
    """Return the latencies of calls by time steps, which begin at `steps` (ms since 1970, ascending)."""
    rows = await connection.fetch(
        f"""
        select width_bucket(call_count.begins_at, $6::bigint[]) - 1 as step, call_count.api,
            (latency.place - 1)::int as bucket, sum(latency.calls)::bigint
        from call_count, unnest(call_count.latencies) with ordinality as latency (calls, place)
        where latency.calls > 0 and {_where(query)}
        group by 1, 2, 3
        """,
        *query,
        steps,
    )
    return [StepLatency(*row) for row in rows]


async def stored_counts(connection: Connection, query: CountQuery) -> list[tuple[CountKey, Count]]:
    """Return the counts themselves, the oldest first."""
    rows = await connection.fetch(
        f"""
        select call_count.app_number, call_count.hours, call_count.begins_at, call_count.api, call_count.ret_code,
            call_count.calls, call_count.status_ids, call_count.messages, call_count.latencies
        from call_count
        where {_where(query)}
        order by call_count.begins_at, call_count.api, call_count.ret_code
        """,
        *query,
    )
    return [(CountKey(*row[:5]), Count(*row[5:])) for row in rows]


async def counts_by_app(connection: Connection, query: CountQuery) -> list[AppCount]:
    """Return the calls of each app."""
    rows = await connection.fetch(
        f"""
        select call_count.app_number, sum(call_count.calls)::bigint,
            (sum(call_count.calls) filter (where call_count.ret_code <> $6))::bigint,
            sum(call_count.status_ids)::bigint, sum(call_count.messages)::bigint
        from call_count
        where {_where(query)}
        group by call_count.app_number
        """,
        *query,
        SUCCESS_CODE,
    )
    return [
        AppCount(app_number, calls, errors or 0, status_ids, messages)
        for app_number, calls, errors, status_ids, messages in rows
    ]


async def latencies_by_app(connection: Connection, query: CountQuery) -> list[tuple[int, int, int]]:
    """Return the latencies of each app's calls, as triples: app number, bucket, calls."""
    rows = await connection.fetch(
        f"""
        select call_count.app_number, (latency.place - 1)::int as bucket, sum(latency.calls)::bigint as calls
        from call_count, unnest(call_count.latencies) with ordinality as latency (calls, place)
        where latency.calls > 0 and {_where(query)}
        group by 1, 2
        """,
        *query,
    )
    return [(row["app_number"], row["bucket"], row["calls"]) for row in rows]


async def messages_since(connection: Connection, app_number: int, since: int) -> int:
    """Return how many messages an app has sent since the beginning of a day (ms since 1970)."""
    messages: int | None = await connection.fetchval(
        "select sum(messages)::bigint from call_count where app_number = $1 and hours = 24 and begins_at >= $2",
        app_number,
        since,
    )
    return messages or 0


async def delete_old(connection: Connection, before: int, limit: int) -> int:
    """Delete up to `limit` counts of each period that began before `before` (ms since 1970); return how many."""
    deleted = 0
    for hours in (1, 24):
        status = await connection.execute(
            """
            delete from call_count
            using (
                select app_number, hours, begins_at, api, ret_code
                from call_count
                where hours = $1 and begins_at < $2
                order by begins_at
                limit $3
            ) as old
            where call_count.app_number = old.app_number
                and call_count.hours = old.hours
                and call_count.begins_at = old.begins_at
                and call_count.api = old.api
                and call_count.ret_code = old.ret_code
            """,
            hours,
            before,
            limit,
        )
        deleted += affected_rows(status)
    return deleted
