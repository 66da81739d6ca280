"""The files of the inbox: its page, and the component for other websites."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from msgcenter.web.compressed import Compressed, compressed
from msgcenter.web.files import StaticFiles

STATIC = Path(str(files("msgcenter.inbox").joinpath("static")))
BUNDLES = Path(str(files("msgcenter.inbox").joinpath("bundle")))
_EARLY_SCRIPT = '<script src="inbox/early.js"></script>'
_FILES_OF_THE_PAGE = ("favicon.svg", "apple-touch-icon.png", "page.css", "page.js", "device.js")


@cache
def inbox_files() -> StaticFiles:
    """Return the scripts, styles and pictures; read and compressed once in a process."""
    return StaticFiles(STATIC, BUNDLES)


@cache
def inbox_document() -> Compressed:
    """Return the page `/inbox`: its first script is in it, and it asks for its files by their hashed names."""
    document = (STATIC / "inbox.html").read_text()
    assert _EARLY_SCRIPT in document
    document = document.replace(_EARLY_SCRIPT, f"<script>{_early_script()}</script>")
    for name in _FILES_OF_THE_PAGE:
        assert f'"inbox/{name}"' in document
        document = document.replace(f'"inbox/{name}"', f'"inbox/{inbox_files().hashed(name)}"')
    return compressed(document.encode())


@cache
def early_script_source() -> str:
    """Return the Content-Security-Policy source that allows the page's first script, and no other inline script."""
    digest = b64encode(sha256(_early_script().encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _early_script() -> str:
    script = inbox_files().text("early.js").strip()
    assert "</" not in script
    return script
