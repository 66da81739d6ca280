"""What apps call, how fast they are answered and with what: for their developers, and for operators."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from msgcenter.actions.apps.statistics import Line, Order, Percentiles, percentiles
from msgcenter.domain.histogram import counts_of
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.period import Length, Period
from msgcenter.domain.refusal import SUCCESS, SUCCESS_CODE, Reason, malformed
from msgcenter.domain.spreadsheet import csv_line
from msgcenter.portal.charts import Axis, Chart, Series, bars, lines
from msgcenter.portal.portal import Portal
from msgcenter.portal.visitor import Visitor

_LENGTHS: tuple[Length, ...] = ("day", "week", "month")
_ORDERS: tuple[Order, ...] = ("calls", "errors", "p95")
_APPS_SHOWN = 100
_PHRASES = {SUCCESS_CODE: SUCCESS, **{reason.ret_code: reason.phrase for reason in Reason}}
_PLACEHOLDER = re.compile(r"\{\w+\}")
_BYTE_ORDER_MARK = "\ufeff"


async def app_statistics(portal: Portal, visitor: Visitor) -> Response:
    """Show what an app calls."""
    app = visitor.the_app.app
    length, last = _asked(portal, visitor)
    api = visitor.query("api") or None
    found = await portal.statistics.of_app(app, length, last, api)
    limits = {name: app.calls_per_second(name, portal.rate_limit) for name in portal.api_names}
    return portal.page(
        visitor,
        "app_statistics.html",
        found=found,
        api=api,
        apis=sorted({*portal.api_names, *found.apis}),
        used=await portal.statistics.messages_today(app),
        limits=limits,
        common_limit=max(limits.values(), key=list(limits.values()).count),
        charts=_app_charts(visitor, found.period, found.steps, portal.statistics.zone),
        **_around(portal, found.period),
    )


async def app_statistics_csv(portal: Portal, visitor: Visitor) -> Response:
    """Give an app's counts as a file that spreadsheets open: by hour, API and retCode."""
    app, zone = visitor.the_app.app, portal.statistics.zone
    length, last = _asked(portal, visitor)
    rows = await portal.statistics.hours_of_app(app, length, last, visitor.query("api") or None)
    t = visitor.text
    lines = [
        csv_line(
            t(f"时间（{zone.key}）", f"Hour ({zone.key})"),
            "appId",
            t("应用", "App"),
            t("接口", "API"),
            "retCode",
            t("说明", "Meaning"),
            t("调用次数", "Calls"),
            t("状态消息ID数", "Status ids"),
            t("已发送消息", "Messages sent"),
            *("p50 (ms)", "p95 (ms)", "p99 (ms)"),
        )
    ]
    for key, count in rows:
        taken = percentiles(counts_of(count.latencies))
        lines.append(
            csv_line(
                f"{datetime.fromtimestamp(key.begins_at / 1_000, zone):%Y-%m-%d %H:%M}",
                app.app_id,
                app.name,
                api_label(key.api),
                key.ret_code,
                meaning(key.ret_code, visitor.language),
                *map(str, (count.calls, count.status_ids, count.messages)),
                *(("", "", "") if taken is None else (f"{seconds * 1_000:.1f}" for seconds in taken)),
            )
        )
    name = re.sub(r"[^A-Za-z0-9_-]", "_", app.app_id)
    disposition = f'attachment; filename="statistics-{name}-{length}-{last.isoformat()}.csv"'
    # The mark, or else Excel takes the Chinese in it for something else.
    text = _BYTE_ORDER_MARK + "".join(lines)
    return Response(text, media_type="text/csv", headers={"content-disposition": disposition})


async def operator_statistics(portal: Portal, visitor: Visitor) -> Response:
    """Show what all apps call."""
    length, last = _asked(portal, visitor)
    order: Order = next((one for one in _ORDERS if one == visitor.query("by")), "calls")
    found = await portal.statistics.overview(length, last, order, _APPS_SHOWN)
    return portal.page(
        visitor,
        "operator_statistics.html",
        found=found,
        order=order,
        charts=[_calls_chart(visitor, _axis(found.period, portal.statistics.zone), found.steps)],
        **_around(portal, found.period),
    )


def _asked(portal: Portal, visitor: Visitor) -> tuple[Length, date]:
    """Return which days the address asks for: a length, and the last of them. Refuses with FIELD_MALFORMED no day."""
    length: Length = next((one for one in _LENGTHS if one == visitor.query("range")), "day")
    text = visitor.query("until")
    if not text:
        return length, portal.statistics.today()
    try:
        last = date.fromisoformat(text)
        if not 2_000 <= last.year <= 2_100:
            raise ValueError(text)
    except ValueError:
        raise malformed("until", "须为日期,例如2026-11-24", "must be a day, like 2026-11-24") from None
    return length, last


def _around(portal: Portal, period: Period) -> dict[str, Any]:
    """Return what a page needs to lead to other days, and to show figures."""
    today, days = portal.statistics.today(), timedelta(days=period.days)
    return {
        "period": period,
        "is_on": portal.statistics.is_on,
        "zone": portal.statistics.zone.key,
        "today": today,
        "earlier": (period.last - days).isoformat(),
        "later": min(period.last + days, today).isoformat() if period.last < today else None,
        "api_label": api_label,
        "meaning": meaning,
        "duration": duration,
    }


def meaning(ret_code: str, language: Language) -> str:
    """Return what a retCode says, with "…" for what differs from call to call."""
    phrase = _PHRASES.get(ret_code, Phrase("", ""))
    return _PLACEHOLDER.sub("…", phrase.in_language(language))


def api_label(api: str) -> str:
    """Return what an API is called: the last part of its path, but for the one that says too little."""
    return "oauth2/token" if api == "token" else api


def duration(seconds: float | None) -> str:
    """Return a latency as people read it; two digits are all that is known of it."""
    if seconds is None:
        return "–"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    ms = seconds * 1_000
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


# --- Charts ---------------------------------------------------------------------------------------------------------


def _axis(period: Period, zone: ZoneInfo) -> Axis:
    starts = [datetime.fromtimestamp(step / 1_000, zone) for step in period.steps]
    if period.length == "day":
        return Axis(
            [f"{at:%H:%M}" for at in starts], {n: f"{at:%H}" for n, at in enumerate(starts) if at.hour % 4 == 0}
        )
    if period.by_day:
        every = 1 if period.length == "week" else 5
        return Axis(
            [f"{at:%m-%d}" for at in starts], {n: f"{at:%m-%d}" for n, at in enumerate(starts) if n % every == 0}
        )
    return Axis(
        [f"{at:%m-%d %H:%M}" for at in starts], {n: f"{at:%m-%d}" for n, at in enumerate(starts) if at.hour == 0}
    )


def _app_charts(visitor: Visitor, period: Period, steps: Sequence[Line], zone: ZoneInfo) -> list[Chart]:
    axis = _axis(period, zone)
    t = visitor.text
    charts = [_calls_chart(visitor, axis, steps), _latency_chart(visitor, axis, steps)]
    ids = [step.status_ids for step in steps]
    if any(ids):
        said = t(f"共{sum(ids):,}个消息ID", f"{sum(ids):,} message ids in all")
        charts.append(bars("ids", t("设置状态的消息ID", "Status ids"), axis, [_numbers(t("消息ID", "ids"), ids)], said))
    messages = [step.messages for step in steps]
    if any(messages):
        said = t(f"共{sum(messages):,}条消息", f"{sum(messages):,} messages in all")
        sent = [_numbers(t("消息", "messages"), messages)]
        charts.append(bars("messages", t("已发送消息", "Messages sent"), axis, sent, said))
    return charts


def _calls_chart(visitor: Visitor, axis: Axis, steps: Sequence[Line]) -> Chart:
    t = visitor.text
    errors = [step.errors for step in steps]
    good = [step.calls - step.errors for step in steps]
    said = t(
        f"共{sum(good) + sum(errors):,}次调用,其中{sum(errors):,}次被拒绝或出错",
        f"{sum(good) + sum(errors):,} calls in all, {sum(errors):,} of them refused or failed",
    )
    series = [_numbers(t("成功", "success"), good), _numbers(t("错误", "errors"), errors)]
    return bars("calls", t("调用次数", "Calls"), axis, series, said)


def _latency_chart(visitor: Visitor, axis: Axis, steps: Sequence[Line]) -> Chart:
    def series(name: str, pick: int) -> Series:
        taken: list[Percentiles | None] = [step.latency for step in steps]
        return Series(
            name,
            [None if one is None else one[pick] * 1_000 for one in taken],
            [duration(None if one is None else one[pick]) for one in taken],
        )

    t = visitor.text
    said = t("各时段的p50、p95、p99响应时间(毫秒)", "How long half, 95 % and 99 % of the calls took at most, in ms")
    return lines(
        "latency",
        t("响应时间 (ms)", "Latency (ms)"),
        axis,
        [series("p50", 0), series("p95", 1), series("p99", 2)],
        said,
    )


def _numbers(name: str, values: Sequence[int]) -> Series:
    return Series(name, values, [f"{value:,}" for value in values])
