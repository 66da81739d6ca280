"""One request for a page: the browser's request, the person behind it, the language, and the submitted form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from msgcenter.actions.portal.logins import ActiveSession, Browser
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.portal.cookies import DEVICE_COOKIE, SESSION_COOKIE
from msgcenter.store.apps.apps import AppRecord
from msgcenter.web.base_path import own_path, root_of
from msgcenter.web.edge import client_address, read_body

MAX_FORM = 256 * 1_024
MAX_ANONYMOUS_FORM = 16 * 1_024
"""Largest form in bytes: of a person who is logged in, and of everybody else."""
MAX_NUMBER = (1 << 31) - 1
"""The largest number of a person, a request or an announcement."""
_NOT_REPEATED = {"lang", "theme", "done"}
"""Query parameters that act once, so no link repeats them."""
LANGUAGES = ("zh", "en")
THEMES = ("auto", "light", "dark")


class Form(dict[str, str]):
    """The fields of a form, trimmed except for passwords. A field that was not sent is ""."""

    def __missing__(self, name: str) -> str:
        return ""

    def lines(self, name: str) -> list[str]:
        """Return the lines of a text area that are not blank."""
        return [line.strip() for line in self[name].splitlines() if line.strip()]


@dataclass(frozen=True)
class PageRequest:
    """A request for a page. Each step of the edge returns a new one that knows more.

    `session` is None for an anonymous visitor, `app` is the app named in the path, `form` the submitted fields, `error`
    the refusal of that form, and `csrf` the token that forms on the page carry ("" if the browser has no cookie yet).
    """

    http: Request
    cookies: Mapping[str, str]
    language: Language
    theme: str
    session: ActiveSession | None = None
    app: AppRecord | None = None
    form: Form = field(default_factory=Form)
    error: Refusal | None = None
    csrf: str = ""

    @property
    def required_session(self) -> ActiveSession:
        """The session, for pages that only people who are logged in can open."""
        assert self.session is not None
        return self.session

    @property
    def person(self) -> Person:
        """The person who is logged in, for pages that only such people can open."""
        return self.required_session.person

    @property
    def required_app(self) -> AppRecord:
        """The app named in the path, for pages of one app."""
        assert self.app is not None
        return self.app

    @property
    def app_id(self) -> str:
        """The appId of the app named in the path."""
        return self.required_app.app.app_id

    @property
    def actor(self) -> Actor:
        """The person as the audit log names them."""
        return Actor("person", self.person.login, self.address)

    @property
    def address(self) -> str:
        """The client's network address."""
        return client_address(self.http.scope)

    @property
    def root(self) -> str:
        """The base path in front of every page, "" for none."""
        return root_of(self.http.scope)

    @property
    def path(self) -> str:
        """The path of the page, without the base path."""
        return own_path(self.http.scope)

    @property
    def server(self) -> str:
        """The server's URL as the browser knows it, without a slash at the end."""
        return str(self.http.base_url).rstrip("/")

    @property
    def session_token(self) -> str:
        """The session cookie, "" if there is none."""
        return self.cookies.get(SESSION_COOKIE, "")

    @property
    def browser(self) -> Browser:
        """The browser that a login comes from."""
        agent = self.http.headers.get("user-agent", "").replace("\0", "")
        return Browser(self.address, agent, self.cookies.get(DEVICE_COOKIE, ""))

    @property
    def is_from_script(self) -> bool:
        """Whether one of the portal's own scripts makes the request. They send the CSRF token in a header."""
        return bool(self.http.headers.get("x-csrf-token"))

    @property
    def keeps_cookies(self) -> bool:
        """Whether a browser keeps the portal's secure cookies: over https, or on its own machine."""
        base = self.http.base_url
        host = (base.hostname or "").strip("[]")
        return base.scheme == "https" or host in {"localhost", "127.0.0.1", "::1"}

    def path_part(self, name: str) -> str:
        """Return a parameter of the path."""
        value: str = self.http.path_params[name]
        return value

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the query, trimmed."""
        return self.http.query_params.get(name, default).replace("\0", "").strip()

    def with_query(self, **changes: object) -> str:
        """Return this page's query string with some parameters changed; a parameter that is "" is left out."""
        parameters = {**self.http.query_params, **changes}
        kept = {name: value for name, value in parameters.items() if value != "" and name not in _NOT_REPEATED}
        return urlencode(kept)


def page_request_of(http: Request) -> PageRequest:
    """Return the page request of a browser's request, with nobody logged in yet.

    The language is that of `?lang=`, of the cookie, or of Accept-Language, in this order.
    """
    cookies = http.cookies
    chosen = http.query_params.get("lang") or cookies.get("lang", "")
    language: Language = language_of(http.headers.get("accept-language", ""))
    if chosen in LANGUAGES:
        language = "en" if chosen == "en" else "zh"
    theme = http.query_params.get("theme") or cookies.get("theme", "")
    return PageRequest(http, cookies, language, theme if theme in THEMES else "auto")


def whole_number(text: str, highest: int = MAX_NUMBER) -> int | None:
    """Return the decimal number in `text`; None if it is not a number from 0 to `highest`."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(highest))):
        return None
    return number if (number := int(text)) <= highest else None


async def read_form(http: Request, max_bytes: int = MAX_FORM) -> Form:
    """Return the fields of a submitted form.

    Raises BodyTooLargeError or ClientGoneError. Refuses with BODY_NOT_AN_OBJECT a body that is not a form in UTF-8.
    """
    body = await read_body(http.receive, max_bytes)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=500)
    except ValueError:
        raise Refusal(Reason.BODY_NOT_AN_OBJECT) from None
    form = Form()
    for name, value in pairs:
        clean = value.replace("\0", "").replace("\r\n", "\n")
        form[name] = clean if "password" in name else clean.strip()
    return form
