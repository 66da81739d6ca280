"""A page with one heading and little else: errors, and answers to links in mails."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from msgcenter.domain.language import Language
from msgcenter.inbox.files import inbox_files
from msgcenter.web.base_path import root_of

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {form}"
)


def small_page(
    request: Request, language: Language, heading: str, below: str = "", *, status: int = 200, has_form: bool = False
) -> Response:
    """Return a page. `below` is HTML; a form in it, with `has_form`, may be sent to this server only."""
    style = f"{escape(root_of(request.scope))}/inbox/{inbox_files().hashed('page.css')}"
    return Response(
        f'<!doctype html>\n<html lang="{"en" if language == "en" else "zh-CN"}">\n<head>\n'
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f'<title>MsgCenter</title>\n<link rel="stylesheet" href="{style}">\n</head>\n'
        f'<body><main class="error"><h1 class="said">{escape(heading)}</h1>{below}</main></body>\n'
        "</html>\n",
        status,
        {
            "content-security-policy": _POLICY.format(form="'self'" if has_form else "'none'"),
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        },
        "text/html",
    )
