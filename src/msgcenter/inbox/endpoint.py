"""Who asks: the user token, the website it is used on, and the shape of every answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import structlog
from msgspec import Struct
from msgspec.json import encode
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, UserTokens, Viewer
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.inbox import problems
from msgcenter.inbox.problems import ProblemError, problem_of, problem_response
from msgcenter.live.hub import Hub
from msgcenter.web.addresses import check_address
from msgcenter.web.endpoint import AnyMethod, allow, client_address, options
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.request_id import begin_request
from msgcenter.web.same_site import is_same_site

_log = structlog.get_logger(__name__)
_MAX_BODY = 64 << 10


@dataclass(frozen=True)
class Inboxes:
    """What the inbox's endpoints share."""

    inbox: Inbox
    user_tokens: UserTokens
    hub: Hub
    requests: RequestLog = field(default_factory=RequestLog)
    limits: RequestLimits = field(default_factory=RequestLimits)


Handler = Callable[[Inboxes, Request, Viewer], Awaitable[Struct | Response]]
Page = Callable[[Request], Awaitable[Response]]


def endpoint(inboxes: Inboxes, method: Literal["GET", "POST"], handler: Handler) -> AnyMethod:
    """Return the application around a handler: the token before it, the headers and errors after it."""

    async def respond(request: Request) -> Response:
        began = perf_counter()
        request_id = begin_request(request.headers.get("x-request-id", "").encode("latin-1")).decode()
        response = await _answer(inboxes, method, handler, request)
        response.headers["x-request-id"] = request_id
        inboxes.requests.answered(
            perf_counter() - began, inbox=_route_of(request), method=request.method, status=response.status_code
        )
        return response

    return AnyMethod(respond)


async def _answer(inboxes: Inboxes, method: str, handler: Handler, request: Request) -> Response:
    viewer: Viewer | None = None
    headers = {}
    try:
        if request.method == "OPTIONS":
            return await _preflight(inboxes, method, request)
        if request.method not in _TAKEN[method]:
            inboxes.limits.count_address(client_address(request))
            headers = allow([method])
            raise problems.wrong_method(method)
        viewer = await _counted_viewer(inboxes, request)
        told = await handler(inboxes, request, viewer)
        response = told if isinstance(told, Response) else Response(encode(told), media_type=_JSON)
    except ProblemError as error:
        response = problem_response(error.problem, language_for(request))
    except Refusal as refusal:
        response = problem_response(problem_of(refusal), language_for(request))
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        _log.exception("an inbox call failed", path=_route_of(request))
        response = problem_response(problems.INTERNAL, language_for(request))
    response.headers.update(headers)
    response.headers.setdefault("cache-control", "no-store")
    origin = request.headers.get("origin")
    if origin:
        response.headers["vary"] = "Origin"
        # An error without a viewer says nothing about anybody, and the website should be able to read it.
        if viewer is None or _may_use(request, viewer, origin):
            response.headers["access-control-allow-origin"] = origin
            response.headers["access-control-expose-headers"] = "x-request-id, retry-after"
    return response


_TAKEN = {"GET": {"GET", "HEAD"}, "POST": {"POST"}}
_JSON = "application/json"
_STREAM = "/stream"


def _route_of(request: Request) -> str:
    """Return the route that a request has taken: a path names nobody's message."""
    return str(getattr(request.scope.get("route"), "path", request.scope["path"]))


def language_for(request: Request) -> Language:
    """Return the language of an answer's texts."""
    return language_of(request.headers.get("accept-language", ""))


async def _preflight(inboxes: Inboxes, method: str, request: Request) -> Response:
    """Let a browser ask whether a website may call; which token it has is seen when it does."""
    inboxes.limits.count_file(client_address(request))
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
    """Return a request's user token, "" if it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        # Only where a browser cannot set headers: addresses end up in logs and histories.
        token = request.query_params.get("token", "") if request.scope["path"].endswith(_STREAM) else ""
    return token.strip()


async def _counted_viewer(inboxes: Inboxes, request: Request) -> Viewer:
    """Return who asks, counted as the user; count against the address whoever is not known by a token."""
    try:
        check_address(request.scope)
        viewer = await _viewer(inboxes, request)
    except Refusal as refusal:
        if refusal.reason is not Reason.DATABASE_UNAVAILABLE:
            inboxes.limits.count_address(client_address(request))
        raise
    except ProblemError:
        inboxes.limits.count_address(client_address(request))
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
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_BODY:
            raise ProblemError(problems.TOO_LARGE)
        chunks.append(chunk)
    return b"".join(chunks)
