"""What the pages of the portal have in common: the actions behind them, and how a request becomes a page."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.apps.statistics import Statistics
from msgcenter.actions.apps.team import Team
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.audit_log import AuditLog
from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.actions.portal.logins import SESSION_MS, Logins
from msgcenter.actions.portal.operators import Operators
from msgcenter.actions.portal.people import People
from msgcenter.actions.webhooks.webhooks import Webhooks
from msgcenter.domain.api_reference import CallReference
from msgcenter.domain.content import Body
from msgcenter.domain.person import Due
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.monitor.health import Health
from msgcenter.portal.render import Templates
from msgcenter.portal.visitor import (
    MAX_FORM,
    MAX_STRANGERS_FORM,
    SESSION_COOKIE,
    THEMES,
    VISITOR_COOKIE,
    TooMuchError,
    Visitor,
    csrf_token,
    read_form,
    visitor_of,
)
from msgcenter.web.addresses import check_address, without_address
from msgcenter.web.endpoint import allow, options
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.request_id import begin_request
from msgcenter.web.same_site import is_same_site

_log = structlog.get_logger(__name__)
HOME = "/portal"
DUE_PAGES: dict[Due, str] = {"password": "/account/new-password", "second_factor": "/account/second-factor"}
Access = Literal["public", "person", "member", "operator"]
"""Who may see a page: anybody; anybody who is logged in; who looks after the app of the path; operators.

Operators may see every page.
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http: data:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_YEAR = 365 * 86_400
_IN_PATHS = "/:@!$&'()*+,;="
BodyIn = Callable[[bytes], Body]


@dataclass(frozen=True)
class Portal:
    """What the pages do, and what they describe. `rate_limit` is calls per second for each app and API.

    `body_in` reads what the body of a sendMsg call says, with the very rules of that call.
    """

    logins: Logins
    people: People
    operators: Operators
    apps: Apps
    team: Team
    audit_log: AuditLog
    platforms: Platforms
    tokens: Tokens
    user_tokens: UserTokens
    statistics: Statistics
    message_log: MessageLog
    message_statuses: MessageStatuses
    sent_messages: SentMessages
    webhooks: Webhooks
    templates: Templates
    csrf_key: bytes
    reference: Sequence[CallReference]
    rate_limit: int
    announcements: Announcements
    permissions: Permissions
    body_in: BodyIn
    health: Health
    requests: RequestLog
    limits: RequestLimits = field(default_factory=RequestLimits)

    @property
    def api_names(self) -> list[str]:
        """The names of the calls that apps make with a token."""
        return [call.name for call in self.reference if call.needs_token]

    def page(self, visitor: Visitor, template: str, status: int = 200, **values: Any) -> Response:
        """Return a rendered page."""
        if visitor.error is not None and status == 200:
            status = 422
        return self.templates.response(visitor, template, status, values)


Handler = Callable[[Portal, Visitor], Awaitable[Response]]


@dataclass(frozen=True)
class Page:
    """A URL of the portal: how it is asked for, who may, and what answers.

    When a form is refused, `again` shows it once more, with what was typed and `visitor.error`. `for_due` pages are
    there for whoever has to change a one-time password or set the second factor up: nothing else is, until then.
    """

    method: Literal["GET", "POST"]
    path: str
    access: Access
    handle: Handler
    again: Handler | None = None
    for_due: bool = False


ANY_METHOD = "*"


class PageEndpoint:
    """Answers the requests for one path: `pages` by their methods, or one for all methods under ANY_METHOD."""

    def __init__(self, portal: Portal, pages: Mapping[str, Page]) -> None:
        self._portal = portal
        self._pages = pages

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        began = perf_counter()
        request_id = begin_request(request.headers.get("x-request-id", "").encode("latin-1")).decode()
        path = HOME + next(iter(self._pages.values())).path
        try:
            check_address(request.scope)
        except Refusal as refusal:
            response = self.refuse(request, refusal)
        else:
            visitor = visitor_of(request)
            response = _finished(visitor, await self._answer(visitor, path, request_id))
        response.headers["x-request-id"] = request_id
        took = perf_counter() - began
        self._portal.requests.answered(took, page=path, method=request.method, status=response.status_code)
        return response

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """Return the answer to a request that is refused before anything of it is taken apart."""
        visitor = visitor_of(Request(without_address(request.scope)))
        if refusal.reason is not Reason.RATE_EXCEEDED:
            try:
                self._portal.limits.count_address(visitor.address)
            except Refusal as too_often:
                refusal = too_often
        return _finished(visitor, self._refused(visitor, refusal, 400))

    async def _answer(self, visitor: Visitor, path: str, request_id: str) -> Response:
        method = visitor.request.method
        page = self._pages.get("GET" if method == "HEAD" else method) or self._pages.get(ANY_METHOD)
        try:
            if page is None:
                return self._other_method(visitor)
            return await self._respond(page, visitor)
        except Refusal as refusal:
            return self._refused(visitor, refusal)
        except TooMuchError:
            most = (MAX_FORM if visitor.visit else MAX_STRANGERS_FORM) >> 10
            return self._portal.page(visitor, "error.html", 413, problem="too_large", most=most)
        except Exception:
            # Not the address itself: that of an invitation is a secret.
            _log.exception("a page failed", path=path)
            return self._portal.page(visitor, "error.html", 500, problem="internal", number=request_id)

    def _other_method(self, visitor: Visitor) -> Response:
        self._portal.limits.count_address(visitor.address)
        if visitor.request.method == "OPTIONS":
            return options(self._pages)
        response = self._portal.page(visitor, "error.html", 405, problem="wrong_method")
        response.headers.update(allow(self._pages))
        return response

    async def _respond(self, page: Page, visitor: Visitor) -> Response:
        portal = self._portal
        token = visitor.cookies.get(SESSION_COOKIE, "")
        if token:
            visitor.visit = await portal.logins.find_session(token, visitor.address)
        if visitor.visit is None:
            portal.limits.count_address(visitor.address)
        else:
            portal.limits.count_user(visitor.person.number)
        secret = token if visitor.visit else visitor.cookies.get(VISITOR_COOKIE, "")
        visitor.csrf = csrf_token(portal.csrf_key, secret) if secret else ""
        if visitor.visit is not None and visitor.visit.due is not None and not page.for_due:
            return self._due(page, visitor, visitor.visit.due)
        if page.access != "public" and visitor.visit is None:
            if page.method == "POST" or visitor.request.headers.get("x-csrf-token"):
                return portal.page(visitor, "error.html", 401, problem="logged_out")
            return _to_login(visitor)
        if page.access == "operator" and not visitor.person.is_operator:
            return portal.page(visitor, "error.html", 403, problem="operators_only")
        if page.method == "POST":
            visitor.form = await read_form(visitor.request, MAX_FORM if visitor.visit else MAX_STRANGERS_FORM)
            given = visitor.request.headers.get("x-csrf-token") or visitor.form["csrf"]
            if not (secret and hmac.compare_digest(given.encode(), visitor.csrf.encode())) or not is_same_site(
                visitor.request
            ):
                return portal.page(visitor, "error.html", 403, problem="csrf")
        if "app_id" in visitor.request.path_params:
            visitor.app = await portal.team.app_for(visitor.person, visitor.request.path_params["app_id"])
        try:
            return await page.handle(portal, visitor)
        except Refusal as refusal:
            if page.again is None or refusal.reason in {Reason.APP_UNKNOWN, Reason.DATABASE_UNAVAILABLE}:
                raise
            visitor.error = refusal
            return await page.again(portal, visitor)

    def _due(self, page: Page, visitor: Visitor, due: Due) -> Response:
        """Lead to what has to be done first; a form is not taken."""
        path = DUE_PAGES[due]
        if page.method == "POST" or visitor.request.headers.get("x-csrf-token"):
            return self._portal.page(visitor, "error.html", 403, problem="due", path_due=HOME + path)
        return see_other(path)

    def _refused(self, visitor: Visitor, refusal: Refusal, status: int = 422) -> Response:
        if refusal.reason in {Reason.APP_UNKNOWN, Reason.MESSAGE_UNKNOWN, Reason.WEBHOOK_UNKNOWN}:
            return self._portal.page(visitor, "error.html", 404, problem="not_found")
        if refusal.reason is Reason.RATE_EXCEEDED:
            return self._too_often(visitor, refusal)
        if refusal.reason is Reason.DATABASE_UNAVAILABLE:
            status = 503
        said = refusal.describe(visitor.language)
        return self._portal.page(visitor, "error.html", status, problem="refused", said=said)

    def _too_often(self, visitor: Visitor, refusal: Refusal) -> Response:
        seconds = refusal.data["seconds"]
        if visitor.request.headers.get("x-csrf-token"):  # one of our own scripts, which shows what it is told
            response: Response = JSONResponse({"error": refusal.describe(visitor.language)}, 429)
        else:
            response = self._portal.page(visitor, "error.html", 429, problem="too_often", seconds=seconds)
        response.headers["retry-after"] = str(seconds)
        return response


def _to_login(visitor: Visitor) -> Response:
    query = visitor.request.scope["query_string"]
    # Spelt as an address is: a header takes no other characters.
    wanted = quote(visitor.path, safe=_IN_PATHS) + ("?" if query else "")
    wanted += quote(query, safe=_IN_PATHS + "%?")
    response = RedirectResponse(f"{HOME}/login", 303)
    if wanted not in {HOME, f"{HOME}/"}:
        response.set_cookie("next", wanted[:500], max_age=600, path=visitor.root + HOME, samesite="lax", httponly=True)
    return response


def _finished(visitor: Visitor, response: Response) -> Response:
    """Put under the base path where the answer leads to, and add the headers and cookies that all pages have."""
    if response.headers.get("location", "").startswith("/"):
        response.headers["location"] = visitor.root + response.headers["location"]
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    for name, allowed in (("lang", ("zh", "en")), ("theme", THEMES)):
        chosen = visitor.request.query_params.get(name, "")
        if chosen in allowed:
            response.set_cookie(name, chosen, max_age=_YEAR, path=visitor.root or "/", samesite="lax", httponly=True)
    if not visitor.cookies.get(VISITOR_COOKIE) and visitor.request.scope.get("portal.visitor"):
        secret = visitor.request.scope["portal.visitor"]
        set_secret(response, VISITOR_COOKIE, secret, None)
    return response


def set_secret(response: Response, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie that no script and no other site sees; `seconds` None: until the browser is closed.

    The prefix __Host- keeps sites of the same domain from setting it. It demands the path "/", also under a base path.
    """
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def csrf_of(portal: Portal, visitor: Visitor) -> str:
    """Return the token for a form; a visitor without a cookie gets one with this very page."""
    if not visitor.csrf:
        secret = secrets.token_hex(16)
        visitor.request.scope["portal.visitor"] = secret
        visitor.csrf = csrf_token(portal.csrf_key, secret)
    return visitor.csrf


def see_other(path: str, done: str = "") -> Response:
    """Return the answer to a form that was taken: where to look now, and what was done (`messages.DONE`)."""
    return RedirectResponse(f"{HOME}{path}{f'?done={done}' if done else ''}", 303)


SESSION_SECONDS = SESSION_MS // 1_000
