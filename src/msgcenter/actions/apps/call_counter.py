"""Counts the calls of this process in memory, and adds them to the database every few seconds.

A call costs a dictionary lookup and a few additions. Counts of the last few seconds are lost if the process is killed;
an unavailable database only delays them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from time import time
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.histogram import bucket_of, stored
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.quota import day_of, start_of
from msgcenter.domain.refusal import SUCCESS_CODE, Refusal
from msgcenter.store.apps.call_counts import UNKNOWN_APP, Count, CountKey, add_counts

_log = structlog.get_logger(__name__)
_EVERY_SECONDS = 3.0
_LAST_SECONDS = 5.0
"""How long the server waits at its end until the last counts are stored."""
_HOURS_PER_STATEMENT = 1_000
_HOURS_KEPT = 50_000
"""Counts kept while the database is unavailable; beyond that, the oldest hours are dropped."""
_HOUR_MS = 3_600_000


class AnsweredCall(Protocol):
    """The properties of a call that are counted."""

    @property
    def api(self) -> str: ...
    @property
    def app(self) -> App | None: ...
    @property
    def ret_code(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def status_ids(self) -> int: ...


class _Tally:
    """A count in memory."""

    __slots__ = ("calls", "latencies", "messages", "status_ids")

    def __init__(self) -> None:
        self.calls = self.status_ids = self.messages = 0
        self.latencies: dict[int, int] = defaultdict(int)

    def add(self, other: "_Tally") -> None:
        self.calls += other.calls
        self.status_ids += other.status_ids
        self.messages += other.messages
        for bucket, calls in other.latencies.items():
            self.latencies[bucket] += calls

    def count(self) -> Count:
        return Count(self.calls, self.status_ids, self.messages, stored(self.latencies))


class CallCounter:
    """Counts calls by app, API, outcome and hour. Hours and days begin as they do in `zone`."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone
        self._stopping = asyncio.Event()
        self._current: dict[tuple[int, str, str], _Tally] = defaultdict(_Tally)
        self._hour = 0
        self._hour_ends = 0.0
        self._waiting: dict[CountKey, _Tally] = {}

    def observe(self, call: AnsweredCall) -> None:
        """Count an answered call."""
        if time() >= self._hour_ends:
            self._set_aside()
        app = call.app
        tally = self._current[UNKNOWN_APP if app is None else app.number, call.api, call.ret_code]
        tally.calls += 1
        tally.status_ids += call.status_ids
        tally.latencies[bucket_of(call.seconds)] += 1

    def sent(self, drafts: Sequence[Draft]) -> None:
        """Count messages that were just sent."""
        if time() >= self._hour_ends:
            self._set_aside()
        for draft in drafts:
            self._current[draft.app_number, draft.call, SUCCESS_CODE].messages += 1

    async def run(self) -> None:
        """Store the counts every few seconds until `stop` is called, also after the database was unavailable."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _EVERY_SECONDS)
            try:
                await self.flush()
            except Refusal:
                pass  # the database is unavailable: the counts wait
            except Exception:  # a fault here must not end the counting
                _log.exception("call counts could not be stored")

    def stop(self) -> None:
        """End `run` after it has stored the counts."""
        self._stopping.set()

    async def close(self) -> None:
        """Store the very last counts."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self.flush()
        except (Refusal, TimeoutError):
            _log.warning("the last call counts could not be stored", calls=_calls(self._waiting.values()))

    async def flush(self) -> None:
        """Store the counts. Refuses with DATABASE_UNAVAILABLE; the counts then wait for the next flush."""
        self._set_aside()
        while self._waiting:
            batch = dict(islice(self._waiting.items(), _HOURS_PER_STATEMENT))
            for key in batch:
                del self._waiting[key]
            counts = _with_days(batch, self._zone)

            async def write(connection: Connection, counts: Sequence[tuple[CountKey, Count]] = counts) -> None:
                await add_counts(connection, counts)

            try:
                await self._database.in_autocommit(write)
            except BaseException:
                self._keep(batch)
                raise

    def _set_aside(self) -> None:
        """Move the current counts to those that wait, and read the clock for the current hour."""
        current, self._current = self._current, defaultdict(_Tally)
        for (app_number, api, ret_code), tally in current.items():
            _add(self._waiting, CountKey(app_number, 1, self._hour, api, ret_code), tally)
        now = now_ms()
        offset = datetime.fromtimestamp(now / 1_000, UTC).astimezone(self._zone).utcoffset()
        assert offset is not None
        offset_ms = int(offset.total_seconds()) * 1_000
        self._hour = (now + offset_ms) // _HOUR_MS * _HOUR_MS - offset_ms
        self._hour_ends = (self._hour + _HOUR_MS) / 1_000

    def _keep(self, batch: Mapping[CountKey, _Tally]) -> None:
        """Put back counts that could not be stored; if there are too many, drop the oldest."""
        for key, tally in batch.items():
            _add(self._waiting, key, tally)
        over = len(self._waiting) - _HOURS_KEPT
        if over > 0:
            oldest = sorted(self._waiting, key=lambda key: key.begins_at)[:over]
            _log.warning("call counts were dropped: too many wait", calls=_calls(self._waiting.pop(k) for k in oldest))


def _with_days(batch: Mapping[CountKey, _Tally], zone: ZoneInfo) -> list[tuple[CountKey, Count]]:
    """Return the counts by hour and by day, in the order of their keys."""
    tallies = dict(batch)
    for key, tally in batch.items():
        _add(tallies, key._replace(hours=24, begins_at=_day_of_hour(key.begins_at, zone)), tally)
    return [(key, tallies[key].count()) for key in sorted(tallies)]


@lru_cache(maxsize=64)
def _day_of_hour(hour: int, zone: ZoneInfo) -> int:
    return start_of(day_of(hour, zone), zone)


def _add(tallies: dict[CountKey, _Tally], key: CountKey, tally: _Tally) -> None:
    tallies.setdefault(key, _Tally()).add(tally)


def _calls(tallies: Iterable[_Tally]) -> int:
    return sum(tally.calls for tally in tallies)
