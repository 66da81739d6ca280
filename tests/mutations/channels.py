"""Channels: what is sent to whom and when, contact points, gateways."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    # --- Channels -----------------------------------------------------------------------------------------------------
    Mutation(
        "channel-claim: a delivery that is being sent is claimed by another process",
        f"{SRC}/store/channels/deliveries.py",
        "(delivery.state = 0 or delivery.claimed_until <= $4)",
        "(delivery.state = 0 or delivery.claimed_until >= $4 or true)",
        ("tests/store/test_channel_deliveries.py::test_a_claim_holds_until_its_end",),
    ),
    Mutation(
        "channel-settle: a process settles what another one has claimed since",
        f"{SRC}/store/channels/deliveries.py",
        "and delivery.claimed_until = done.until",
        "and done.until > 0",
        ("tests/store/test_channel_deliveries.py::test_a_delivery_is_settled_by_the_process_that_has_it",),
    ),
    Mutation(
        "channel-place: a part of a plan is stored twice",
        f"{SRC}/store/channels/due_plans.py",
        "and plan.place is not distinct from $5",
        "and ($5::text is null or true)",
        ("tests/store/test_channel_deliveries.py::test_a_part_of_a_plan_is_stored_once",),
    ),
    Mutation(
        "channel-lease: a process stores a part of a plan that another one has",
        f"{SRC}/store/channels/due_plans.py",
        "and plan.lease_holder = $4\n            and plan.place",
        "and $4::text <> ''\n            and plan.place",
        ("tests/store/test_channel_deliveries.py::test_a_part_of_a_plan_is_stored_once",),
    ),
    Mutation(
        "channel-recheck: a message that was read after its plan is sent",
        f"{SRC}/delivery/channels/claims.py",
        "check(view.checked, now)) for delivery",
        "None) for delivery",
        ("tests/delivery/channels/test_dispatcher.py::test_what_happens_between_plan_and_dispatch_decides",),
    ),
    Mutation(
        "channel-recall: a recalled message is sent",
        f"{SRC}/messaging/channels/recheck.py",
        "message is None or message.recalled_at is not None or",
        "message is None or",
        ("tests/delivery/channels/test_dispatcher.py::test_what_happens_between_plan_and_dispatch_decides",),
    ),
    Mutation(
        "channel-mandatory: a user turns a mandatory type off",
        f"{SRC}/messaging/channels/recheck.py",
        "if not delivery.is_mandatory:",
        "if True:",
        ("tests/delivery/channels/test_dispatcher.py::test_mutes_and_choices_count_unless_the_type_is_mandatory",),
    ),
    Mutation(
        "channel-quiet: quiet hours do not wake urgent messages",
        f"{SRC}/domain/channels/quiet.py",
        "if urgency is Urgency.URGENT:",
        "if urgency is Urgency.LOW:",
        ("tests/domain/test_quiet_hours.py",),
    ),
    Mutation(
        "channel-clocks: hours end late when the clocks jump over their end",
        f"{SRC}/domain/channels/local_time.py",
        "if second < first:",
        "if first < second:",
        ("tests/domain/test_quiet_hours.py",),
    ),
    Mutation(
        "channel-rate: a gateway sends faster than its rate",
        f"{SRC}/delivery/channels/pacer.py",
        "self._interval / 10) + self._interval",
        "self._interval / 10) + self._interval / 2",
        ("tests/delivery/channels/test_pacer.py",),
    ),
    Mutation(
        "channel-limit: a gateway sends more than its daily limit",
        f"{SRC}/delivery/channels/claims.py",
        "gateway.daily_limit - sent)",
        "gateway.daily_limit)",
        ("tests/delivery/channels/test_dispatcher.py::test_a_daily_limit_is_not_exceeded",),
    ),
    Mutation(
        "channel-outage: after an outage, claims are taken over before their process can settle them",
        f"{SRC}/delivery/channels/claims.py",
        "now if tools.trust.holds else 0",
        "now",
        ("tests/delivery/channels/test_outages.py::test_an_outage_longer_than_a_claim_sends_nothing_twice",),
    ),
    Mutation(
        "channel-pause: a gateway that is down is tried again and again",
        f"{SRC}/delivery/channels/gateway_turn.py",
        "if outcome.pause_ms > 0:",
        "if outcome.pause_ms > 10**9:",
        ("tests/delivery/channels/test_dispatcher.py::test_a_gateway_that_is_down_pauses_and_another_goes_on",),
    ),
    # --- Contacts and gateways ----------------------------------------------------------------------------------------
    Mutation(
        "contact-bounced: a value that is set again switches a contact point on that bounced",
        f"{SRC}/messaging/channels/change_contacts.py",
        "elif before is None or not writing.is_sealed(",
        "elif before is None or writing.is_sealed(",
        ("tests/gateway/test_directory.py::test_a_bounced_address_stays_off_until_another_one_is_set",),
    ),
    Mutation(
        "contact-binding: a contact point opens for every user",
        f"{SRC}/actions/apps/key_ring.py",
        "encrypt(nonce, value.encode(), binding.encode())",
        "encrypt(nonce, value.encode(), None)",
        ("tests/actions/test_key_ring.py::test_a_sealed_value_opens_only_for_its_purpose_and_place",),
    ),
    Mutation(
        "gateway-secret: a kept secret goes to another server",
        f"{SRC}/actions/channels/gateways.py",
        "if moved and field.is_secret",
        "if not moved and field.is_secret",
        ("tests/actions/test_gateways.py::test_a_secret_does_not_go_to_another_server",),
    ),
    Mutation(
        "gateway-lease: two processes send by one gateway",
        f"{SRC}/store/channels/gateways.py",
        "and coalesce(gateway.lease_until, 0) <= $1",
        "and $1 > 0",
        ("tests/store/test_gateways.py::test_one_process_at_a_time_has_the_lease_of_a_gateway",),
    ),
)
