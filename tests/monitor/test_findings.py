"""The bounds from which on a part of the server needs attention or is critical."""

import pytest

from msgcenter.monitor.findings import LEVELS, Vitals, findings, worst

HEALTHY = Vitals(
    ping_ms=1.0, sessions=10, max_sessions=100, migrations_pending=0, waiting=0, queue_limit=10_000, busy_pools=0,
    jobs_waiting=3, jobs_held=0, webhooks_failing=0, webhooks_paused=0, oldest_due_ms=0, internal_errors=0,
)  # fmt: skip


def test_a_healthy_server_has_only_good_findings() -> None:
    assert {finding.level for finding in findings(HEALTHY)} == {"good"}
    assert worst(findings(HEALTHY)) == "good"


@pytest.mark.parametrize(
    ("changed", "part", "level"),
    [
        ({"ping_ms": None}, "Database", "bad"),
        ({"ping_ms": 100.0}, "Database", "good"),
        ({"ping_ms": 100.1}, "Database", "warn"),
        ({"migrations_pending": 1}, "Schema", "bad"),
        ({"migrations_pending": None}, "Schema", "bad"),
        ({"sessions": 79}, "Database connections", "good"),
        ({"sessions": 80}, "Database connections", "warn"),
        ({"sessions": 95}, "Database connections", "bad"),
        ({"waiting": 999}, "Queues", "good"),
        ({"waiting": 1_000}, "Queues", "warn"),
        ({"waiting": 5_000}, "Queues", "bad"),
        ({"busy_pools": 1}, "Pools", "warn"),
        ({"jobs_held": 1}, "Jobs", "bad"),
        ({"webhooks_failing": 1}, "Webhooks", "warn"),
        ({"webhooks_paused": 1}, "Webhooks", "warn"),
        ({"oldest_due_ms": 300_000}, "Webhooks", "good"),
        ({"oldest_due_ms": 300_001}, "Webhooks", "warn"),
        ({"oldest_due_ms": 3_600_001, "webhooks_failing": 1}, "Webhooks", "bad"),
        ({"gateways": 2, "channel_late_ms": 3_600_000}, "Channels", "good"),
        ({"gateways": 2, "channel_late_ms": 3_600_001}, "Channels", "warn"),
        ({"gateways": 2, "gateways_paused": 1}, "Channels", "warn"),
        ({"internal_errors": 1}, "Internal errors", "warn"),
        ({"without_redis": 0}, "Redis", "good"),
        ({"without_redis": 1}, "Redis", "warn"),
    ],
)
def test_each_part_has_its_bounds(changed: dict[str, int | None], part: str, level: str) -> None:
    assessment = findings(HEALTHY._replace(**changed))  # type: ignore[arg-type]
    assert [finding.level for finding in assessment if finding.part.en == part] == [level]
    assert worst(assessment) == level
    assert {finding.level for finding in assessment if finding.part.en != part} <= {"good"}
    assert all(finding.text.zh and finding.text.en for finding in assessment)


def test_each_level_has_a_word() -> None:
    assert len({word for phrase in LEVELS.values() for word in phrase}) == 6
