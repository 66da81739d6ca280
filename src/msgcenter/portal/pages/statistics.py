"""API usage, latency and errors: of one app for its members, of all apps for operators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from starlette.responses import Response

from msgcenter.actions.apps.statistics import Order, Statistics, percentiles
from msgcenter.domain.histogram import counts_of
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.period import Length, Period
from msgcenter.domain.refusal import SUCCESS, SUCCESS_CODE, Reason, malformed
from msgcenter.domain.spreadsheet import BYTE_ORDER_MARK, csv_line
from msgcenter.portal.page import Answer, View
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.usage_charts import app_charts, axis_of, calls_chart, duration

_LENGTHS: tuple[Length, ...] = ("day", "week", "month")
_ORDERS: tuple[Order, ...] = ("calls", "errors", "p95")
_MAX_APPS = 100
_PHRASES = {SUCCESS_CODE: SUCCESS, **{reason.ret_code: reason.phrase for reason in Reason}}
_PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True)
class StatisticsPages:
    """Show and export usage.

    `apis` are the calls that apps make with a token; `rate_limit` is the default, in calls per second for each app and
    API.
    """

    statistics: Statistics
    apis: Sequence[str]
    rate_limit: int

    async def of_app(self, request: PageRequest) -> Answer:
        """Show the usage of one app."""
        app = request.required_app.app
        length, last = self._days(request)
        api = request.query("api") or None
        usage = await self.statistics.of_app(app, length, last, api)
        limits = {name: app.calls_per_second(name, self.rate_limit) for name in self.apis}
        return View(
            "app_statistics.html",
            {
                "usage": usage,
                "api": api,
                "apis": sorted({*self.apis, *usage.apis}),
                "channels": await self.statistics.channels(app, usage.period),
                "used": await self.statistics.messages_today(app),
                "limits": limits,
                "common_limit": max(limits.values(), key=list(limits.values()).count),
                "charts": app_charts(request.language, usage.period, usage.steps, self.statistics.zone),
                **self._period_values(usage.period),
            },
        )

    async def of_app_csv(self, request: PageRequest) -> Answer:
        """Export the usage of one app by hour, API and retCode."""
        app, zone, language = request.required_app.app, self.statistics.zone, request.language
        length, last = self._days(request)
        rows = await self.statistics.hours_of_app(app, length, last, request.query("api") or None)
        lines = [csv_line(*_columns(zone.key, language))]
        for key, count in rows:
            seconds = percentiles(counts_of(count.latencies))
            lines.append(
                csv_line(
                    f"{datetime.fromtimestamp(key.begins_at / 1_000, zone):%Y-%m-%d %H:%M}",
                    app.app_id,
                    app.name,
                    api_label(key.api),
                    key.ret_code,
                    meaning(key.ret_code, language),
                    *map(str, (count.calls, count.status_ids, count.messages)),
                    *(("", "", "") if seconds is None else (f"{value * 1_000:.1f}" for value in seconds)),
                )
            )
        name = re.sub(r"[^A-Za-z0-9_-]", "_", app.app_id)
        disposition = f'attachment; filename="statistics-{name}-{length}-{last.isoformat()}.csv"'
        text = BYTE_ORDER_MARK + "".join(lines)
        return Response(text, media_type="text/csv", headers={"content-disposition": disposition})

    async def of_all(self, request: PageRequest) -> Answer:
        """Show the usage of all apps."""
        length, last = self._days(request)
        order: Order = next((order for order in _ORDERS if order == request.query("by")), "calls")
        usage = await self.statistics.overview(length, last, order, _MAX_APPS)
        axis = axis_of(usage.period, self.statistics.zone)
        return View(
            "operator_statistics.html",
            {
                "usage": usage,
                "order": order,
                "channels": await self.statistics.channels(None, usage.period),
                "charts": [calls_chart(request.language, axis, usage.steps)],
                **self._period_values(usage.period),
            },
        )

    def _days(self, request: PageRequest) -> tuple[Length, date]:
        """Return the period in the query: its length and its last day. Refuses with FIELD_MALFORMED (until)."""
        length: Length = next((length for length in _LENGTHS if length == request.query("range")), "day")
        text = request.query("until")
        if not text:
            return length, self.statistics.today()
        try:
            last = date.fromisoformat(text)
            if not 2_000 <= last.year <= 2_100:
                raise ValueError(text)
        except ValueError:
            raise malformed("until", "须为日期,例如2026-11-24", "must be a day, like 2026-11-24") from None
        return length, last

    def _period_values(self, period: Period) -> dict[str, Any]:
        """Return what templates need to show a period and its figures, and to link to other periods."""
        today, days = self.statistics.today(), timedelta(days=period.days)
        return {
            "period": period,
            "is_on": self.statistics.is_on,
            "zone": self.statistics.zone.key,
            "earlier": (period.last - days).isoformat(),
            "later": min(period.last + days, today).isoformat() if period.last < today else None,
            "api_label": api_label,
            "meaning": meaning,
            "duration": duration,
        }


def _columns(zone: str, language: Language) -> list[str]:
    phrases = (
        Phrase(f"时间（{zone}）", f"Hour ({zone})"),
        Phrase("appId", "appId"),
        Phrase("应用", "App"),
        Phrase("接口", "API"),
        Phrase("retCode", "retCode"),
        Phrase("说明", "Meaning"),
        Phrase("调用次数", "Calls"),
        Phrase("状态消息ID数", "Status ids"),
        Phrase("已发送消息", "Messages sent"),
    )
    return [*(phrase.in_language(language) for phrase in phrases), "p50 (ms)", "p95 (ms)", "p99 (ms)"]


def meaning(ret_code: str, language: Language) -> str:
    """Return the text of a retCode, with "…" for the parts that differ from call to call."""
    phrase = _PHRASES.get(ret_code, Phrase("", ""))
    return _PLACEHOLDER.sub("…", phrase.in_language(language))


def api_label(api: str) -> str:
    """Return the name of an API: the last part of its path, and a longer name where that is not clear."""
    return "oauth2/token" if api == "token" else api
