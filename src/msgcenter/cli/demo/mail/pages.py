"""The page `/dev/mail` of the demo: the mails that were caught."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from msgcenter.cli.demo.mail.catcher import CaughtMail, MailCatcher
from msgcenter.domain.language import language_of
from msgcenter.web.base_path import root_of

_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-src 'self'"
)
# A mail is shown as mail programs do: without scripts, and with pictures.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src https: http: data:"
)
_HEADERS = ("From", "To", "Subject", "Date")
_MORE_HEADERS = ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post")


def mail_routes(catcher: MailCatcher, zone: ZoneInfo) -> list[BaseRoute]:
    """Return the routes of the page, which shows times in `zone`."""
    pages = _MailPages(catcher, zone)
    return [
        Route("/dev/mail", pages.show),
        Route("/dev/mail/count", pages.count),
        Route("/dev/mail/{number:int}", pages.show),
        Route("/dev/mail/{number:int}/html", pages.html),
        Route("/dev/mail/{number:int}/source", pages.source),
    ]


class _MailPages:
    def __init__(self, catcher: MailCatcher, zone: ZoneInfo) -> None:
        self._catcher = catcher
        self._zone = zone
        environment = Environment(loader=PackageLoader("msgcenter.cli.demo.mail", "."), autoescape=select_autoescape())
        environment.filters["clock"] = self._clock
        self._template = environment.get_template("mail.html")

    def _clock(self, mail: CaughtMail) -> str:
        return datetime.fromtimestamp(mail.received_at / 1_000, self._zone).strftime("%H:%M:%S")

    async def show(self, request: Request) -> Response:
        """Show the list of mails, and one of them."""
        root = f"{root_of(request.scope)}/dev/mail"
        mails = self._catcher.newest_first()
        number = request.path_params.get("number")
        mail = self._catcher.find(number) if number else next(iter(mails), None)
        if number and mail is None:
            return RedirectResponse(root, 303)
        text = self._template.render(
            root=root,
            mails=mails,
            mail=mail,
            headers=_headers(mail, _HEADERS),
            more_headers=_headers(mail, _MORE_HEADERS),
            count=self._catcher.count,
            zh=language_of(request.headers.get("accept-language", "")) == "zh",
        )
        return HTMLResponse(text, headers={"content-security-policy": _PAGE_POLICY, "cache-control": "no-store"})

    async def count(self, _: Request) -> Response:
        """Return how many mails have come."""
        return JSONResponse({"count": self._catcher.count}, headers={"cache-control": "no-store"})

    async def html(self, request: Request) -> Response:
        """Return the HTML of a mail."""
        mail = self._catcher.find(request.path_params["number"])
        if mail is None:
            return Response(status_code=404)
        return HTMLResponse(mail.part("html"), headers={"content-security-policy": _MAIL_POLICY})

    async def source(self, request: Request) -> Response:
        """Return the source of a mail."""
        mail = self._catcher.find(request.path_params["number"])
        if mail is None:
            return Response(status_code=404)
        return Response(mail.source, media_type="text/plain; charset=utf-8")


def _headers(mail: CaughtMail | None, names: Sequence[str]) -> list[tuple[str, str]]:
    return [] if mail is None else [(name, mail.message[name]) for name in names if mail.message[name]]
