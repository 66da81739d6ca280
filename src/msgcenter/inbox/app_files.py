"""What makes the page `/inbox` an app that can be installed: its manifest and its service worker (docs/inbox.md)."""

from functools import cache
from hashlib import sha256

from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from msgcenter.domain.language import Language, Phrase
from msgcenter.inbox.endpoint import Page, language_for
from msgcenter.inbox.files import inbox_document, inbox_files
from msgcenter.web.base_path import root_of
from msgcenter.web.compressed import Compressed, compressed

_NAME = Phrase("消息中心", "Message centre")
_SHORT_NAME = Phrase("消息", "Messages")
_DESCRIPTION = Phrase("学校与应用发给您的消息", "The messages that your school and its apps send you")
_SURFACE = "#f5f6f8"
"""The colour around the page in light mode, also in `inbox.html`."""
_ICONS = (
    ("favicon.svg", "any", "any"),
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable.png", "512x512", "maskable"),
)
_WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""The worker fetches the page, its files and calls of this server, and loads nothing else."""


def manifest_file() -> Page:
    """Return the web app manifest, in the language of the parameter `lang` or of Accept-Language.

    Its addresses are relative, so it fits every base path. `start_url` has no token: it would stay in the device's
    memory of the app, and expire there.
    """

    async def respond(request: Request) -> Response:
        named = request.query_params.get("lang")
        language: Language = "zh" if named == "zh" else "en" if named == "en" else language_for(request)
        headers = {"cache-control": "no-cache", "vary": "Accept-Language"}
        return Response(_manifest(language), 200, headers, "application/manifest+json")

    return respond


@cache
def _manifest(language: Language) -> bytes:
    icons = [
        {"src": inbox_files().hashed(name), "sizes": sizes, "type": _type_of(name), "purpose": purpose}
        for name, sizes, purpose in _ICONS
    ]
    return encode(
        {
            "name": _NAME.in_language(language),
            "short_name": _SHORT_NAME.in_language(language),
            "description": _DESCRIPTION.in_language(language),
            "lang": "zh-CN" if language == "zh" else "en",
            "dir": "ltr",
            "start_url": "../inbox",
            "scope": "../inbox",
            "display": "standalone",
            "theme_color": _SURFACE,
            "background_color": _SURFACE,
            "categories": ["education", "productivity"],
            "icons": icons,
        }
    )


def _type_of(name: str) -> str:
    return "image/svg+xml" if name.endswith(".svg") else "image/png"


def worker_file() -> Page:
    """Return the service worker, which may control the page `/inbox` although it lies below it."""

    async def respond(request: Request) -> Response:
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": _WORKER_POLICY,
            "service-worker-allowed": f"{root_of(request.scope)}/inbox",
        }
        return _worker().response(request, headers, "text/javascript")

    return respond


@cache
def _worker() -> Compressed:
    """Return the script with a hash of the page, which names all its files by their hashes.

    A browser installs the worker again when its bytes change, so it has a copy of the present page.
    """
    shell = sha256(inbox_document().plain).hexdigest()[:16]
    return compressed(f'self.SHELL="{shell}";\n{inbox_files().text("service-worker.js")}'.encode())
