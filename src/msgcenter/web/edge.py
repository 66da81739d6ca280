"""What happens around every request of the gateway, the inbox and the portal: its id, body, time, log line and errors.

The gateway, which answers most requests, calls these functions from its own ASGI application; the inbox and the portal
use `answer`.
"""

from time import perf_counter

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.web.endpoint import Respond
from msgcenter.web.logs import RequestLog
from msgcenter.web.request_id import begin_request

_log = structlog.get_logger(__name__)
_MAX_DISCARDED = 8 << 20
"""Bytes of an oversized body that are read and dropped before the refusal is sent."""


class BodyTooLargeError(Exception):
    """The request body is larger than its limit."""


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


def client_address(scope: Scope) -> str:
    """Return the caller's network address, "unknown" if the server has none."""
    client = scope.get("client")
    return client[0] if client else "unknown"


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the request body, of at most `limit` bytes. Raises BodyTooLargeError or ClientGoneError."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) <= limit:
            return body
        raise BodyTooLargeError
    chunks = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        # Most clients read the answer only after they have sent the whole body, so the rest is read and dropped.
        if not message.get("more_body") or size > _MAX_DISCARDED:
            break
        message = await receive()
    if size > limit:
        raise BodyTooLargeError
    return b"".join(chunks)


def refusal_of(error: Exception, event: str, path: str) -> Refusal:
    """Return the refusal that answers an exception, and log what the operator has to know.

    An exception that is no refusal is a fault of the server: it is logged with its traceback, as `event` of `path`, and
    answered with INTERNAL. `path` must not contain secrets: the path of an invitation, for one, is a secret.
    """
    if not isinstance(error, Refusal):
        _log.error(event, path=path, exc_info=error)
        return Refusal(Reason.INTERNAL)
    if error.reason is Reason.DATABASE_UNAVAILABLE:
        cause = repr(error.__cause__) if error.__cause__ else "too many calls are waiting"
        _log.warning("a request found no database", path=path, cause=cause)
    return error


async def answer(request: Request, respond: Respond, log: RequestLog, **route: str) -> Response:
    """Return the response of `respond` with the id of the request, and log how long it took.

    `route` names the surface and the path for the log line (`page="/portal/login"`). `respond` answers errors itself.
    """
    began = perf_counter()
    request_id = begin_request(request.headers.get("x-request-id", "").encode("latin-1"))
    try:
        response = await respond(request)
    except ClientGoneError:
        response = Response(status_code=400)
    response.headers["x-request-id"] = request_id.decode()
    log.answered(perf_counter() - began, **route, method=request.method, status=response.status_code)
    return response
