"""The assessment of the server and its database: what is fine, needs attention or is critical."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgcenter.domain.language import Phrase

Level = Literal["good", "warn", "bad"]
LEVELS = {"good": Phrase("正常", "OK"), "warn": Phrase("注意", "Warning"), "bad": Phrase("异常", "Critical")}


class Vitals(NamedTuple):
    """The numbers to assess. `ping_ms` is None if the database does not answer; its other numbers are 0 then.

    `waiting` is the number of calls in the longest queue of a process, `queue_limit` its capacity. `busy_pools` counts
    the processes whose database connections are all in use. `oldest_due_ms` is how long the oldest webhook delivery
    has been due. `gateways` are those of channels that are on, `gateways_paused` those of them that fail;
    `channel_late_ms` is how long the oldest delivery by a channel has been due. `without_redis` counts the processes
    that Redis does not answer, None without Redis.
    """

    ping_ms: float | None
    sessions: int
    max_sessions: int
    migrations_pending: int | None
    waiting: int
    queue_limit: int
    busy_pools: int
    jobs_waiting: int
    jobs_held: int
    webhooks_failing: int
    webhooks_paused: int
    oldest_due_ms: int
    internal_errors: int
    without_redis: int | None = None
    gateways: int = 0
    gateways_paused: int = 0
    channel_late_ms: int = 0


class HealthFinding(NamedTuple):
    """The level of one part, and why."""

    level: Level
    part: Phrase
    text: Phrase


_SLOW_PING_MS = 100
_LATE_MS = 5 * 60_000
_VERY_LATE_MS = 60 * 60_000


def findings(vitals: Vitals) -> list[HealthFinding]:
    """Return the findings about all parts, in a fixed order."""
    return [
        *_database(vitals),
        *_redis(vitals),
        *_queues(vitals),
        _jobs(vitals),
        _webhooks(vitals),
        *_channels(vitals),
        _errors(vitals),
    ]


def worst(assessment: list[HealthFinding]) -> Level:
    """Return the worst level among findings."""
    levels = {finding.level for finding in assessment}
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "good"


def _database(vitals: Vitals) -> Iterator[HealthFinding]:
    part = Phrase("数据库", "Database")
    if vitals.ping_ms is None:
        yield HealthFinding("bad", part, Phrase("没有响应", "does not answer"))
        return
    speed: Level = "warn" if vitals.ping_ms > _SLOW_PING_MS else "good"
    text = Phrase(f"{vitals.ping_ms:.1f} ms内响应", f"answers in {vitals.ping_ms:.1f} ms")
    yield HealthFinding(speed, part, text)
    yield _schema(vitals.migrations_pending)
    used = vitals.sessions / max(1, vitals.max_sessions)
    level: Level = "bad" if used >= 0.95 else "warn" if used >= 0.8 else "good"
    share = f"{vitals.sessions} / {vitals.max_sessions}"
    yield HealthFinding(level, Phrase("数据库连接", "Database connections"), Phrase(share, share))


def _schema(migrations_pending: int | None) -> HealthFinding:
    part = Phrase("数据库结构", "Schema")
    if migrations_pending is None:
        return HealthFinding("bad", part, Phrase("已被更新的版本使用过", "was used by a newer version"))
    if migrations_pending:
        text = Phrase(f"有{migrations_pending}项升级未执行", f"pending migrations: {migrations_pending}")
        return HealthFinding("bad", part, text)
    return HealthFinding("good", part, Phrase("是当前版本", "up to date"))


def _redis(vitals: Vitals) -> Iterator[HealthFinding]:
    if vitals.without_redis is None:
        return
    part = Phrase("Redis", "Redis")
    if vitals.without_redis:
        text = Phrase(
            f"对{vitals.without_redis}个进程没有响应:频率限制按进程计算,收件箱更新会延迟",
            f"does not answer; rate limits count per process, inboxes update late. Processes: {vitals.without_redis}",
        )
        yield HealthFinding("warn", part, text)
    else:
        yield HealthFinding("good", part, Phrase("正常响应", "answers"))


def _queues(vitals: Vitals) -> Iterator[HealthFinding]:
    used = vitals.waiting / max(1, vitals.queue_limit)
    level: Level = "bad" if used >= 0.5 else "warn" if used >= 0.1 else "good"
    text = Phrase(f"最长{vitals.waiting}个调用在等待", f"calls in the longest queue: {vitals.waiting}")
    yield HealthFinding(level, Phrase("队列", "Queues"), text)
    if vitals.busy_pools:
        text = Phrase(
            f"{vitals.busy_pools}个进程的连接全部在用",
            f"processes with all connections in use: {vitals.busy_pools}",
        )
        yield HealthFinding("warn", Phrase("连接池", "Pools"), text)


def _jobs(vitals: Vitals) -> HealthFinding:
    part = Phrase("后台任务", "Jobs")
    if vitals.jobs_held:
        return HealthFinding("bad", part, Phrase(f"{vitals.jobs_held}个失败,需处理", f"failed: {vitals.jobs_held}"))
    text = Phrase(f"{vitals.jobs_waiting}个在等待(含定时)", f"queued (including scheduled): {vitals.jobs_waiting}")
    return HealthFinding("good", part, text)


def _webhooks(vitals: Vitals) -> HealthFinding:
    part = Phrase("回调", "Webhooks")
    late_ms = vitals.oldest_due_ms
    if late_ms > _LATE_MS:
        level: Level = "bad" if late_ms > _VERY_LATE_MS else "warn"
        minutes = late_ms // 60_000
        return HealthFinding(level, part, Phrase(f"最早的已等待{minutes}分钟", f"oldest has waited: {minutes} min"))
    failing, paused = vitals.webhooks_failing, vitals.webhooks_paused
    if failing or paused:
        text = Phrase(f"{failing}个失败中,{paused}个已暂停", f"failing: {failing}, paused: {paused}")
        return HealthFinding("warn", part, text)
    return HealthFinding("good", part, Phrase("按时送达", "delivered on time"))


def _channels(vitals: Vitals) -> Iterator[HealthFinding]:
    if not vitals.gateways:
        return
    part = Phrase("消息渠道", "Channels")
    if vitals.gateways_paused:
        text = Phrase(
            f"{vitals.gateways_paused}个网关失败、暂停中,见“消息渠道”页",
            f"gateways that fail and pause, see the page Channels: {vitals.gateways_paused}",
        )
        yield HealthFinding("warn", part, text)
    elif vitals.channel_late_ms > _VERY_LATE_MS:
        minutes = vitals.channel_late_ms // 60_000
        yield HealthFinding(
            "warn", part, Phrase(f"最早的已等待{minutes}分钟", f"oldest delivery has waited: {minutes} min")
        )
    else:
        yield HealthFinding("good", part, Phrase("网关正常", "gateways work"))


def _errors(vitals: Vitals) -> HealthFinding:
    part = Phrase("内部错误", "Internal errors")
    errors = vitals.internal_errors
    if errors:
        text = Phrase(f"启动以来{errors}个(500001),见日志", f"since the start (500001, see the log): {errors}")
        return HealthFinding("warn", part, text)
    return HealthFinding("good", part, Phrase("启动以来没有", "none since the start"))
