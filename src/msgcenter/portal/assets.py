"""The scripts and styles of the portal's pages."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from msgcenter.web.files import StaticFiles

STATIC = Path(str(files("msgcenter.portal").joinpath("static")))
BUNDLES = Path(str(files("msgcenter.portal").joinpath("bundle")))


@cache
def portal_assets() -> StaticFiles:
    """Return the files; read and compressed once in a process."""
    return StaticFiles(STATIC, BUNDLES)


def asset(name: str) -> str:
    """Return the path of a file, without the base path, under which browsers keep it."""
    return f"/portal/static/{portal_assets().hashed(name)}"
