"""Errors that an operator can fix, as one line instead of a traceback."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgcenter.cli.console import fail, program

_MAX_PLATFORMS = 10
_UNKNOWN_TO_POOLERS = "unsupported startup parameter"
"""PgBouncer's error when a client sets up its session. A pooler without MSGCENTER_DIRECT_DATABASE_URL leads to it."""


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Print an expected error in one line and exit with code 1. Other exceptions pass through."""
    from msgcenter.actions.apps.key_ring import WrongSecretKeyError
    from msgcenter.actions.apps.platforms import UnknownPlatformError
    from msgcenter.database.embedded.errors import EmbeddedDatabaseError
    from msgcenter.database.failures import lock_timed_out
    from msgcenter.database.migrate import SchemaError
    from msgcenter.database.pooler import PoolerError
    from msgcenter.domain.refusal import Reason, Refusal
    from msgcenter.settings import SettingError
    from msgcenter_client import MsgCenterError

    try:
        yield
    except WrongSecretKeyError:
        raise fail(
            "The secret key does not match the app keys in this database. Restore the earlier key in "
            "MSGCENTER_SECRET_KEY, or in secret.key in the data folder if that variable is not set."
        ) from None
    except UnknownPlatformError as error:
        raise fail(_unknown_platform(error.code, error.known)) from None
    except Refusal as refusal:
        if refusal.reason is Reason.DATABASE_UNAVAILABLE:
            if _UNKNOWN_TO_POOLERS in _cause(refusal):
                raise fail(
                    "MSGCENTER_DATABASE_URL leads to a connection pooler. Set MSGCENTER_DIRECT_DATABASE_URL, too: to "
                    "the same database without the pooler (docs/operating.md, Behind PgBouncer)."
                ) from None
            if lock_timed_out(refusal):
                raise fail(
                    "Another program is changing the same rows, perhaps one that was ended a moment ago. What is "
                    "complete stays. Repeat the command."
                ) from None
            raise fail(
                f"The database does not answer ({_cause(refusal)}). Check MSGCENTER_DATABASE_URL, that PostgreSQL "
                "is running, and that it accepts this machine."
            ) from None
        raise fail(refusal.describe("en")) from None
    except (SettingError, EmbeddedDatabaseError, SchemaError, PoolerError, MsgCenterError, ValueError) as error:
        raise fail(str(error)) from None


def _unknown_platform(code: str, known: Sequence[str]) -> str:
    codes = ", ".join([*known[:_MAX_PLATFORMS], *(["…"] if len(known) > _MAX_PLATFORMS else [])])
    return (
        f"There is no platform {code} (platforms: {codes or 'none'}). Create it with its first app: "
        f"{program()} app create --name NAME --platform {shlex.quote(code)}"
    )


def _cause(refusal: BaseException) -> str:
    return " ".join(str(refusal.__cause__ or "no reason given").split())
