"""The way of every page: identify the person, check permission and form token, call the handler, render its view."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from msgcenter.actions.apps.team import Team
from msgcenter.actions.portal.logins import Logins
from msgcenter.domain.person import Due
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.portal.cookies import VISITOR_COOKIE, YEAR_SECONDS, csrf_token, set_secret, with_session
from msgcenter.portal.page import DUE_PAGES, HOME, Answer, BoundPage, View, see_other
from msgcenter.portal.page_request import (
    LANGUAGES,
    MAX_ANONYMOUS_FORM,
    MAX_FORM,
    THEMES,
    PageRequest,
    page_request_of,
    read_form,
)
from msgcenter.portal.render import Templates
from msgcenter.web import edge as web_edge
from msgcenter.web.addresses import check_address, without_address
from msgcenter.web.compressed import compress_page
from msgcenter.web.endpoint import allow, options
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.request_id import current_request_id
from msgcenter.web.same_site import is_same_site

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
_SAFE_IN_PATHS = "/:@!$&'()*+,;="
_NOT_FOUND = {Reason.APP_UNKNOWN, Reason.MESSAGE_UNKNOWN, Reason.WEBHOOK_UNKNOWN, Reason.ORGANISATION_UNKNOWN}
ANY_METHOD = "*"


@dataclass(frozen=True)
class PortalEdge:
    """What all pages share: who is logged in, who belongs to which app, templates, form tokens, limits and log."""

    logins: Logins
    team: Team
    templates: Templates
    csrf_key: bytes
    request_log: RequestLog
    limits: RequestLimits = field(default_factory=RequestLimits)

    async def identify(self, request: PageRequest) -> PageRequest:
        """Return the request with its session and the token for its forms."""
        token = request.session_token
        session = await self.logins.find_session(token, request.address) if token else None
        secret = token if session else request.cookies.get(VISITOR_COOKIE, "")
        return replace(request, session=session, csrf=csrf_token(self.csrf_key, secret) if secret else "")

    async def count(self, request: PageRequest) -> None:
        """Count a request of its person, or else of its address. Refuses with RATE_EXCEEDED."""
        if request.session is None:
            await self.limits.count_address(request.address)
        else:
            await self.limits.count_user(request.person.number)

    async def with_form(self, request: PageRequest) -> PageRequest:
        """Return the request with its form. Raises BodyTooLargeError; refuses with BODY_NOT_AN_OBJECT."""
        return replace(request, form=await read_form(request.http, MAX_FORM if request.session else MAX_ANONYMOUS_FORM))

    async def with_app(self, request: PageRequest) -> PageRequest:
        """Return the request with the app named in its path. Refuses with APP_UNKNOWN if the person is not a member."""
        app_id = request.http.path_params.get("app_id")
        if app_id is None:
            return request
        return replace(request, app=await self.team.app_for(request.person, app_id))

    def render(self, request: PageRequest, view: View) -> Response:
        """Return the page of a view. Its status is 422 if it shows why a form was refused."""
        csrf, new_secret = request.csrf, None
        if view.session is not None:
            csrf = csrf_token(self.csrf_key, view.session.token)
        elif view.has_public_form and not csrf:
            new_secret = secrets.token_hex(16)
            csrf = csrf_token(self.csrf_key, new_secret)
        shown = replace(
            request,
            app=view.app or request.app,
            form=request.form if view.form is None else view.form,
            error=view.error or request.error,
            csrf=csrf,
        )
        status = 422 if shown.error is not None and view.status == 200 else view.status
        response = self.templates.response(shown, view.template, status, view.values)
        if view.policy is not None:
            response.headers["content-security-policy"] = view.policy
        if new_secret is not None:
            set_secret(response, VISITOR_COOKIE, new_secret, None)
        return response if view.session is None else with_session(response, view.session)

    def error_page(self, request: PageRequest, status: int, problem: str, **values: object) -> Response:
        """Return a page that says what went wrong; `problem` selects the text in error.html."""
        return self.render(request, View("error.html", {"problem": problem, **values}, status))


class PageEndpoint:
    """Answers the requests for one path: `pages` by their methods, or one for all methods under ANY_METHOD."""

    def __init__(self, edge: PortalEdge, pages: Mapping[str, BoundPage]) -> None:
        self._edge = edge
        self._pages = pages
        self._path = HOME + next(iter(pages.values())).path

    async def __call__(self, http: Request) -> Response:
        """Answer a request."""
        return await web_edge.answer(http, self._respond, self._edge.request_log, page=self._path)

    async def _respond(self, http: Request) -> Response:
        try:
            check_address(http.scope)
        except Refusal as refusal:
            return await self.refuse(http, refusal)
        request = page_request_of(http)
        return _finished(request, await self._answer(request))

    async def refuse(self, http: Request, refusal: Refusal) -> Response:
        """Return the answer to a request that is refused before any of it is parsed."""
        request = page_request_of(Request(without_address(http.scope)))
        if refusal.reason is not Reason.RATE_EXCEEDED:
            try:
                await self._edge.limits.count_address(request.address)
            except Refusal as too_often:
                refusal = too_often
        return _finished(request, self._refused(request, refusal, 400))

    async def _answer(self, request: PageRequest) -> Response:
        edge, method = self._edge, request.http.method
        page = self._pages.get("GET" if method == "HEAD" else method) or self._pages.get(ANY_METHOD)
        try:
            if page is None:
                return await self._other_method(request)
            # The error pages below show as much of the request as is known by then.
            request = await edge.identify(request)
            await edge.count(request)
            if (denial := self._denied(page, request)) is not None:
                return denial
            if page.method == "POST":
                request = await edge.with_form(request)
                if not _has_form_token(request):
                    return edge.error_page(request, 403, "csrf")
            request = await edge.with_app(request)
            answer, request = await _handled(page, request)
            response = edge.render(request, answer) if isinstance(answer, View) else answer
            if _is_public(request, response):
                compress_page(request.http, response)
            return response
        except web_edge.ClientGoneError:
            raise
        except web_edge.BodyTooLargeError:
            max_kib = (MAX_FORM if request.session else MAX_ANONYMOUS_FORM) >> 10
            return edge.error_page(request, 413, "too_large", max_kib=max_kib)
        except Exception as error:
            # The route, not the path: the path of an invitation is a secret.
            return self._refused(request, web_edge.refusal_of(error, "a page failed", self._path))

    async def _other_method(self, request: PageRequest) -> Response:
        await self._edge.limits.count_address(request.address)
        if request.http.method == "OPTIONS":
            return options(self._pages)
        response = self._edge.error_page(request, 405, "wrong_method")
        response.headers.update(allow(self._pages))
        return response

    def _denied(self, page: BoundPage, request: PageRequest) -> Response | None:
        """Return the answer to a person who cannot open the page (now); None if they can."""
        edge, session = self._edge, request.session
        submits = page.method == "POST" or request.is_from_script
        if session is not None and session.due is not None and not page.for_due:
            return self._due(request, session.due, submits=submits)
        if page.access != "public" and session is None:
            return edge.error_page(request, 401, "logged_out") if submits else _to_login(request)
        if page.access == "operator" and not request.person.is_operator:
            return edge.error_page(request, 403, "operators_only")
        return None

    def _due(self, request: PageRequest, due: Due, *, submits: bool) -> Response:
        """Lead to what the person has to do first. A form is not accepted before."""
        path = DUE_PAGES[due]
        if submits:
            return self._edge.error_page(request, 403, "due", path_due=HOME + path)
        return see_other(path)

    def _refused(self, request: PageRequest, refusal: Refusal, status: int = 422) -> Response:
        if refusal.reason in _NOT_FOUND:
            return self._edge.error_page(request, 404, "not_found")
        if refusal.reason is Reason.RATE_EXCEEDED:
            return self._too_often(request, refusal)
        if refusal.reason is Reason.INTERNAL:
            return self._edge.error_page(request, 500, "internal", number=current_request_id.get().decode())
        if refusal.reason is Reason.DATABASE_UNAVAILABLE:
            status = 503
        return self._edge.error_page(request, status, "refused", reason=refusal.describe(request.language))

    def _too_often(self, request: PageRequest, refusal: Refusal) -> Response:
        seconds = refusal.data["seconds"]
        if request.is_from_script:
            response: Response = JSONResponse({"error": refusal.describe(request.language)}, 429)
        else:
            response = self._edge.error_page(request, 429, "too_often", seconds=seconds)
        response.headers["retry-after"] = str(seconds)
        return response


async def _handled(page: BoundPage, request: PageRequest) -> tuple[Answer, PageRequest]:
    """Return the answer, and the request that it answers: with its error if the form was refused."""
    try:
        return await page.handle(request), request
    except Refusal as refusal:
        if page.again is None or refusal.reason in {Reason.APP_UNKNOWN, Reason.DATABASE_UNAVAILABLE}:
            raise
        refused = replace(request, error=refusal)
    return await page.again(refused), refused


def _is_public(request: PageRequest, response: Response) -> bool:
    """Return whether a page has no secrets: no person is logged in, and there is no form token, old or new."""
    is_page = response.status_code == 200 and response.headers.get("content-type", "").startswith("text/html")
    return is_page and request.session is None and not request.csrf and "set-cookie" not in response.headers


def _has_form_token(request: PageRequest) -> bool:
    """Return whether a form carries the token of its browser's cookie and comes from one of our own pages."""
    token = request.http.headers.get("x-csrf-token") or request.form["csrf"]
    is_token = bool(request.csrf) and hmac.compare_digest(token.encode(), request.csrf.encode())
    return is_token and is_same_site(request.http)


def _to_login(request: PageRequest) -> Response:
    query = request.http.scope["query_string"]
    # Percent-encoded, since a header can hold ASCII only.
    target = quote(request.path, safe=_SAFE_IN_PATHS) + ("?" if query else "")
    target += quote(query, safe=_SAFE_IN_PATHS + "%?")
    response = RedirectResponse(f"{HOME}/login", 303)
    if target not in {HOME, f"{HOME}/"}:
        response.set_cookie("next", target[:500], max_age=600, path=request.root + HOME, samesite="lax", httponly=True)
    return response


def _finished(request: PageRequest, response: Response) -> Response:
    """Add the headers and cookies that all pages have, and the base path to a redirect."""
    if response.headers.get("location", "").startswith("/"):
        response.headers["location"] = request.root + response.headers["location"]
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    for name, allowed in (("lang", LANGUAGES), ("theme", THEMES)):
        chosen = request.http.query_params.get(name, "")
        if chosen in allowed:
            path = request.root or "/"
            response.set_cookie(name, chosen, max_age=YEAR_SECONDS, path=path, samesite="lax", httponly=True)
    return response
