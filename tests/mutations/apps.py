"""Apps: their access tokens and keys."""

from tests.mutations.mutation import SRC, Mutation

MUTATIONS = (
    Mutation(
        "clock-window: a clock that is behind is never refused",
        f"{SRC}/actions/apps/tokens.py",
        "if abs(milliseconds_of(timestamp) - now) >",
        "if (milliseconds_of(timestamp) - now) >",
        ("tests/actions/test_tokens.py::test_a_clock_outside_the_window_is_refused",),
    ),
    Mutation(
        "token-expiry: an expired access token is still found",
        f"{SRC}/store/apps/tokens.py",
        "and access_token.expires_at > $2",
        "and $2 > 0",
        ("tests/store/test_tokens.py::test_a_token_is_valid_until_it_expires",),
    ),
    Mutation(
        "recent-app: a status call does not see that the app has changed a moment ago",
        f"{SRC}/store/mailboxes/read_states.py",
        "and app.xmin = seen.version",
        "and seen.version is not null",
        (
            "tests/messaging/test_status_changes.py::"
            "test_a_change_for_a_changed_app_is_refused_and_the_rest_of_its_batch_applied",
        ),
    ),
    Mutation(
        "recent-app: a call that is refused does not look up its token",
        f"{SRC}/gateway/endpoint.py",
        "if isinstance(problem, Refusal) and problem.reason is Reason.DATABASE_UNAVAILABLE:\n                    raise",
        "if isinstance(problem, Refusal) and not isinstance(problem, AppChangedError):\n                    raise",
        ("tests/gateway/test_recent_apps.py",),
    ),
    Mutation(
        "token-digest: tokens are stored as they are",
        f"{SRC}/actions/apps/key_ring.py",
        "return sha256(token.encode()).digest()",
        "return token.encode()",
        ("tests/actions/test_key_ring.py::test_only_a_tokens_hash_is_stored",),
    ),
    Mutation(
        "key-signature: a proof of the first half of the key info is enough",
        f"{SRC}/actions/apps/key_ring.py",
        "hmac.compare_digest(expected, key_info.lower())",
        "hmac.compare_digest(expected[:20], key_info.lower()[:20])",
        ("tests/actions/test_key_ring.py::test_a_proof_is_for_one_key_app_and_time",),
    ),
    Mutation(
        "sandbox: an app reaches the sandbox of another app whose id begins with its own",
        f"{SRC}/domain/account.py",
        'startswith(f"{self.sandbox_user}-")',
        'startswith(f"{self.sandbox_user}")',
        ("tests/domain/test_account.py",),
    ),
)
