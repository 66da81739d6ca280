"""Request fields and answers that the calls have in common (protocol, "Conventions")."""

from msgspec import Struct


class Answer(Struct, frozen=True, rename="camel"):
    """The result keys of an answer. Unknown keys are ignored."""


def platform_fields(platform_code: str | None, default: str | None) -> dict[str, str]:
    """Return the field that names the users' platform: `platform_code`, or `default` if that is None."""
    code = platform_code if platform_code is not None else default
    return {} if code is None else {"platformCode": code}
