"""What stands in the place of a user who was removed, so that receipts can still be counted."""

import secrets

from msgcenter.domain.account import Platform

PREFIX = "forgotten-"


class ForgottenUserError(Exception):
    """The user was removed, and holds a token that is still valid: nothing may be stored about this user."""


def anonymous_id(platform: Platform, user_id: str) -> str:
    """Return a random id in the cell of a user of a platform. Nothing leads from it to the user."""
    cell = platform.cell_of(user_id)
    while True:
        new_id = f"{PREFIX}{secrets.token_hex(8)}"
        if platform.cell_of(new_id) == cell:
            return new_id
