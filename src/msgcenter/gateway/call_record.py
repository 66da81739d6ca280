"""What is known of a call once it is answered: for those who count, measure and log."""

from collections.abc import Callable
from typing import NamedTuple

from msgcenter.domain.account import App


class CallRecord(NamedTuple):
    """One answered call.

    `api` is the last part of its path; `app` is None if the caller did not prove to be one; `status_ids` are how many
    message ids a modMsgStatus named; `seconds` is from the first byte read to the last one handed to the server.
    """

    api: str
    app: App | None
    ret_code: str
    seconds: float
    status_ids: int
    request_id: bytes


Observer = Callable[[CallRecord], None]
"""Is told of every call after its answer has left. It must be quick and must not fail."""
