"""A call of the inbox API: its user token, the website it comes from, and the headers and errors of its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, UserTokens, Viewer
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.inbox import problems
from msgcenter.inbox.problems import ProblemError, problem_of, problem_response
from msgcenter.live.hub import Hub
from msgcenter.web import edge
from msgcenter.web.addresses import check_address
from msgcenter.web.edge import BodyTooLargeError, ClientGoneError, client_address
from msgcenter.web.endpoint import AnyMethod, allow, options
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.same_site import is_same_site

_MAX_BODY = 64 << 10
_ACCEPTED_METHODS = {"GET": {"GET", "HEAD"}, "POST": {"POST"}}
_JSON = "application/json"
_STREAM = "/stream"


@dataclass(frozen=True)
class Inboxes:
    """What the endpoints of the inbox share."""

    inbox: Inbox
    user_tokens: UserTokens
    hub: Hub
    requests: RequestLog = field(default_factory=RequestLog)
    limits: RequestLimits = field(default_factory=RequestLimits)


Handler = Callable[[Inboxes, Request, Viewer], Awaitable[Struct | Response]]
Page = Callable[[Request], Awaitable[Response]]


def endpoint(inboxes: Inboxes, method: Literal["GET", "POST"], handler: Handler) -> AnyMethod:
    """Return the ASGI application that checks the token, calls the handler, and adds headers or the error."""

    async def respond(request: Request) -> Response:
        return await _answer(inboxes, method, handler, request)

    async def respond_and_log(request: Request) -> Response:
        return await edge.answer(request, respond, inboxes.requests, inbox=_route_of(request))

    return AnyMethod(respond_and_log)


async def _answer(inboxes: Inboxes, method: str, handler: Handler, request: Request) -> Response:
    viewer: Viewer | None = None
    headers = {}
    try:
        if request.method == "OPTIONS":
            return await _preflight(inboxes, method, request)
        if request.method not in _ACCEPTED_METHODS[method]:
            inboxes.limits.count_address(client_address(request.scope))
            headers = allow([method])
            raise problems.wrong_method(method)
        viewer = await _counted_viewer(inboxes, request)
        result = await handler(inboxes, request, viewer)
        response = result if isinstance(result, Response) else Response(encode(result), media_type=_JSON)
    except ClientGoneError:
        raise
    except Exception as error:
        problem = problem_of(error, "an inbox call failed", _route_of(request))
        response = problem_response(problem, language_for(request))
    response.headers.update(headers)
    response.headers.setdefault("cache-control", "no-store")
    origin = request.headers.get("origin")
    if origin:
        response.headers["vary"] = "Origin"
        # An error before the viewer is known reveals nothing, and every website should be able to read it.
        if viewer is None or _may_use(request, viewer, origin):
            response.headers["access-control-allow-origin"] = origin
            response.headers["access-control-expose-headers"] = "x-request-id, retry-after"
    return response


def _route_of(request: Request) -> str:
    """Return the route of a request, for logs. Unlike the path, it contains no message id."""
    return str(getattr(request.scope.get("route"), "path", request.scope["path"]))


def language_for(request: Request) -> Language:
    """Return the language of an answer's texts."""
    return language_of(request.headers.get("accept-language", ""))


async def _preflight(inboxes: Inboxes, method: str, request: Request) -> Response:
    """Tell a browser whether a website may call. The call itself shows with which token."""
    inboxes.limits.count_file(client_address(request.scope))
    origin = request.headers.get("origin")
    if origin is None:
        return options([method])
    if not await inboxes.user_tokens.may_call(origin):
        return problem_response(problems.ORIGIN_REFUSED, language_for(request))
    return Response(
        status_code=204,
        headers={
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": "authorization, content-type, accept-language",
            "access-control-max-age": "600",
            "vary": "Origin",
        },
    )


def token_of(request: Request) -> str:
    """Return a request's user token, "" without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        # Browsers cannot set headers for a stream. Elsewhere the URL is refused: URLs end up in logs and histories.
        token = request.query_params.get("token", "") if request.scope["path"].endswith(_STREAM) else ""
    return token.strip()


async def _counted_viewer(inboxes: Inboxes, request: Request) -> Viewer:
    """Return the viewer and count the request as the user's. Without a valid token, count it as the address's."""
    try:
        check_address(request.scope)
        viewer = await _viewer(inboxes, request)
    except Refusal as refusal:
        if refusal.reason is not Reason.DATABASE_UNAVAILABLE:
            inboxes.limits.count_address(client_address(request.scope))
        raise
    except ProblemError:
        inboxes.limits.count_address(client_address(request.scope))
        raise
    inboxes.limits.count_user(viewer.recipient)
    origin = request.headers.get("origin")
    if origin and not _may_use(request, viewer, origin):
        raise ProblemError(problems.ORIGIN_REFUSED)
    return viewer


async def _viewer(inboxes: Inboxes, request: Request) -> Viewer:
    token = token_of(request)
    if not token:
        raise ProblemError(problems.TOKEN_MISSING)
    try:
        return await inboxes.user_tokens.viewer(token)
    except UserTokenError as error:
        raise ProblemError(problems.TOKEN_EXPIRED if error.expired else problems.TOKEN_INVALID) from None


def _may_use(request: Request, viewer: Viewer, origin: str) -> bool:
    return is_same_site(request) or origin in viewer.origins


async def body_of(request: Request) -> bytes:
    """Return the request body. Raises the problem TOO_LARGE over 64 KiB."""
    try:
        return await edge.read_body(request.receive, _MAX_BODY)
    except BodyTooLargeError:
        raise ProblemError(problems.TOO_LARGE) from None
