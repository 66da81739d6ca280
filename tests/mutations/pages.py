"""The inbox, its streams, and the portal."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    # --- Inbox and streams --------------------------------------------------------------------------------------------
    Mutation(
        "token-audience: a token for something else opens the inbox",
        f"{SRC}/actions/mailboxes/user_tokens.py",
        'if decoded.get("aud", _AUDIENCE) != _AUDIENCE:',
        'if decoded.get("aud", _AUDIENCE) is None:',
        ("tests/inbox/test_limits.py::test_a_token_is_accepted_for_its_audience_only",),
    ),
    Mutation(
        "token-expiry: a token that was accepted once never expires",
        f"{SRC}/actions/mailboxes/user_tokens.py",
        "if claims.expires <= time():",
        "if claims.expires <= 0:",
        ("tests/inbox/test_limits.py::test_a_token_that_was_accepted_before_expires",),
    ),
    Mutation(
        "etag-names: a list keeps its tag when an app gets another name",
        f"{SRC}/inbox/etag.py",
        "shown.message.app_number: shown.app for",
        "shown.message.app_number: shown.app.app_id for",
        ("tests/inbox/test_etags.py::test_every_change_of_a_list_changes_its_tag",),
    ),
    Mutation(
        "etag-version: a list keeps its tag when a message is updated",
        f"{SRC}/inbox/etag.py",
        "[astuple(shown.message)[:-1] for",
        "[astuple(shown.message)[:7] for",
        ("tests/inbox/test_etags.py::test_every_change_of_a_list_changes_its_tag",),
    ),
    Mutation(
        "floor: a list takes entries below a page that it has not read",
        f"{SRC}/store/mailboxes/mailbox_statements.py",
        "and (page.floor is null or entry.message_id > page.floor)",
        "and (page.floor is null or entry.message_id > 0)",
        ("tests/actions/test_inbox_reads.py::test_a_list_of_many_apps_has_every_message_in_order",),
    ),
    Mutation(
        "inbox-scope: an app's token sees the messages of all apps",
        f"{SRC}/actions/mailboxes/user_tokens.py",
        'None if record.inbox_scope == "platform" else',
        'None if record.inbox_scope != "" else',
        ("tests/inbox/test_scopes.py::test_a_token_with_app_scope_sees_the_apps_messages_only",),
    ),
    Mutation(
        "streams: a user keeps one stream too many",
        f"{SRC}/live/hub.py",
        "0 < self._per_user < len(",
        "0 < self._per_user < -1 + len(",
        ("tests/attacks/test_web_limits.py::test_one_stream_too_many_ends_the_oldest",),
    ),
    Mutation(
        "proxy: anybody may say under which path the server is",
        f"{SRC}/web/base_path.py",
        "if client is None or client[0] not in self.trusted_hosts:",
        "if client is None:",
        ("tests/web/test_base_path.py::test_only_a_trusted_proxy_sets_the_base_path",),
    ),
    # --- Portal -------------------------------------------------------------------------------------------------------
    Mutation(
        "csrf: a form is taken with any token",
        f"{SRC}/portal/edge.py",
        "is_token = bool(request.csrf) and hmac.compare_digest(",
        "is_token = bool(request.csrf) or hmac.compare_digest(",
        ("tests/portal/test_permissions.py::test_the_form_token_of_another_session_is_refused",),
    ),
    Mutation(
        "permission: a developer sees the pages of operators",
        f"{SRC}/portal/edge.py",
        'if page.access == "operator" and not request.person.is_operator:',
        'if page.access == "operator" and request.person.is_operator is None:',
        ("tests/portal/test_permissions.py::test_each_page_is_shown_to_the_allowed_people_only",),
    ),
    Mutation(
        "two-persons: an editor of an announcement may approve it",
        f"{SRC}/domain/announcement.py",
        "not in {announcement.created_by, edited_by, announcement.submitted_by}",
        "not in {announcement.created_by, announcement.submitted_by}",
        ("tests/domain/test_announcement.py::test_people_who_took_part_cannot_decide",),
    ),
    Mutation(
        "throttle: an attempt too many is looked at",
        f"{SRC}/actions/portal/throttle.py",
        "if tries > limit:",
        "if tries > limit + 1:",
        ("tests/actions/test_throttle.py",),
    ),
    Mutation(
        "second-factor: a code is good twice",
        f"{SRC}/actions/portal/second_factor.py",
        "return await people.use_step(connection, number, step)",
        "return bool([await people.use_step(connection, number, step)])",
        ("tests/portal/test_accounts.py::test_the_login_asks_for_the_second_factor",),
    ),
)
