"""The directory of organisations and their members, and forgetting users."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "directory-disabled: a new membership of a disabled user counts at once",
        f"{SRC}/store/directory/members.py",
        "case when person.disabled then $6",
        "case when false then $6",
        ("tests/messaging/test_directory_changes.py",),
    ),
    Mutation(
        "directory-move: only the moved organisation itself gets new paths",
        f"{SRC}/messaging/directory/change_orgs.py",
        "if not changed.isdisjoint(line_of(parents, org_id))",
        "if org_id in changed",
        ("tests/messaging/test_directory_changes.py",),
    ),
    Mutation(
        "directory-confirmation: another number than the confirmed one is deleted",
        f"{SRC}/actions/directory/importing.py",
        "if delete_missing not in {None, difference.missing} and",
        "if delete_missing == -1 and",
        ("tests/actions/test_directory_import.py",),
    ),
    Mutation(
        "forget-broadcast: a removed user is a recipient of later broadcasts",
        f"{SRC}/store/mailboxes/broadcast_receipts.py",
        "coalesce(mailbox.forgotten, $3) >= $3",
        "$3 >= $3",
        ("tests/actions/test_forget.py::test_later_messages_count_only_those_who_are_still_there",),
    ),
    Mutation(
        "forget-audience: lists of receivers keep a removed user's id",
        f"{SRC}/messaging/forget.py",
        "await forgetting.rename_in_chunks(connection, replacement, chunks)",
        "len(chunks)",
        ("tests/actions/test_forget.py::test_nothing_of_the_user_is_left_and_every_count_is_as_before",),
    ),
)
