"""The mutations. Each replaces a short text, which occurs exactly once in its file.

Keep the texts short: they have to survive renamed symbols. `tests` are pytest node ids, or whole files.
"""

from typing import NamedTuple

_SRC = "src/msgcenter"
_SDK = "sdk/python/src/msgcenter_client"


class Mutation(NamedTuple):
    """One mistake: `old` becomes `new` in the file at `path`, and at least one of `tests` fails."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    # --- Access tokens and apps -------------------------------------------------------------------------------------
    Mutation(
        "clock-window: a clock that is behind is never refused",
        f"{_SRC}/actions/apps/tokens.py",
        "if abs(milliseconds_of(timestamp) - now) >",
        "if (milliseconds_of(timestamp) - now) >",
        ("tests/actions/test_tokens.py::test_a_clock_outside_the_window_is_refused",),
    ),
    Mutation(
        "token-expiry: an expired access token is still found",
        f"{_SRC}/store/apps/tokens.py",
        "and access_token.expires_at > $2",
        "and $2 > 0",
        ("tests/store/test_tokens.py::test_a_token_is_valid_until_it_expires",),
    ),
    Mutation(
        "token-digest: tokens are stored as they are",
        f"{_SRC}/actions/apps/key_ring.py",
        "return sha256(token.encode()).digest()",
        "return token.encode()",
        ("tests/actions/test_key_ring.py::test_only_a_tokens_hash_is_stored",),
    ),
    Mutation(
        "key-signature: a proof of the first half of the key info is enough",
        f"{_SRC}/actions/apps/key_ring.py",
        "hmac.compare_digest(expected, key_info.lower())",
        "hmac.compare_digest(expected[:20], key_info.lower()[:20])",
        ("tests/actions/test_key_ring.py::test_a_proof_is_for_one_key_app_and_time",),
    ),
    Mutation(
        "sandbox: an app reaches the sandbox of another app whose id begins with its own",
        f"{_SRC}/domain/account.py",
        'startswith(f"{self.sandbox_user}-")',
        'startswith(f"{self.sandbox_user}")',
        ("tests/domain/test_account.py",),
    ),
    # --- Limits -----------------------------------------------------------------------------------------------------
    Mutation(
        "rate-limit: one call a second too many",
        f"{_SRC}/gateway/rate_limit.py",
        "if left < 0:",
        "if left < -1:",
        ("tests/gateway/test_limits.py::test_an_apps_own_limit_is_enforced",),
    ),
    Mutation(
        "web-limit: one request too few in a window",
        f"{_SRC}/web/limits.py",
        "if count > self._limit:",
        "if count >= self._limit:",
        ("tests/web/test_limits.py",),
    ),
    Mutation(
        "shared-count: all calls of a batch count as the last one",
        f"{_SRC}/redis/counts.py",
        "before = {key: total - amount for",
        "before = {key: total - 1 for",
        ("tests/redis/test_counts.py::test_concurrent_counts_share_round_trips_and_differ",),
    ),
    Mutation(
        "live-gap: events that could not be sent are forgotten",
        f"{_SRC}/live/bus.py",
        "self._lost = True  # the other",
        "pass  # the other",
        ("tests/live/test_bus.py::test_events_that_could_not_be_sent_are_a_gap_for_the_other_processes",),
    ),
    Mutation(
        "pooler: a session without the settings stays in use",
        f"{_SRC}/database/pooler.py",
        "select pg_terminate_backend(pg_backend_pid())",
        "select pg_backend_pid()",
        ("tests/database/test_pgbouncer.py::test_sessions_that_began_without_the_settings_are_replaced",),
    ),
    Mutation(
        "quota: one message too many",
        f"{_SRC}/messaging/send.py",
        "used < quota.limit:",
        "used <= quota.limit:",
        ("tests/messaging/test_quotas.py::test_drafts_over_the_quota_are_refused",),
    ),
    # --- Sending ----------------------------------------------------------------------------------------------------
    Mutation(
        "idempotency-hash: another request under a used request id gets the first one's message",
        f"{_SRC}/messaging/send.py",
        ".digest == self.claim.digest:",
        ".digest != b'':",
        (
            "tests/messaging/test_idempotency.py",
            "tests/gateway/test_request_ids.py::test_a_reused_request_id_is_refused",
        ),
    ),
    Mutation(
        "idempotency-day: a request id is never free again",
        f"{_SRC}/store/messages/idempotency.py",
        "where claim.created_at < $7",
        "where claim.created_at < $7 and false",
        ("tests/messaging/test_idempotency.py::test_a_request_id_is_free_after_a_day",),
    ),
    Mutation(
        "fan-out: two processes deliver the same chunk",
        f"{_SRC}/store/messages/messages.py",
        "and delivered_chunks = $3 and recalled_at is null",
        "and delivered_chunks >= $3 and recalled_at is null",
        ("tests/messaging/test_fan_out.py::test_concurrent_fan_outs_deliver_once",),
    ),
    Mutation(
        "fan-out: a recalled message goes on to be delivered",
        f"{_SRC}/messaging/fan_out.py",
        "_DONE = {State.SENT, State.RECALLED, State.EXPIRED}",
        "_DONE = {State.SENT, State.EXPIRED}",
        ("tests/messaging/test_fan_out.py::test_a_recalled_scheduled_message_is_not_delivered",),
    ),
    Mutation(
        "recall: any app may recall any message",
        f"{_SRC}/store/messages/messages.py",
        "where app_number = $1 and id = any($2)",
        "where $1::int > 0 and id = any($2)",
        ("tests/gateway/test_reach.py::test_a_message_is_unknown_to_other_apps",),
    ),
    # --- Mailboxes --------------------------------------------------------------------------------------------------
    Mutation(
        "feed-interval: a new subscriber gets the message before",
        f"{_SRC}/store/mailboxes/feed.py",
        "> subscription.since",
        ">= subscription.since",
        ("tests/gateway/test_reach.py::test_subscribers_get_the_messages_of_their_subscription_and_keep_them",),
    ),
    Mutation(
        "expiry: a message lives a millisecond too long",
        f"{_SRC}/domain/message.py",
        "and self.expires_at <= now:",
        "and self.expires_at < now:",
        ("tests/domain/test_message.py::test_the_state_of_a_message",),
    ),
    Mutation(
        "read-time: the first read time is overwritten",
        f"{_SRC}/store/mailboxes/read_states.py",
        "array_replace({_SLICE}, null, $9::bigint)",
        "array_fill($9::bigint, array[{_LAST} - {_FIRST} + 1])",
        ("tests/gateway/test_mod_msg_status.py::test_the_first_read_time_is_kept_and_unread_clears_it",),
    ),
    Mutation(
        "read-time: the first read time is overwritten if the messages are not neighbours",
        f"{_SRC}/store/mailboxes/read_states.py",
        "then coalesce(entry.read_at, $9)",
        "then coalesce($9, entry.read_at)",
        ("tests/messaging/test_status_changes.py::test_messages_that_are_no_neighbours_keep_their_first_read_times",),
    ),
    Mutation(
        "approval: an app gets a second event about a closed approval",
        f"{_SRC}/messaging/decide_approvals.py",
        "if message.closed_at is None",
        "if message.approval",
        ("tests/gateway/test_webhooks.py::test_closing_an_approval_sends_one_event",),
    ),
    Mutation(
        "lock: pull states of mailboxes are read without a lock",
        f"{_SRC}/store/mailboxes/feed.py",
        "for update of mailbox",
        "",
        ("tests/messaging/test_pull.py", "tests/actions/test_broadcast.py"),
    ),
    Mutation(
        "lock-order: the rows of messages are locked in any order",
        f"{_SRC}/store/messages/messages.py",
        "order by id for update",
        "for update",
        ("tests/store/test_statements.py::test_several_rows_are_locked_in_an_order",),
    ),
    Mutation(
        "one-cell: a list looks for expired pages in all cells",
        f"{_SRC}/store/mailboxes/sweeping.py",
        "where page.cell = $1 and page.user_id = $2 and page.expires_at <= $3",
        "where $1::int > 0 and page.user_id = $2 and page.expires_at <= $3",
        ("tests/store/test_partitions.py::test_statements_touch_one_cell",),
    ),
    # --- Database ---------------------------------------------------------------------------------------------------
    Mutation(
        "lease: two processes lease one node number",
        f"{_SRC}/database/number_lease.py",
        "select pg_try_advisory_lock(",
        "select pg_try_advisory_lock_shared(",
        ("tests/store/test_node_lease.py::test_two_processes_that_try_the_same_number_first",),
    ),
    Mutation(
        "group-commit: a batch may weigh too much",
        f"{_SRC}/database/group_commit.py",
        "if weight > self._batch_weight:",
        "if weight > 2 * self._batch_weight:",
        ("tests/database/test_group_commit.py::test_batches_are_limited_by_weight",),
    ),
    Mutation(
        "locks: what is frozen while it waits gets the row of a frozen transaction",
        f"{_SRC}/database/database.py",
        "PATIENT_LOCK_MS = 2_000",
        "PATIENT_LOCK_MS = 3_000",
        ("tests/database/test_transactions.py::test_what_waits_for_a_frozen_transaction_fails_before_that_is_ended",),
    ),
    Mutation(
        "retention: a bucket goes while a part of it must be kept",
        f"{_SRC}/domain/message_id.py",
        ">> _BUCKET_TIME_SHIFT) - 1",
        ">> _BUCKET_TIME_SHIFT)",
        ("tests/actions/test_retention.py::test_a_bucket_is_removed_when_its_last_moment_is_too_old",),
    ),
    # --- Channels ---------------------------------------------------------------------------------------------------
    Mutation(
        "channel-claim: a delivery that is being sent is claimed by another process",
        f"{_SRC}/store/channels/deliveries.py",
        "(delivery.state = 0 or delivery.claimed_until <= $4)",
        "(delivery.state = 0 or delivery.claimed_until >= $4 or true)",
        ("tests/store/test_channel_deliveries.py::test_a_claim_holds_until_its_end",),
    ),
    Mutation(
        "channel-settle: a process settles what another one has claimed since",
        f"{_SRC}/store/channels/deliveries.py",
        "and delivery.claimed_until = done.until",
        "and done.until > 0",
        ("tests/store/test_channel_deliveries.py::test_a_delivery_is_settled_by_the_process_that_has_it",),
    ),
    Mutation(
        "channel-place: a part of a plan is stored twice",
        f"{_SRC}/store/channels/due_plans.py",
        "and plan.place is not distinct from $5",
        "and ($5::text is null or true)",
        ("tests/store/test_channel_deliveries.py::test_a_part_of_a_plan_is_stored_once",),
    ),
    Mutation(
        "channel-lease: a process stores a part of a plan that another one has",
        f"{_SRC}/store/channels/due_plans.py",
        "and plan.lease_holder = $4\n            and plan.place",
        "and $4::text <> ''\n            and plan.place",
        ("tests/store/test_channel_deliveries.py::test_a_part_of_a_plan_is_stored_once",),
    ),
    Mutation(
        "channel-recheck: a message that was read after its plan is sent",
        f"{_SRC}/delivery/channels/claims.py",
        "check(view.checked, now)) for delivery",
        "None) for delivery",
        ("tests/delivery/channels/test_dispatcher.py::test_what_happens_between_plan_and_dispatch_decides",),
    ),
    Mutation(
        "channel-recall: a recalled message is sent",
        f"{_SRC}/messaging/channels/recheck.py",
        "message is None or message.recalled_at is not None or",
        "message is None or",
        ("tests/delivery/channels/test_dispatcher.py::test_what_happens_between_plan_and_dispatch_decides",),
    ),
    Mutation(
        "channel-mandatory: a user turns a mandatory type off",
        f"{_SRC}/messaging/channels/recheck.py",
        "if not delivery.is_mandatory:",
        "if True:",
        ("tests/delivery/channels/test_dispatcher.py::test_mutes_and_choices_count_unless_the_type_is_mandatory",),
    ),
    Mutation(
        "channel-quiet: quiet hours do not wake urgent messages",
        f"{_SRC}/domain/channels/quiet.py",
        "if urgency is Urgency.URGENT:",
        "if urgency is Urgency.LOW:",
        ("tests/domain/test_quiet_hours.py",),
    ),
    Mutation(
        "channel-clocks: hours end late when the clocks jump over their end",
        f"{_SRC}/domain/channels/local_time.py",
        "if second < first:",
        "if first < second:",
        ("tests/domain/test_quiet_hours.py",),
    ),
    Mutation(
        "channel-rate: a gateway sends faster than its rate",
        f"{_SRC}/delivery/channels/pacer.py",
        "self._interval / 10) + self._interval",
        "self._interval / 10) + self._interval / 2",
        ("tests/delivery/channels/test_dispatcher.py::test_the_rate_is_kept_in_every_second",),
    ),
    Mutation(
        "channel-limit: a gateway sends more than its daily limit",
        f"{_SRC}/delivery/channels/claims.py",
        "gateway.daily_limit - sent)",
        "gateway.daily_limit)",
        ("tests/delivery/channels/test_dispatcher.py::test_a_daily_limit_is_not_exceeded",),
    ),
    Mutation(
        "channel-outage: after an outage, claims are taken over before their process can settle them",
        f"{_SRC}/delivery/channels/claims.py",
        "now if tools.trust.holds else 0",
        "now",
        ("tests/delivery/channels/test_outages.py::test_an_outage_longer_than_a_claim_sends_nothing_twice",),
    ),
    Mutation(
        "channel-pause: a gateway that is down is tried again and again",
        f"{_SRC}/delivery/channels/gateway_turn.py",
        "if outcome.pause_ms > 0:",
        "if outcome.pause_ms > 10**9:",
        ("tests/delivery/channels/test_dispatcher.py::test_a_gateway_that_is_down_pauses_and_another_goes_on",),
    ),
    # --- Webhooks ---------------------------------------------------------------------------------------------------
    Mutation(
        "ssrf: a webhook may call an address of this network by way of IPv6",
        f"{_SRC}/domain/network.py",
        "if not all(is_public(inner) for inner in _embedded(address)):",
        "if not all(is_public(inner) for inner in ()):",
        ("tests/outbound/test_guarded_network.py::test_special_addresses_are_not_public",),
    ),
    Mutation(
        "ssrf: only the first address of a host is looked at",
        f"{_SRC}/outbound/guarded_network.py",
        "self._rules.check(addresses,",
        "self._rules.check(addresses[:1],",
        ("tests/outbound/test_guarded_network.py::test_a_name_with_one_forbidden_address_is_not_called",),
    ),
    Mutation(
        "retry: a webhook that times out is taken for one that refuses",
        f"{_SRC}/domain/webhook_schedule.py",
        "status in {408, 429}",
        "status in {429}",
        ("tests/outbound/test_guarded_network.py::test_the_status_decides_the_verdict",),
    ),
    Mutation(
        "lease: a webhook is leased to two processes",
        f"{_SRC}/store/webhooks/leases.py",
        "and coalesce(webhook.lease_until, 0) <= $2",
        "and $2 > 0",
        ("tests/delivery/test_webhooks.py::test_a_webhook_is_leased_to_one_dispatcher_until_the_lease_ends",),
    ),
    # --- Inbox and streams ------------------------------------------------------------------------------------------
    Mutation(
        "token-audience: a token for something else opens the inbox",
        f"{_SRC}/actions/mailboxes/user_tokens.py",
        'if decoded.get("aud", _AUDIENCE) != _AUDIENCE:',
        'if decoded.get("aud", _AUDIENCE) is None:',
        ("tests/inbox/test_limits.py::test_a_token_is_accepted_for_its_audience_only",),
    ),
    Mutation(
        "token-expiry: a token that was accepted once never expires",
        f"{_SRC}/actions/mailboxes/user_tokens.py",
        "if claims.expires <= time():",
        "if claims.expires <= 0:",
        ("tests/inbox/test_limits.py::test_a_token_that_was_accepted_before_expires",),
    ),
    Mutation(
        "etag-names: a list keeps its tag when an app gets another name",
        f"{_SRC}/inbox/etag.py",
        "shown.message.app_number: shown.app for",
        "shown.message.app_number: shown.app.app_id for",
        ("tests/inbox/test_etags.py::test_every_change_of_a_list_changes_its_tag",),
    ),
    Mutation(
        "etag-version: a list keeps its tag when a message is updated",
        f"{_SRC}/inbox/etag.py",
        "[astuple(shown.message)[:-1] for",
        "[astuple(shown.message)[:7] for",
        ("tests/inbox/test_etags.py::test_every_change_of_a_list_changes_its_tag",),
    ),
    Mutation(
        "floor: a list takes entries below a page that it has not read",
        f"{_SRC}/store/mailboxes/mailbox_statements.py",
        "and (page.floor is null or entry.message_id > page.floor)",
        "and (page.floor is null or entry.message_id > 0)",
        ("tests/actions/test_inbox_reads.py::test_a_list_of_many_apps_has_every_message_in_order",),
    ),
    Mutation(
        "inbox-scope: an app's token sees the messages of all apps",
        f"{_SRC}/actions/mailboxes/user_tokens.py",
        'None if record.inbox_scope == "platform" else',
        'None if record.inbox_scope != "" else',
        ("tests/inbox/test_scopes.py::test_a_token_with_app_scope_sees_the_apps_messages_only",),
    ),
    Mutation(
        "streams: a user keeps one stream too many",
        f"{_SRC}/live/hub.py",
        "0 < self._per_user < len(",
        "0 < self._per_user < -1 + len(",
        ("tests/attacks/test_web_limits.py::test_one_stream_too_many_ends_the_oldest",),
    ),
    Mutation(
        "proxy: anybody may say under which path the server is",
        f"{_SRC}/web/base_path.py",
        "if client is None or client[0] not in self.trusted_hosts:",
        "if client is None:",
        ("tests/web/test_base_path.py::test_only_a_trusted_proxy_sets_the_base_path",),
    ),
    # --- Portal -----------------------------------------------------------------------------------------------------
    Mutation(
        "csrf: a form is taken with any token",
        f"{_SRC}/portal/edge.py",
        "is_token = bool(request.csrf) and hmac.compare_digest(",
        "is_token = bool(request.csrf) or hmac.compare_digest(",
        ("tests/portal/test_permissions.py::test_the_form_token_of_another_session_is_refused",),
    ),
    Mutation(
        "permission: a developer sees the pages of operators",
        f"{_SRC}/portal/edge.py",
        'if page.access == "operator" and not request.person.is_operator:',
        'if page.access == "operator" and request.person.is_operator is None:',
        ("tests/portal/test_permissions.py::test_each_page_is_shown_to_the_allowed_people_only",),
    ),
    Mutation(
        "two-persons: an editor of an announcement may approve it",
        f"{_SRC}/domain/announcement.py",
        "not in {announcement.created_by, edited_by, announcement.submitted_by}",
        "not in {announcement.created_by, announcement.submitted_by}",
        ("tests/domain/test_announcement.py::test_people_who_took_part_cannot_decide",),
    ),
    Mutation(
        "throttle: an attempt too many is looked at",
        f"{_SRC}/actions/portal/throttle.py",
        "if tries > limit:",
        "if tries > limit + 1:",
        ("tests/actions/test_throttle.py",),
    ),
    Mutation(
        "second-factor: a code is good twice",
        f"{_SRC}/actions/portal/second_factor.py",
        "return await people.use_step(connection, number, step)",
        "return bool([await people.use_step(connection, number, step)])",
        ("tests/portal/test_accounts.py::test_the_login_asks_for_the_second_factor",),
    ),
    # --- Command line and SDK ---------------------------------------------------------------------------------------
    Mutation(
        "cli: a time of day that has passed means today",
        f"{_SRC}/cli/moments.py",
        "today if today > present else today + timedelta(days=1)",
        "today if today > present else today",
        ("tests/cli/test_message_commands.py::test_moments_are_parsed",),
    ),
    Mutation(
        "sdk-retry: a refusal is repeated",
        f"{_SDK}/retry.py",
        "if failed > self.retries or not may_help(error):",
        "if failed > self.retries and not may_help(error):",
        ("tests/sdk/test_client_flow.py::test_permanent_failures_are_not_retried",),
    ),
    Mutation(
        "sdk-signature: a webhook from the future is genuine",
        f"{_SDK}/webhook.py",
        "if abs(now - int(timestamp)) > tolerance:",
        "if now - int(timestamp) > tolerance:",
        ("tests/sdk/test_webhook.py::test_an_old_post_is_refused",),
    ),
    # --- The directory ----------------------------------------------------------------------------------------------
    Mutation(
        "directory-disabled: a new membership of a disabled user counts at once",
        f"{_SRC}/store/directory/members.py",
        "case when person.disabled then $6",
        "case when false then $6",
        ("tests/messaging/test_directory_changes.py",),
    ),
    Mutation(
        "directory-move: only the moved organisation itself gets new paths",
        f"{_SRC}/messaging/directory/change_orgs.py",
        "if not changed.isdisjoint(line_of(parents, org_id))",
        "if org_id in changed",
        ("tests/messaging/test_directory_changes.py",),
    ),
    Mutation(
        "directory-confirmation: another number than the confirmed one is deleted",
        f"{_SRC}/actions/directory/importing.py",
        "if delete_missing not in {None, difference.missing} and",
        "if delete_missing == -1 and",
        ("tests/actions/test_directory_import.py",),
    ),
    # --- Contacts and gateways --------------------------------------------------------------------------------------
    Mutation(
        "contact-bounced: a value that is set again switches a contact point on that bounced",
        f"{_SRC}/messaging/channels/change_contacts.py",
        "elif before is None or not writing.is_sealed(",
        "elif before is None or writing.is_sealed(",
        ("tests/gateway/test_directory.py::test_a_bounced_address_stays_off_until_another_one_is_set",),
    ),
    Mutation(
        "contact-binding: a contact point opens for every user",
        f"{_SRC}/actions/apps/key_ring.py",
        "encrypt(nonce, value.encode(), binding.encode())",
        "encrypt(nonce, value.encode(), None)",
        ("tests/actions/test_key_ring.py::test_a_sealed_value_opens_only_for_its_purpose_and_place",),
    ),
    Mutation(
        "forget-broadcast: a removed user is a recipient of later broadcasts",
        f"{_SRC}/store/mailboxes/broadcast_receipts.py",
        "coalesce(mailbox.forgotten, $3) >= $3",
        "$3 >= $3",
        ("tests/actions/test_forget.py::test_later_messages_count_only_those_who_are_still_there",),
    ),
    Mutation(
        "forget-audience: lists of receivers keep a removed user's id",
        f"{_SRC}/messaging/forget.py",
        "await forgetting.rename_in_chunks(connection, replacement, chunks)",
        "len(chunks)",
        ("tests/actions/test_forget.py::test_nothing_of_the_user_is_left_and_every_count_is_as_before",),
    ),
    Mutation(
        "gateway-secret: a kept secret goes to another server",
        f"{_SRC}/actions/channels/gateways.py",
        "if moved and field.is_secret",
        "if not moved and field.is_secret",
        ("tests/actions/test_gateways.py::test_a_secret_does_not_go_to_another_server",),
    ),
    Mutation(
        "gateway-lease: two processes send by one gateway",
        f"{_SRC}/store/channels/gateways.py",
        "and coalesce(gateway.lease_until, 0) <= $1",
        "and $1 > 0",
        ("tests/store/test_gateways.py::test_one_process_at_a_time_has_the_lease_of_a_gateway",),
    ),
)
