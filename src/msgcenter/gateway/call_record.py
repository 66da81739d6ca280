"""The record of an answered call, for statistics, metrics and logs."""

from collections.abc import Callable
from typing import NamedTuple

from msgcenter.domain.account import App


class CallRecord(NamedTuple):
    """One answered call.

    `api` is the last part of its path. `app` is None if the caller had no valid token. `status_ids` is the number of
    message ids in a modMsgStatus. `seconds` runs from the start of the request to the end of its answer.
    """

    api: str
    app: App | None
    ret_code: str
    seconds: float
    status_ids: int
    request_id: bytes


Observer = Callable[[CallRecord], None]
"""A function that gets the record of every call after its answer was sent. It must be fast and must not raise."""
