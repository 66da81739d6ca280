"""Webhooks: whom they may call, and how they are repeated."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "ssrf: a webhook may call an address of this network by way of IPv6",
        f"{SRC}/domain/network.py",
        "if not all(is_public(inner) for inner in _embedded(address)):",
        "if not all(is_public(inner) for inner in ()):",
        ("tests/outbound/test_guarded_network.py::test_special_addresses_are_not_public",),
    ),
    Mutation(
        "ssrf: only the first address of a host is looked at",
        f"{SRC}/outbound/guarded_network.py",
        "self._rules.check(addresses,",
        "self._rules.check(addresses[:1],",
        ("tests/outbound/test_guarded_network.py::test_a_name_with_one_forbidden_address_is_not_called",),
    ),
    Mutation(
        "retry: a webhook that times out is taken for one that refuses",
        f"{SRC}/domain/webhook_schedule.py",
        "status in {408, 429}",
        "status in {429}",
        ("tests/outbound/test_guarded_network.py::test_the_status_decides_the_verdict",),
    ),
    Mutation(
        "lease: a webhook is leased to two processes",
        f"{SRC}/store/webhooks/leases.py",
        "and coalesce(webhook.lease_until, 0) <= $2",
        "and $2 > 0",
        ("tests/delivery/test_webhooks.py::test_a_webhook_is_leased_to_one_dispatcher_until_the_lease_ends",),
    ),
    Mutation(
        "late-outcome: the outcome of a POST ends a replay that came before it",
        f"{SRC}/store/webhooks/deliveries.py",
        "finished_at = null, claim = claim + 1",
        "finished_at = null",
        ("tests/delivery/test_late_outcomes.py::test_a_delivery_that_is_replayed_while_it_is_posted_is_posted_again",),
    ),
    Mutation(
        "late-failure: a failure from before a webhook was resumed delays it",
        f"{SRC}/store/webhooks/deliveries.py",
        "and restarts = $3",
        "and $3 >= 0",
        ("tests/delivery/test_late_outcomes.py::test_a_webhook_that_is_resumed_during_a_post_is_tried_at_once",),
    ),
)
