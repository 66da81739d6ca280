"""The static files of a package, in memory and compressed: they are few, small and known when the server starts."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from msgcenter.web.compressed import VARY, Compressed, compressed

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml"}
"""Not taken from the system, whose table may lack one: with `nosniff` a browser would refuse the script."""
_BUNDLED = ".min"
_HASHED = re.compile(r"(.+)-([0-9a-f]{16})(\.[a-z]+)")
_KEEP = "public, max-age=31536000, immutable"
"""For an address with the content's hash in it: this content never changes."""
_KEEP_A_WHILE = "public, max-age=300, stale-while-revalidate=86400"
"""For a bundle or picture at an address without a hash, which other websites embed."""
_ASK_AGAIN = "no-cache"
"""For a module on its own: a browser must not mix modules of two versions."""


class StaticFile(NamedTuple):
    """A file: its content, media type, hash, and how long a browser may keep it."""

    content: Compressed
    media_type: str
    digest: str
    cache_control: str


class StaticFiles:
    """The scripts, styles and pictures of a package by name. No path of a request reaches the file system.

    `sources` is the folder that people edit; `bundles` has what `make bundle` builds from its entries. The bundle
    `page.min.js` is served as `page.js`; a source without a bundle is served as it is.
    """

    def __init__(self, sources: Path, bundles: Path) -> None:
        self._files = {path.name: _read(path) for path in _files_of(sources)}
        self._files |= {path.name.replace(_BUNDLED, ""): _read(path) for path in _files_of(bundles)}

    def hashed(self, name: str) -> str:
        """Return the name under which browsers keep a file: `page.js` is `page-0123456789abcdef.js`."""
        stem, _, extension = name.rpartition(".")
        return f"{stem}-{self._files[name].digest}.{extension}"

    def text(self, name: str) -> str:
        """Return the content of a file."""
        return self._files[name].content.plain.decode()

    def response(self, name: str, request: Request, headers: Mapping[str, str]) -> Response | None:
        """Return the answer with a file, 304 if the browser has it already; None if there is no such file.

        A name with the hash of another version gets this version, which is not kept under it: a page that was loaded
        before an upgrade, or from another server of a rolling upgrade, still works.
        """
        hashed = _HASHED.fullmatch(name)
        file = self._files.get(hashed[1] + hashed[3] if hashed else name)
        if file is None:
            return None
        cache_control = file.cache_control
        if hashed:
            cache_control = _KEEP if hashed[2] == file.digest else _ASK_AGAIN
        encoding = "-gzip" if file.content.is_gzipped_for(request) else ""
        headers = {"etag": f'"{file.digest}{encoding}"', "cache-control": cache_control, **headers}
        known = request.headers.get("if-none-match", "")
        if file.digest in known or known.strip() == "*":
            return Response(status_code=304, headers={**headers, **(VARY if file.content.gzipped else {})})
        return file.content.response(request, headers, file.media_type)


def _files_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in _MEDIA_TYPES]


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    is_module = path.suffix == ".js" and _BUNDLED not in path.name
    cache_control = _ASK_AGAIN if is_module else _KEEP_A_WHILE
    return StaticFile(compressed(content), _MEDIA_TYPES[path.suffix], sha256(content).hexdigest()[:16], cache_control)
