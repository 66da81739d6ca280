"""Request ids: taken from the caller or made here, returned in the answer, and part of each log line."""

import re
import secrets
from contextvars import ContextVar
from itertools import count

_PROCESS = secrets.token_hex(6).encode()
_numbers = count()
_ACCEPTED = re.compile(rb"[\x21-\x7e]{1,64}")

current_request_id: ContextVar[bytes] = ContextVar("request id", default=b"")
"""The id of the request that this task answers, b"" if it answers none."""


def choose_request_id(header: bytes | None) -> bytes:
    """Return the caller's X-Request-Id if it is valid (1-64 visible ASCII characters), else a new id."""
    if header is not None and _ACCEPTED.fullmatch(header):
        return header
    return b"%b%012x" % (_PROCESS, next(_numbers))


def begin_request(header: bytes | None) -> bytes:
    """Return the id of the request that this task answers from now on, as `choose_request_id` does."""
    request_id = choose_request_id(header)
    current_request_id.set(request_id)
    return request_id
