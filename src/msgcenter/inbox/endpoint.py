"""A call of the inbox API: its user token, the website it comes from, and the headers and errors of its answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import Literal

from msgspec import Struct
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from msgcenter.actions.channels.preferences import UserPreferences
from msgcenter.actions.channels.subscriptions import PushSubscriptions
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_links import InboxLinks
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, UserTokens, Viewer
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.inbox import problems
from msgcenter.inbox.call import Call
from msgcenter.inbox.problems import ProblemError, problem_of, problem_response
from msgcenter.live.hub import Hub
from msgcenter.web.addresses import check_address
from msgcenter.web.edge import ClientGoneError, client_address
from msgcenter.web.endpoint import allow, options
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.request_id import begin_request
from msgcenter.web.same_site import is_same_site

_STREAM = "/stream"


@dataclass(frozen=True)
class Inboxes:
    """What the endpoints of the inbox share."""

    inbox: Inbox
    user_tokens: UserTokens
    hub: Hub
    push: PushSubscriptions
    preferences: UserPreferences
    links: InboxLinks
    requests: RequestLog = field(default_factory=RequestLog)
    limits: RequestLimits = field(default_factory=RequestLimits)


RawHeaders = Sequence[tuple[bytes, bytes]]
_NOT_KEPT: RawHeaders = [(b"cache-control", b"no-store")]


class LeanResponse(Response):
    """A response made in a fraction of the time that Starlette's initialisation takes.

    `headers` say whether it may be kept; unless they are given, it may not.
    """

    def __init__(self, body: bytes, headers: RawHeaders = _NOT_KEPT, status: int = 200) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [*headers]
        if status != HTTPStatus.NOT_MODIFIED:
            self.raw_headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]


Method = Literal["GET", "POST", "PUT"]
Handler = Callable[[Inboxes, Call, Viewer], Awaitable[Struct | Response]]
Page = Callable[[Request], Awaitable[Response]]


class Endpoint:
    """The ASGI application of a path: checks the token, calls the method's handler, and adds headers or the error."""

    def __init__(self, inboxes: Inboxes, handlers: Mapping[Method, Handler]) -> None:
        self._inboxes = inboxes
        self._methods = tuple(handlers)
        self._handlers: dict[str, Handler] = dict(handlers.items())
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        call = Call(scope, receive)
        request_id = begin_request(call.headers.get(b"x-request-id"))
        try:
            response = await self._answer(call)
        except ClientGoneError:
            response = Response(status_code=400)
        response.raw_headers.append((b"x-request-id", request_id))
        self._inboxes.requests.answered(
            perf_counter() - began, inbox=call.route, method=call.method, status=response.status_code
        )
        await response(scope, receive, send)

    async def _answer(self, call: Call) -> Response:
        inboxes = self._inboxes
        viewer: Viewer | None = None
        headers = {}
        try:
            if call.method == "OPTIONS":
                return await _preflight(inboxes, self._methods, call)
            handler = self._handlers.get(call.method)
            if handler is None:
                await inboxes.limits.count_address(client_address(call.scope))
                headers = allow(self._methods)
                raise problems.wrong_method(", ".join(self._methods))
            viewer = await _counted_viewer(inboxes, call)
            result = await handler(inboxes, call, viewer)
            response = result if isinstance(result, Response) else LeanResponse(encode(result))
        except ClientGoneError:
            raise
        except Exception as error:
            problem = problem_of(error, "an inbox call failed", call.route)
            response = problem_response(problem, language_for(call.request))
        if not isinstance(response, LeanResponse):
            response.headers.update(headers)
            response.headers.setdefault("cache-control", "no-store")
        origin = call.header(b"origin")
        if origin:
            response.headers.setdefault("vary", "Origin")
            # An error before the viewer is known reveals nothing, and every website should be able to read it.
            if viewer is None or _may_use(call, viewer, origin):
                response.headers["access-control-allow-origin"] = origin
                response.headers["access-control-expose-headers"] = "x-request-id, retry-after, etag"
        return response


def language_for(request: Request) -> Language:
    """Return the language of an answer's texts."""
    return language_of(request.headers.get("accept-language", ""))


async def _preflight(inboxes: Inboxes, methods: Sequence[str], call: Call) -> Response:
    """Tell a browser whether a website may call. The call itself shows with which token."""
    inboxes.limits.count_file(client_address(call.scope))
    if b"origin" not in call.headers:
        return options(methods)
    origin = call.header(b"origin")
    if not await inboxes.user_tokens.may_call(origin):
        return problem_response(problems.ORIGIN_REFUSED, language_for(call.request))
    return Response(
        status_code=204,
        headers={
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "GET, POST, PUT",
            "access-control-allow-headers": "authorization, content-type, accept-language, if-none-match",
            "access-control-max-age": "600",
            "vary": "Origin",
        },
    )


def token_of(call: Call) -> str:
    """Return a call's user token, "" without one."""
    scheme, _, token = call.header(b"authorization").partition(" ")
    if scheme.lower() != "bearer":
        # Browsers cannot set headers for a stream. Elsewhere the URL is refused: URLs end up in logs and histories.
        token = call.query.get("token", "") if call.scope["path"].endswith(_STREAM) else ""
    return token.strip()


async def _counted_viewer(inboxes: Inboxes, call: Call) -> Viewer:
    """Return the viewer and count the request as the user's. Without a valid token, count it as the address's."""
    try:
        check_address(call.scope)
        viewer = await _viewer(inboxes, call)
    except Refusal as refusal:
        if refusal.reason is not Reason.DATABASE_UNAVAILABLE:
            await inboxes.limits.count_address(client_address(call.scope))
        raise
    except ProblemError:
        await inboxes.limits.count_address(client_address(call.scope))
        raise
    await inboxes.limits.count_user(viewer.recipient)
    origin = call.header(b"origin")
    if origin and not _may_use(call, viewer, origin):
        raise ProblemError(problems.ORIGIN_REFUSED)
    return viewer


async def _viewer(inboxes: Inboxes, call: Call) -> Viewer:
    token = token_of(call)
    if not token:
        raise ProblemError(problems.TOKEN_MISSING)
    try:
        return await inboxes.user_tokens.viewer(token)
    except UserTokenError as error:
        raise ProblemError(problems.TOKEN_EXPIRED if error.expired else problems.TOKEN_INVALID) from None


def _may_use(call: Call, viewer: Viewer, origin: str) -> bool:
    return is_same_site(call.request) or origin in viewer.origins
