"""What a call can raise: a class per retCode group (protocol, "retCodes"), and one for "no usable answer"."""

from collections.abc import Mapping
from typing import Any

UNKNOWN_CREDENTIAL = "200002"
CLOCK_OFF = "200005"
NO_SUCH_MESSAGE = "300001"
RATE_LIMITED = "400001"


class MsgCenterError(Exception):
    """Base of everything that a client raises about a call.

    ret_code: six digits; "" if there was no answer to read it from.
    text: the server's retDesc, in the client's language; or what went wrong on the way to the server.
    request_id: the X-Request-Id of the call, to look it up in the server's log.
    data: the answer's other keys.
    retry_after: seconds after which the server wants to be asked again, if it said so.
    idempotency_key: the key of the send that failed. Sending again with it never sends twice (24 hours).
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
        # Only `text` goes into `args`: so the default pickling and copying work.
        super().__init__(text)
        self.text = text
        self.ret_code = ret_code
        self.request_id = request_id
        self.data: dict[str, Any] = dict(data or {})
        self.retry_after = retry_after
        self.idempotency_key: str | None = None

    def __str__(self) -> str:
        facts = {"retCode": self.ret_code, "request id": self.request_id}
        shown = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
        return f"{self.text} ({shown})" if shown else self.text


class InvalidRequestError(MsgCenterError):
    """1000xx: a field is missing, malformed, too long or contradicts another. Repeating does not help."""


class IdentityError(MsgCenterError):
    """2000xx: the app is unknown, disabled, has another appKey, or may not use this platform or API."""


class ClockError(IdentityError):
    """200005: this machine's clock is too far from the server's to get a token.

    seconds_ahead: by how much this clock is ahead of the server's (negative: behind); None: not known.
    """

    seconds_ahead: float | None = None

    def __str__(self) -> str:
        if self.seconds_ahead is None:
            return f"{super().__str__()}; set the clock of this machine"
        way = "ahead of" if self.seconds_ahead > 0 else "behind"
        off = abs(round(self.seconds_ahead))
        return f"{super().__str__()}; the clock of this machine is {off} s {way} the server's: set it"


class StateError(MsgCenterError):
    """3000xx: the state of things forbids it, such as an unknown message or a key used for another body."""

    @property
    def invalid_ids(self) -> tuple[str, ...]:
        """The message ids that the server named as the reason."""
        return tuple(str(given) for given in self.data.get("invalidMsgId") or ())


class LimitError(MsgCenterError):
    """4000xx: the request rate or the daily quota is used up; `retry_after` says for how many seconds."""


class ServerError(MsgCenterError):
    """5000xx: the server failed, has no database, or is shutting down. The client has retried already."""


class TransportError(MsgCenterError):
    """No usable answer: no connection, a time-out, or something that is not an answer of the protocol.

    The call may or may not have been carried out.
    http_status: the status of the answer, if there was one.
    temporary: whether repeating may help.
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
    """Return the class for a retCode; the base class for a group that this client does not know."""
    if ret_code == CLOCK_OFF:
        return ClockError
    return _GROUPS.get(ret_code[:4], MsgCenterError)
