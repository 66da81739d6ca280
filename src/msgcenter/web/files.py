"""The static files of a page, in memory: they are few, small and known when the server starts."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Not asked from the system, whose table may lack one: with `nosniff` a browser would refuse the script."""


class StaticFile(NamedTuple):
    """One file: what it holds, its media type, and the tag that changes with its content."""

    content: bytes
    media_type: str
    tag: str


class StaticFiles:
    """The scripts, styles and pictures of a folder by their names. No path of a request reaches the file system."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in folder.iterdir() if path.suffix in _MEDIA_TYPES}

    def response(self, name: str, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Return the answer with a file, 304 if the browser has it already; None if there is no such file."""
        file = self._files.get(name)
        if file is None:
            return None
        sent = {"etag": file.tag, "cache-control": "no-cache", **headers}
        known = request.headers.get("if-none-match", "")
        if file.tag in known or known.strip() == "*":
            return Response(status_code=304, headers=sent)
        return Response(file.content, 200, sent, file.media_type)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(content, _MEDIA_TYPES[path.suffix], f'"{sha256(content).hexdigest()[:32]}"')
