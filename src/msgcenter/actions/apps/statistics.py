"""API usage, errors and latency, per app and in total."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.histogram import added, percentile
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.period import Length, Period, period_of
from msgcenter.domain.quota import day_of, start_of
from msgcenter.domain.refusal import SUCCESS_CODE
from msgcenter.store.apps import apps as accounts
from msgcenter.store.apps import call_counts, quotas
from msgcenter.store.apps.apps import AppRecord
from msgcenter.store.apps.call_counts import AppCount, Count, CountKey, CountQuery, StepCount, StepLatency
from msgcenter.store.channels import outcomes

Order = Literal["calls", "errors", "p95"]
_OfStep = TypeVar("_OfStep", StepCount, StepLatency)


class Percentiles(NamedTuple):
    """Latencies in seconds that 50 %, 95 % and 99 % of the calls did not exceed."""

    p50: float
    p95: float
    p99: float


class Line(NamedTuple):
    """The usage of one time step or one API. `latency` is None without calls."""

    calls: int
    errors: int
    status_ids: int
    messages: int
    latency: Percentiles | None


class AppStatistics(NamedTuple):
    """The usage of an app in a period: in total, by time step, by API, and its errors by retCode, most frequent first.

    `apis` are all APIs that it called, also if the other figures are of one API.
    """

    period: Period
    total: Line
    steps: list[Line]
    by_api: dict[str, Line]
    errors: list[tuple[str, int]]
    apis: list[str]


class AppLine(NamedTuple):
    """The usage of an app; `record` is None for calls without a valid token."""

    record: AppRecord | None
    line: Line


class Overview(NamedTuple):
    """The usage of all apps in a period. `more_apps` is the number of apps that are not in `apps`."""

    period: Period
    total: Line
    steps: list[Line]
    errors: list[tuple[str, int]]
    apps: list[AppLine]
    more_apps: int


class Statistics:
    """Reads the counts of `CallCounter`. Days begin at midnight in `zone`; `is_on` is whether calls are counted."""

    def __init__(self, database: Database, zone: ZoneInfo, *, is_on: bool = True) -> None:
        self._database = database
        self.zone = zone
        self.is_on = is_on

    def today(self) -> date:
        """Return the current day in `zone`."""
        return day_of(now_ms(), self.zone)

    async def of_app(self, app: App, length: Length, last: date, api: str | None = None) -> AppStatistics:
        """Return the usage of an app in the day, week or month that ends with `last`; of one API, or of all (None)."""
        period = period_of(length, last, self.zone)
        query = CountQuery(app.number, 24 if period.by_day else 1, period.since, period.until)
        async with self._database.connection() as connection:
            counts = await call_counts.counts(connection, query, period.steps)
            latencies = await call_counts.latencies(connection, query._replace(api=api), period.steps)
        apis = sorted({count.api for count in counts})
        counts = [count for count in counts if api is None or count.api == api]
        return AppStatistics(
            period,
            _line(counts, latencies),
            _by_step(period, counts, latencies),
            {name: _line(_of_api(counts, name), _of_api(latencies, name)) for name in apis if api in {None, name}},
            _errors(counts),
            apis,
        )

    async def hours_of_app(
        self, app: App, length: Length, last: date, api: str | None = None
    ) -> list[tuple[CountKey, Count]]:
        """Return an app's counts by hour, API and retCode, oldest first."""
        period = period_of(length, last, self.zone)
        async with self._database.connection() as connection:
            return await call_counts.stored_counts(
                connection, CountQuery(app.number, 1, period.since, period.until, api)
            )

    async def channels(self, app: App | None, period: Period) -> dict[str, dict[str, int]]:
        """Return how many deliveries of an app (None: of all) were sent, failed or skipped in a period, by channel."""
        async with self._database.connection() as connection:
            return await outcomes.count_by_channel(
                connection, None if app is None else app.number, period.first, period.last
            )

    async def messages_today(self, app: App) -> int:
        """Return the number of messages that an app has sent today: the count of its quota, or of the statistics."""
        async with self._database.connection() as connection:
            if app.daily_quota is not None:
                return await quotas.used(connection, app.platform.first_cell, app.number, self.today())
            return await call_counts.messages_since(connection, app.number, start_of(self.today(), self.zone))

    async def overview(self, length: Length, last: date, order: Order, limit: int) -> Overview:
        """Return the usage of all apps, with up to `limit` apps that are first in `order`."""
        period = period_of(length, last, self.zone, whole_days=True)
        steps = CountQuery(None, 24 if period.by_day else 1, period.since, period.until)
        days = steps._replace(hours=24)
        async with self._database.connection() as connection:
            counts = await call_counts.counts(connection, steps, period.steps)
            by_app = await call_counts.counts_by_app(connection, days)
            latencies: dict[int, dict[int, int]] = defaultdict(dict)
            for number, bucket, calls in await call_counts.latencies_by_app(connection, days):
                latencies[number][bucket] = calls
            lines = {count.app_number: _line_of_app(count, latencies[count.app_number]) for count in by_app}
            shown = sorted(lines, key=lambda number: (-_rank(lines[number], order), number))[:limit]
            records = await accounts.find_apps(connection, shown)
        total = _line(counts, [])._replace(latency=percentiles(added(latencies.values())))
        return Overview(
            period,
            total,
            _by_step(period, counts, []),
            _errors(counts),
            [AppLine(records.get(number), lines[number]) for number in shown],
            len(lines) - len(shown),
        )


def percentiles(counts: Mapping[int, int]) -> Percentiles | None:
    """Return the percentiles of a histogram, None if it is empty."""
    p50, p95, p99 = (percentile(counts, share) for share in (0.5, 0.95, 0.99))
    return None if p50 is None or p95 is None or p99 is None else Percentiles(p50, p95, p99)


def _line(counts: Sequence[StepCount], latencies: Sequence[StepLatency]) -> Line:
    histogram: Counter[int] = Counter()
    for latency in latencies:
        histogram[latency.bucket] += latency.calls
    return Line(
        sum(count.calls for count in counts),
        sum(count.calls for count in counts if count.ret_code != SUCCESS_CODE),
        sum(count.status_ids for count in counts),
        sum(count.messages for count in counts),
        percentiles(histogram),
    )


def _of_api(rows: Sequence[_OfStep], api: str) -> list[_OfStep]:
    return [row for row in rows if row.api == api]


def _by_step(period: Period, counts: Sequence[StepCount], latencies: Sequence[StepLatency]) -> list[Line]:
    counts_of: dict[int, list[StepCount]] = defaultdict(list)
    latencies_of: dict[int, list[StepLatency]] = defaultdict(list)
    for count in counts:
        counts_of[count.step].append(count)
    for latency in latencies:
        latencies_of[latency.step].append(latency)
    return [_line(counts_of[step], latencies_of[step]) for step in range(len(period.steps))]


def _errors(counts: Sequence[StepCount]) -> list[tuple[str, int]]:
    errors: Counter[str] = Counter()
    for count in counts:
        if count.ret_code != SUCCESS_CODE:
            errors[count.ret_code] += count.calls
    return sorted(errors.items(), key=lambda pair: (-pair[1], pair[0]))


def _line_of_app(count: AppCount, latencies: Mapping[int, int]) -> Line:
    return Line(count.calls, count.errors, count.status_ids, count.messages, percentiles(latencies))


def _rank(line: Line, order: Order) -> float:
    if order == "p95":
        return line.latency.p95 if line.latency else 0.0
    return line.errors if order == "errors" else line.calls
