"""The charts of the statistics pages."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgcenter.actions.apps.statistics import Line
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.period import Period
from msgcenter.portal.charts import Axis, Chart, Series, bars, lines


def axis_of(period: Period, zone: ZoneInfo) -> Axis:
    """Return the time axis of a period."""
    starts = [datetime.fromtimestamp(step / 1_000, zone) for step in period.steps]
    if period.length == "day":
        marks = {n: f"{at:%H}" for n, at in enumerate(starts) if at.hour % 4 == 0}
        return Axis([f"{at:%H:%M}" for at in starts], marks)
    if period.by_day:
        every = 1 if period.length == "week" else 5
        marks = {n: f"{at:%m-%d}" for n, at in enumerate(starts) if n % every == 0}
        return Axis([f"{at:%m-%d}" for at in starts], marks)
    marks = {n: f"{at:%m-%d}" for n, at in enumerate(starts) if at.hour == 0}
    return Axis([f"{at:%m-%d %H:%M}" for at in starts], marks)


def app_charts(language: Language, period: Period, steps: Sequence[Line], zone: ZoneInfo) -> list[Chart]:
    """Return the charts of one app: calls, latency, and ids and messages if there are any."""
    axis = axis_of(period, zone)
    charts = [calls_chart(language, axis, steps), _latency_chart(language, axis, steps)]
    ids = [step.status_ids for step in steps]
    if any(ids):
        title = Phrase("设置状态的消息ID", "Status ids").in_language(language)
        total = Phrase("消息ID总数：{count:,}", "Message ids: {count:,}").in_language(language, count=sum(ids))
        series = _counts(Phrase("消息ID", "ids").in_language(language), ids)
        charts.append(bars("ids", title, axis, [series], total))
    messages = [step.messages for step in steps]
    if any(messages):
        title = Phrase("已发送消息", "Messages sent").in_language(language)
        total = Phrase("消息总数：{count:,}", "Messages: {count:,}").in_language(language, count=sum(messages))
        series = _counts(Phrase("消息", "messages").in_language(language), messages)
        charts.append(bars("messages", title, axis, [series], total))
    return charts


def calls_chart(language: Language, axis: Axis, steps: Sequence[Line]) -> Chart:
    """Return the chart of successful and failed calls."""
    errors = [step.errors for step in steps]
    successes = [step.calls - step.errors for step in steps]
    total = Phrase("调用次数：{calls:,}，其中错误：{errors:,}", "Calls: {calls:,}. Errors: {errors:,}.").in_language(
        language, calls=sum(successes) + sum(errors), errors=sum(errors)
    )
    series = [
        _counts(Phrase("成功", "success").in_language(language), successes),
        _counts(Phrase("错误", "errors").in_language(language), errors),
    ]
    return bars("calls", Phrase("调用次数", "Calls").in_language(language), axis, series, total)


def _latency_chart(language: Language, axis: Axis, steps: Sequence[Line]) -> Chart:
    def series(name: str, position: int) -> Series:
        seconds = [None if step.latency is None else step.latency[position] for step in steps]
        return Series(
            name,
            [None if value is None else value * 1_000 for value in seconds],
            [duration(value) for value in seconds],
        )

    description = Phrase(
        "各时段的p50、p95、p99响应时间（毫秒）",
        "Response time in ms that 50 %, 95 % and 99 % of the calls did not exceed",
    )
    return lines(
        "latency",
        Phrase("响应时间 (ms)", "Latency (ms)").in_language(language),
        axis,
        [series("p50", 0), series("p95", 1), series("p99", 2)],
        description.in_language(language),
    )


def _counts(name: str, values: Sequence[int]) -> Series:
    return Series(name, values, [f"{value:,}" for value in values])


def duration(seconds: float | None) -> str:
    """Return a latency with two significant digits, as precise as the histograms are; "–" for None."""
    if seconds is None:
        return "–"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    ms = seconds * 1_000
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"
