"""Sending messages."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "idempotency-hash: another request under a used request id gets the first one's message",
        f"{SRC}/messaging/send.py",
        ".digest == self.claim.digest:",
        ".digest != b'':",
        (
            "tests/messaging/test_idempotency.py",
            "tests/gateway/test_request_ids.py::test_a_reused_request_id_is_refused",
        ),
    ),
    Mutation(
        "idempotency-day: a request id is never free again",
        f"{SRC}/store/messages/idempotency.py",
        "where claim.created_at < $7",
        "where claim.created_at < $7 and false",
        ("tests/messaging/test_idempotency.py::test_a_request_id_is_free_after_a_day",),
    ),
    Mutation(
        "fan-out: two processes deliver the same chunk",
        f"{SRC}/store/messages/messages.py",
        "and delivered_chunks = $3 and recalled_at is null",
        "and delivered_chunks >= $3 and recalled_at is null",
        ("tests/messaging/test_fan_out.py::test_concurrent_fan_outs_deliver_once",),
    ),
    Mutation(
        "fan-out: a recalled message goes on to be delivered",
        f"{SRC}/messaging/fan_out.py",
        "_DONE = {State.SENT, State.RECALLED, State.EXPIRED}",
        "_DONE = {State.SENT, State.EXPIRED}",
        ("tests/messaging/test_fan_out.py::test_a_recalled_scheduled_message_is_not_delivered",),
    ),
    Mutation(
        "recall: any app may recall any message",
        f"{SRC}/store/messages/messages.py",
        "where app_number = $1 and id = any($2)",
        "where $1::int > 0 and id = any($2)",
        ("tests/gateway/test_reach.py::test_a_message_is_unknown_to_other_apps",),
    ),
)
