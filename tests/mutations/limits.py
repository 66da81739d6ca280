"""Limits of calls, requests and messages, over one and several processes."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "rate-limit: one call a second too many",
        f"{SRC}/gateway/rate_limit.py",
        "if left < 0:",
        "if left < -1:",
        ("tests/gateway/test_limits.py::test_an_apps_own_limit_is_enforced",),
    ),
    Mutation(
        "web-limit: one request too few in a window",
        f"{SRC}/web/limits.py",
        "if count > self._limit:",
        "if count >= self._limit:",
        ("tests/web/test_limits.py",),
    ),
    Mutation(
        "shared-count: all calls of a batch count as the last one",
        f"{SRC}/redis/counts.py",
        "before = {key: total - amount for",
        "before = {key: total - 1 for",
        ("tests/redis/test_counts.py::test_concurrent_counts_share_round_trips_and_differ",),
    ),
    Mutation(
        "live-gap: events that could not be sent are forgotten",
        f"{SRC}/live/bus.py",
        "self._lost = True  # the other",
        "pass  # the other",
        ("tests/live/test_bus.py::test_events_that_could_not_be_sent_are_a_gap_for_the_other_processes",),
    ),
    Mutation(
        "pooler: a session without the settings stays in use",
        f"{SRC}/database/pooler.py",
        "select pg_terminate_backend(pg_backend_pid())",
        "select pg_backend_pid()",
        ("tests/database/test_pgbouncer.py::test_sessions_that_began_without_the_settings_are_replaced",),
    ),
    Mutation(
        "quota: one message too many",
        f"{SRC}/messaging/send.py",
        "used < quota.limit:",
        "used <= quota.limit:",
        ("tests/messaging/test_quotas.py::test_drafts_over_the_quota_are_refused",),
    ),
)
