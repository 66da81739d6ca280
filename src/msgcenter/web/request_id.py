"""The number of a request: given by the caller or made here, told in the answer, and in each line of the log."""

import re
import secrets
from contextvars import ContextVar
from itertools import count

_PROCESS = secrets.token_hex(6).encode()
_numbers = count()
_ACCEPTED = re.compile(rb"[\x21-\x7e]{1,64}")

present: ContextVar[bytes] = ContextVar("request id", default=b"")
"""The request that this task answers, b"" if it answers none."""


def choose_request_id(given: bytes | None) -> bytes:
    """Return the id of a request: the caller's if it is one, or a new one."""
    accepted = given is not None and _ACCEPTED.fullmatch(given)
    return given if given and accepted else b"%b%012x" % (_PROCESS, next(_numbers))


def begin_request(given: bytes | None) -> bytes:
    """Return the id of the request that this task answers from now on: the caller's if it is one, or a new one."""
    request_id = choose_request_id(given)
    present.set(request_id)
    return request_id
