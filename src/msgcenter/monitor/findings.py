"""What is well, what needs a look and what is wrong, from numbers of the server and its database."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgcenter.domain.language import Phrase

Level = Literal["good", "warn", "bad"]
LEVELS = {"good": Phrase("正常", "Well"), "warn": Phrase("注意", "Look at it"), "bad": Phrase("异常", "Wrong")}


class Vitals(NamedTuple):
    """The numbers that are judged. `ping_ms` None: the database does not answer, and what it would say is 0.

    `waiting` is the longest queue of a process, `queue_limit` what fits in. `busy_pools` are processes all of whose
    database connections are in use. `oldest_due_ms` is for how long the oldest webhook has been due.
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


class HealthFinding(NamedTuple):
    """How one part is."""

    level: Level
    part: Phrase
    said: Phrase


_SLOW_PING_MS = 100
_LATE_MS = 5 * 60_000
_VERY_LATE_MS = 60 * 60_000


def findings(vitals: Vitals) -> list[HealthFinding]:
    """Return how each part is, in a fixed order."""
    return [*_database(vitals), *_queues(vitals), _jobs(vitals), _webhooks(vitals), _errors(vitals)]


def worst(found: list[HealthFinding]) -> Level:
    """Return the worst level among findings."""
    levels = {one.level for one in found}
    return "bad" if "bad" in levels else "warn" if "warn" in levels else "good"


def _database(vitals: Vitals) -> Iterator[HealthFinding]:
    part = Phrase("数据库", "Database")
    if vitals.ping_ms is None:
        yield HealthFinding("bad", part, Phrase("没有响应", "does not answer"))
        return
    slow: Level = "warn" if vitals.ping_ms > _SLOW_PING_MS else "good"
    yield HealthFinding(slow, part, Phrase(f"{vitals.ping_ms:.1f} ms内响应", f"answers in {vitals.ping_ms:.1f} ms"))
    part = Phrase("数据库结构", "Schema")
    if vitals.migrations_pending is None:
        said = Phrase("已被更新的版本使用过", "was used by a newer version")
        yield HealthFinding("bad", part, said)
    elif vitals.migrations_pending:
        many = vitals.migrations_pending
        yield HealthFinding("bad", part, Phrase(f"有{many}项升级未执行", f"{many} migrations are pending"))
    else:
        yield HealthFinding("good", part, Phrase("是当前版本", "is that of this version"))
    used = vitals.sessions / max(1, vitals.max_sessions)
    level: Level = "bad" if used >= 0.95 else "warn" if used >= 0.8 else "good"
    of = f"{vitals.sessions} / {vitals.max_sessions}"
    yield HealthFinding(level, Phrase("数据库连接", "Database connections"), Phrase(of, of))


def _queues(vitals: Vitals) -> Iterator[HealthFinding]:
    full = vitals.waiting / max(1, vitals.queue_limit)
    level: Level = "bad" if full >= 0.5 else "warn" if full >= 0.1 else "good"
    said = Phrase(f"最长{vitals.waiting}个调用在等待", f"at most {vitals.waiting} calls wait in one")
    yield HealthFinding(level, Phrase("队列", "Queues"), said)
    if vitals.busy_pools:
        many = vitals.busy_pools
        said = Phrase(f"{many}个进程的连接全部在用", f"all connections of {many} processes are in use")
        yield HealthFinding("warn", Phrase("连接池", "Pools"), said)


def _jobs(vitals: Vitals) -> HealthFinding:
    part = Phrase("后台任务", "Jobs")
    if vitals.jobs_held:
        many = vitals.jobs_held
        return HealthFinding("bad", part, Phrase(f"{many}个失败,需处理", f"{many} have failed and are held"))
    many = vitals.jobs_waiting
    return HealthFinding("good", part, Phrase(f"{many}个在等待(含定时)", f"{many} wait, scheduled ones among them"))


def _webhooks(vitals: Vitals) -> HealthFinding:
    part = Phrase("回调", "Webhooks")
    late = vitals.oldest_due_ms
    if late > _LATE_MS:
        level: Level = "bad" if late > _VERY_LATE_MS else "warn"
        minutes = late // 60_000
        return HealthFinding(
            level, part, Phrase(f"最早的已等待{minutes}分钟", f"the oldest has waited for {minutes} minutes")
        )
    failing, paused = vitals.webhooks_failing, vitals.webhooks_paused
    if failing or paused:
        return HealthFinding(
            "warn", part, Phrase(f"{failing}个失败中,{paused}个已暂停", f"{failing} fail, {paused} are paused")
        )
    return HealthFinding("good", part, Phrase("按时送达", "are delivered in time"))


def _errors(vitals: Vitals) -> HealthFinding:
    part = Phrase("内部错误", "Internal errors")
    if vitals.internal_errors:
        many = vitals.internal_errors
        said = Phrase(f"启动以来{many}个(500001),见日志", f"{many} since the start (500001); see the log")
        return HealthFinding("warn", part, said)
    return HealthFinding("good", part, Phrase("启动以来没有", "none since the start"))
