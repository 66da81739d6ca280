"""Mailboxes, and what users do with their messages."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    # --- Mailboxes ----------------------------------------------------------------------------------------------------
    Mutation(
        "feed-interval: a new subscriber gets the message before",
        f"{SRC}/store/mailboxes/feed.py",
        "> subscription.since",
        ">= subscription.since",
        ("tests/gateway/test_reach.py::test_subscribers_get_the_messages_of_their_subscription_and_keep_them",),
    ),
    Mutation(
        "expiry: a message lives a millisecond too long",
        f"{SRC}/domain/message.py",
        "and self.expires_at <= now:",
        "and self.expires_at < now:",
        ("tests/domain/test_message.py::test_the_state_of_a_message",),
    ),
    Mutation(
        "read-time: the first read time is overwritten",
        f"{SRC}/store/mailboxes/read_states.py",
        "array_replace({_SLICE}, null, $8::bigint)",
        "array_fill($8::bigint, array[{_LAST} - {_FIRST} + 1])",
        ("tests/gateway/test_mod_msg_status.py::test_the_first_read_time_is_kept_and_unread_clears_it",),
    ),
    Mutation(
        "read-time: the first read time is overwritten if the messages are not neighbours",
        f"{SRC}/store/mailboxes/read_states.py",
        "then coalesce(entry.read_at, $8)",
        "then coalesce($8, entry.read_at)",
        ("tests/messaging/test_status_changes.py::test_messages_that_are_no_neighbours_keep_their_first_read_times",),
    ),
    Mutation(
        "approval: an app gets a second event about a closed approval",
        f"{SRC}/messaging/decide_approvals.py",
        "if message.closed_at is None",
        "if message.approval",
        ("tests/gateway/test_webhooks.py::test_closing_an_approval_sends_one_event",),
    ),
    Mutation(
        "lock: pull states of mailboxes are read without a lock",
        f"{SRC}/store/mailboxes/feed.py",
        "for update of mailbox",
        "",
        ("tests/messaging/test_pull.py", "tests/actions/test_broadcast.py"),
    ),
    Mutation(
        "lock-order: the rows of messages are locked in any order",
        f"{SRC}/store/messages/messages.py",
        "order by id for update",
        "for update",
        ("tests/store/test_statements.py::test_several_rows_are_locked_in_an_order",),
    ),
    Mutation(
        "one-cell: a list looks for expired pages in all cells",
        f"{SRC}/store/mailboxes/sweeping.py",
        "where page.cell = $1 and page.user_id = $2 and page.expires_at <= $3",
        "where $1::int > 0 and page.user_id = $2 and page.expires_at <= $3",
        ("tests/store/test_partitions.py::test_statements_touch_one_cell",),
    ),
    # --- What users do with messages ----------------------------------------------------------------------------------
    Mutation(
        "hidden-unread: a deleted or snoozed message counts as unread",
        f"{SRC}/database/migrations/0021_unread_entries.sql",
        "where entry.at is null and entry.id <> all($3)",
        "where entry.at is null",
        ("tests/inbox/test_marks.py::test_a_deleted_message_is_gone_for_its_user_alone",),
    ),
    Mutation(
        "hidden-read-all: reading all messages reads those that the user does not see",
        f"{SRC}/store/mailboxes/read_states.py",
        "and (page.hidden_ids is null or entry.message_id <> all(page.hidden_ids))",
        "",
        ("tests/inbox/test_marks.py::test_what_is_hidden_is_not_read_with_all_others",),
    ),
    Mutation(
        "snooze-wakes: no page is swept when a snoozed message is due",
        f"{SRC}/store/mailboxes/entry_marks.py",
        "expires_at = least(page.expires_at, $6)",
        "expires_at = least(page.expires_at, $6 + 99999999)",
        ("tests/inbox/test_marks.py::test_a_snoozed_message_comes_back_unread_at_the_top",),
    ),
    Mutation(
        "woken-first: a message that comes back is at its old place",
        f"{SRC}/store/mailboxes/sweeping.py",
        'woken = (due | set(row["woken_ids"] or ())) - expired',
        'woken = set(row["woken_ids"] or ()) - expired',
        ("tests/inbox/test_marks.py::test_a_snoozed_message_comes_back_unread_at_the_top",),
    ),
    Mutation(
        "snooze-reset: a later expiry forgets that a message sleeps",
        f"{SRC}/store/mailboxes/sweeping.py",
        "min([*later, *still_asleep.values()], default=None)",
        "min(later, default=None)",
        ("tests/inbox/test_marks.py::test_each_snoozed_message_comes_back_at_its_own_time",),
    ),
    Mutation(
        "restore-asleep: taking back a deletion wakes what sleeps",
        f"{SRC}/store/mailboxes/entry_marks.py",
        "where id <> all(listed.ids) or id = any(coalesce(page.snoozed_ids, '{{}}'))",
        "where id <> all(listed.ids)",
        ("tests/inbox/test_marks.py::test_taking_back_a_deletion_wakes_nothing",),
    ),
    Mutation(
        "mute-totals: the badge counts muted apps",
        f"{SRC}/actions/mailboxes/inbox_reads.py",
        "unread=sum(number for app_number, number in unread.items() if app_number not in muted)",
        "unread=sum(unread.values())",
        ("tests/inbox/test_marks.py::test_a_muted_app_is_in_the_list_and_not_in_the_totals",),
    ),
)
