"""The database: connections, transactions, migrations."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "lease: two processes lease one node number",
        f"{SRC}/database/number_lease.py",
        "select pg_try_advisory_lock(",
        "select pg_try_advisory_lock_shared(",
        ("tests/store/test_node_lease.py::test_two_processes_that_try_the_same_number_first",),
    ),
    Mutation(
        "group-commit: a batch may weigh too much",
        f"{SRC}/database/group_commit.py",
        "if weight > self._batch_weight:",
        "if weight > 2 * self._batch_weight:",
        ("tests/database/test_group_commit.py::test_batches_are_limited_by_weight",),
    ),
    Mutation(
        "locks: what is frozen while it waits gets the row of a frozen transaction",
        f"{SRC}/database/database.py",
        "PATIENT_LOCK_MS = 2_000",
        "PATIENT_LOCK_MS = 3_000",
        ("tests/database/test_transactions.py::test_what_waits_for_a_frozen_transaction_fails_before_that_is_ended",),
    ),
    Mutation(
        "retention: a bucket goes while a part of it must be kept",
        f"{SRC}/domain/message_id.py",
        ">> _BUCKET_TIME_SHIFT) - 1",
        ">> _BUCKET_TIME_SHIFT)",
        ("tests/actions/test_retention.py::test_a_bucket_is_removed_when_its_last_moment_is_too_old",),
    ),
)
