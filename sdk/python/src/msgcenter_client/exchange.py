"""Requests and answers without I/O (protocol, "Conventions")."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from msgcenter_client.errors import ClockError, MsgCenterError, TransportError, error_class

SUCCESS = "000000"
_TEMPORARY_STATUS = {408, 425, 429, 500, 502, 503, 504}

Result = TypeVar("Result")


class Request(Struct, frozen=True):
    """A POST to send."""

    path: str
    headers: dict[str, str]
    content: bytes


class Response(Struct, frozen=True):
    """An HTTP answer. `headers` looks names up in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def read_answer(response: Response, *, request_id: str, now: datetime) -> dict[str, Any]:
    """Return the keys of a successful answer without retCode and retDesc. `now` is this machine's time.

    Raises the exception class of any other retCode, and TransportError if the answer is not an envelope.
    """
    request_id = response.headers.get("X-Request-Id", request_id)
    try:
        fields = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = None
    ret_code = fields.pop("retCode", None) if isinstance(fields, dict) else None
    if not isinstance(fields, dict) or not isinstance(ret_code, str):
        raise _no_envelope(response, request_id, now)
    text = str(fields.pop("retDesc", ""))
    if ret_code == SUCCESS:
        return fields
    error = error_class(ret_code)(
        text,
        ret_code=ret_code,
        request_id=request_id,
        data=fields,
        retry_after=retry_after(response.headers, now),
    )
    if isinstance(error, ClockError):
        server_time = _http_date(response.headers.get("Date"))
        error.seconds_ahead = (now - server_time).total_seconds() if server_time else None
    raise error


def read_result(fields: Mapping[str, Any], result: type[Result]) -> Result:
    """Return the keys of an answer as a struct. Raises TransportError if they do not match it."""
    try:
        # Not strict: numbers may be strings of digits, flags 0 or 1.
        return msgspec.convert(fields, result, strict=False)
    except msgspec.ValidationError as problem:
        raise TransportError(f"the server's answer is not as the protocol says: {problem}") from problem


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None without one."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    moment = _http_date(value)
    return max(0.0, (moment - now).total_seconds()) if moment else None


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _no_envelope(response: Response, request_id: str, now: datetime) -> MsgCenterError:
    error = TransportError(
        f"HTTP {response.status} without an answer of MsgCenter; is the base URL right?",
        request_id=request_id,
        retry_after=retry_after(response.headers, now),
    )
    error.http_status = response.status
    error.temporary = response.status in _TEMPORARY_STATUS
    return error
