"""Who asks for a page, in which language, with which form."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect, Request

from msgcenter.actions.portal.logins import ActiveSession, Browser
from msgcenter.domain.language import Language, language_of
from msgcenter.domain.person import Actor, Person
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.apps.apps import AppRecord
from msgcenter.web.base_path import own_path, root_of
from msgcenter.web.endpoint import client_address

SESSION_COOKIE = "__Host-session"
VISITOR_COOKIE = "__Host-visitor"
DEVICE_COOKIE = "__Host-device"
MAX_FORM = 256 * 1_024
MAX_STRANGERS_FORM = 16 * 1_024
"""Bytes of a form, of somebody who is logged in and of everybody else."""
LARGEST_NUMBER = (1 << 31) - 1
"""The numbers of people, requests and announcements end here."""
_ONCE = {"lang", "theme", "done"}
"""Parameters that say what to do now, and that no link repeats."""
THEMES = ("auto", "light", "dark")


class Form(dict[str, str]):
    """The fields of a form, trimmed except for secrets; a field that was not sent is ""."""

    def __missing__(self, name: str) -> str:
        return ""

    def lines(self, name: str) -> list[str]:
        """Return the lines of a text area that are not blank."""
        return [line.strip() for line in self[name].splitlines() if line.strip()]


class TooMuchError(Exception):
    """A form is larger than any of ours can be."""


@dataclass
class Visitor:
    """A request and who makes it. `app` is the app of the path, `error` what keeps the form from being taken."""

    request: Request
    cookies: Mapping[str, str]
    language: Language
    theme: str
    visit: ActiveSession | None = None
    app: AppRecord | None = None
    form: Form = field(default_factory=Form)
    error: Refusal | None = None
    csrf: str = ""

    @property
    def person(self) -> Person:
        """Who is logged in; only pages that need it ask."""
        assert self.visit is not None
        return self.visit.person

    @property
    def the_app(self) -> AppRecord:
        """The app of the path; only pages of apps ask."""
        assert self.app is not None
        return self.app

    @property
    def actor(self) -> Actor:
        """The visitor, for the audit log."""
        return Actor("person", self.person.login, self.address)

    @property
    def address(self) -> str:
        """The network address."""
        return client_address(self.request)

    @property
    def root(self) -> str:
        """The base path, "" for none: what stands before the path of every page."""
        return root_of(self.request.scope)

    @property
    def path(self) -> str:
        """The path of the page, without the base path."""
        return own_path(self.request.scope)

    @property
    def server(self) -> str:
        """The server's address as the visitor's browser knows it, without a slash at the end."""
        return str(self.request.base_url).rstrip("/")

    @property
    def browser(self) -> Browser:
        """Where a login comes from."""
        agent = self.request.headers.get("user-agent", "").replace("\0", "")
        return Browser(self.address, agent, self.cookies.get(DEVICE_COOKIE, ""))

    @property
    def is_safe(self) -> bool:
        """Whether a browser keeps our cookies: over https, or on its own machine."""
        base = self.request.base_url
        host = (base.hostname or "").strip("[]")
        return base.scheme == "https" or host in {"localhost", "127.0.0.1", "::1"}

    def text(self, zh: str, en: str) -> str:
        """Return the one of two texts that the visitor reads."""
        return en if self.language == "en" else zh

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the address."""
        return self.request.query_params.get(name, default).replace("\0", "").strip()

    def with_query(self, **changes: str) -> str:
        """Return the parameters of the address with some of them changed, or left out if they are ""."""
        asked = {**self.request.query_params, **changes}
        return urlencode({name: value for name, value in asked.items() if value and name not in _ONCE})


def visitor_of(request: Request) -> Visitor:
    """Return a request's visitor, not yet known by name."""
    cookies = request.cookies
    chosen = request.query_params.get("lang") or cookies.get("lang", "")
    language: Language = language_of(request.headers.get("accept-language", ""))
    if chosen in {"zh", "en"}:
        language = "en" if chosen == "en" else "zh"
    theme = request.query_params.get("theme") or cookies.get("theme", "")
    return Visitor(request, cookies, language, theme if theme in THEMES else "auto")


def whole_number(text: str, highest: int = LARGEST_NUMBER) -> int | None:
    """Return the number that a text of digits is, None if it is none from 0 to `highest`."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(highest))):
        return None
    return number if (number := int(text)) <= highest else None


async def read_form(request: Request, most_bytes: int = MAX_FORM) -> Form:
    """Return a form's fields. Raises TooMuchError; refuses with BODY_NOT_AN_OBJECT what is no form in UTF-8."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise TooMuchError
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=500)
    except (UnicodeDecodeError, ValueError, ClientDisconnect):
        raise Refusal(Reason.BODY_NOT_AN_OBJECT) from None
    form = Form()
    for name, value in pairs:
        clean = value.replace("\0", "").replace("\r\n", "\n")
        form[name] = clean if "password" in name else clean.strip()
    return form


def csrf_token(key: bytes, secret: str) -> str:
    """Return the token that belongs to a session's or a visitor's cookie."""
    return hmac.new(key, secret.encode(), "sha256").hexdigest()[:43]
