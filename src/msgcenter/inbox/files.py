"""The files of the inbox: its page, and the component for other websites."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from msgcenter.web.compressed import Compressed, compressed
from msgcenter.web.files import StaticFiles

STATIC = Path(str(files("msgcenter.inbox").joinpath("static")))
BUNDLES = Path(str(files("msgcenter.inbox").joinpath("bundle")))
_FILES_OF_THE_PAGE = ("favicon.svg", "page.css", "page.js")


@cache
def inbox_files() -> StaticFiles:
    """Return the scripts, styles and pictures; read and compressed once in a process."""
    return StaticFiles(STATIC, BUNDLES)


@cache
def inbox_document() -> Compressed:
    """Return the page `/inbox`, which asks for its files by their hashed names."""
    document = (STATIC / "inbox.html").read_text()
    for name in _FILES_OF_THE_PAGE:
        assert f'"inbox/{name}"' in document
        document = document.replace(f'"inbox/{name}"', f'"inbox/{inbox_files().hashed(name)}"')
    return compressed(document.encode())
