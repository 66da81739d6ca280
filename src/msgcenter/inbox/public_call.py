"""The bodies of calls that need no user token."""

from starlette.requests import Request

from msgcenter.inbox import problems
from msgcenter.inbox.problems import ProblemError
from msgcenter.web.edge import BodyTooLargeError, read_body

_MAX_BODY = 8 << 10


async def public_body(request: Request) -> bytes:
    """Return the body of a request. Refuses one over 8 KiB."""
    try:
        return await read_body(request.receive, _MAX_BODY)
    except BodyTooLargeError:
        raise ProblemError(problems.TOO_LARGE) from None
