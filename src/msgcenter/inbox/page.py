"""The inbox page, the files of the component, and the answers at other addresses."""

from collections.abc import Sequence
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Refusal
from msgcenter.inbox import problems
from msgcenter.inbox.endpoint import Inboxes, Page, language_for
from msgcenter.inbox.files import early_script_source, inbox_document, inbox_files
from msgcenter.inbox.problems import Problem, ProblemError, problem_of, problem_response
from msgcenter.inbox.small_page import small_page
from msgcenter.web.addresses import check_address
from msgcenter.web.base_path import root_of
from msgcenter.web.edge import client_address
from msgcenter.web.endpoint import AnyMethod, allow, options

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src https: http: data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
)
_FOR_ANY_WEBSITE = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
_BACK = Phrase("打开消息中心", "Open the inbox")


def plain(inboxes: Inboxes, respond: Page, *, methods: Sequence[str] = ("GET",), is_file: bool = False) -> AnyMethod:
    """Return the ASGI application of a public page, call or file, whose requests are counted by client address.

    Errors are HTML for browsers, problems for other clients.
    """

    async def answer(request: Request) -> Response:
        try:
            if is_file:
                inboxes.limits.count_file(client_address(request.scope))
            else:
                await inboxes.limits.count_address(client_address(request.scope))
            check_address(request.scope)
            if request.method == "OPTIONS":
                return options(methods)
            if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
                raise problems.wrong_method(", ".join(methods))
            return await respond(request)
        except Exception as error:
            return _error(request, problem_of(error, "an inbox page failed", request.scope["path"]), methods)

    return AnyMethod(answer)


def inbox_page(inboxes: Inboxes) -> Page:
    """Return the page at `/inbox`.

    Its Content-Security-Policy lets the websites of one app show it in a frame: of the app in the address (`?app=`), or
    of the website in the Referer. The page then checks its own token with the call `framing`.
    """
    document = inbox_document()
    policy = _POLICY.replace("script-src 'self'", f"script-src 'self' {early_script_source()}")

    async def respond(request: Request) -> Response:
        try:
            origins = await _frames(inboxes.user_tokens, request)
        except Refusal:
            origins = ()  # the page shows the error when it loads its data
        headers = {
            "content-security-policy": policy + " ".join(["'self'", *sorted(origins)]),
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }
        return document.response(request, headers, "text/html")

    return respond


async def _frames(user_tokens: UserTokens, request: Request) -> tuple[str, ...]:
    app_id = request.query_params.get("app", "")
    if app_id:
        return await user_tokens.frames_of(app_id)
    referrer = request.headers.get("referer", "")
    origin = "/".join(referrer.split("/", 3)[:3])
    return (origin,) if origin and await user_tokens.may_frame(origin) else ()


def component_file() -> Page:
    """Return the files of the component. Any website may load them: they are code without data."""
    static = inbox_files()

    async def respond(request: Request) -> Response:
        name = request.path_params["name"]
        if not name:
            return RedirectResponse("../inbox", 307)
        response = static.response(name, request, _FOR_ANY_WEBSITE)
        if response is None:
            raise ProblemError(problems.NO_SUCH_PATH)
        return response

    return respond


async def unknown_call(_: Request) -> Response:
    """Refuse a call that the API does not have."""
    raise ProblemError(problems.NO_SUCH_PATH)


def _error(request: Request, problem: Problem, methods: Sequence[str]) -> Response:
    language = language_for(request)
    if "text/html" not in request.headers.get("accept", ""):
        response = problem_response(problem, language)
    else:
        detail, back = problem.detail.in_language(language), _BACK.in_language(language)
        link = f'<p><a href="{escape(root_of(request.scope))}/inbox">{back}</a></p>'
        response = small_page(request, language, detail[:1].upper() + detail[1:], link, status=problem.status)
        if problem.status in {429, 503}:
            response.headers["retry-after"] = str(problem.seconds or 1)
    if problem.status == 405:
        response.headers.update(allow(methods))
    response.headers["cache-control"] = "no-store"
    return response
