"""The exceptions of calls: one class per retCode group (protocol, "retCodes"), and one for missing answers."""

from collections.abc import Mapping
from typing import Any

UNKNOWN_CREDENTIAL = "200002"
CLOCK_OFF = "200005"
NO_SUCH_MESSAGE = "300001"
RATE_LIMITED = "400001"


class MsgCenterError(Exception):
    """The base class of all exceptions that a call raises.

    ret_code: the retCode of the answer, six digits; "" without a usable answer.
    text: the server's retDesc in the client's language, or the transport problem.
    request_id: the X-Request-Id of the call, for a search in the server's log.
    data: the other keys of the answer.
    retry_after: the seconds after which the server accepts a retry; None if it gave none.
    idempotency_key: the key of the failed send. Sending again with this key never sends twice (for 24 hours).
    """

    def __init__(
        self,
        text: str,
        *,
        ret_code: str = "",
        request_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        # Only `text` goes into `args`, so that default pickling and copying work.
        super().__init__(text)
        self.text = text
        self.ret_code = ret_code
        self.request_id = request_id
        self.data: dict[str, Any] = dict(data or {})
        self.retry_after = retry_after
        self.idempotency_key: str | None = None

    def __str__(self) -> str:
        facts = {"retCode": self.ret_code, "request id": self.request_id}
        details = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
        return f"{self.text} ({details})" if details else self.text


class InvalidRequestError(MsgCenterError):
    """1000xx: a field is missing, malformed, too long or contradicts another field. A retry does not help."""


class IdentityError(MsgCenterError):
    """2000xx: the app is unknown or disabled, the appKey is wrong, or the platform or call is not allowed."""


class ClockError(IdentityError):
    """200005: this machine's clock differs too much from the server's clock to get a token.

    seconds_ahead: the seconds by which this clock is ahead (negative: behind); None: unknown.
    """

    seconds_ahead: float | None = None

    def __str__(self) -> str:
        if self.seconds_ahead is None:
            return f"{super().__str__()}; set the clock of this machine"
        direction = "ahead of" if self.seconds_ahead > 0 else "behind"
        seconds = abs(round(self.seconds_ahead))
        return f"{super().__str__()}; the clock of this machine is {seconds} s {direction} the server's: set it"


class StateError(MsgCenterError):
    """3000xx: the current state forbids the call, such as an unknown message or a key used for other content."""

    @property
    def invalid_ids(self) -> tuple[str, ...]:
        """The message ids that caused the error."""
        return tuple(str(message_id) for message_id in self.data.get("invalidMsgId") or ())


class LimitError(MsgCenterError):
    """4000xx: a rate limit or daily quota is used up; `retry_after` is the time until it resets, in seconds."""


class ServerError(MsgCenterError):
    """5000xx: the server failed, has no database, or is shutting down. The client has already retried."""


class TransportError(MsgCenterError):
    """No usable answer: no connection, a time-out, or an answer that does not follow the protocol.

    The server may or may not have carried out the call.
    http_status: the HTTP status of the answer; None without one.
    temporary: whether a retry may help.
    """

    http_status: int | None = None
    temporary: bool = False


_GROUPS: dict[str, type[MsgCenterError]] = {
    "1000": InvalidRequestError,
    "2000": IdentityError,
    "3000": StateError,
    "4000": LimitError,
    "5000": ServerError,
}


def error_class(ret_code: str) -> type[MsgCenterError]:
    """Return the exception class for a retCode; the base class for an unknown group."""
    if ret_code == CLOCK_OFF:
        return ClockError
    return _GROUPS.get(ret_code[:4], MsgCenterError)
