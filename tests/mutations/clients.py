"""The command line and the SDK."""

from tests.mutations.mutation import SDK, SRC, Mutation

MUTATIONS = (
    Mutation(
        "cli: a time of day that has passed means today",
        f"{SRC}/cli/moments.py",
        "today if today > present else today + timedelta(days=1)",
        "today if today > present else today",
        ("tests/cli/test_message_commands.py::test_moments_are_parsed",),
    ),
    Mutation(
        "sdk-retry: a refusal is repeated",
        f"{SDK}/retry.py",
        "if failed > self.retries or not may_help(error):",
        "if failed > self.retries and not may_help(error):",
        ("tests/sdk/test_client_flow.py::test_permanent_failures_are_not_retried",),
    ),
    Mutation(
        "sdk-signature: a webhook from the future is genuine",
        f"{SDK}/webhook.py",
        "if abs(now - int(timestamp)) > tolerance:",
        "if now - int(timestamp) > tolerance:",
        ("tests/sdk/test_webhook.py::test_an_old_post_is_refused",),
    ),
)
