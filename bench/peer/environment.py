"""The peer's Python environment: made by uv when it is first needed, and again when its requirements change."""

import os
import shutil
import sys
from pathlib import Path

from bench.server_process import ServerError, output_of

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_REQUIREMENTS = _HERE / "requirements.txt"
ENVIRONMENT = _ROOT / ".venv-peer"
_STAMP = ENVIRONMENT / "requirements.txt"


def is_installed() -> bool:
    """Return whether the environment has the packages of the present requirements."""
    return _STAMP.is_file() and _STAMP.read_bytes() == _REQUIREMENTS.read_bytes()


async def install() -> None:
    """Install the packages. Raises ServerError if uv is missing or fails."""
    uv = shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), str(_ROOT / ".uv/bin")]))
    if uv is None:
        raise ServerError("uv is missing, which installs the peer: run `make bench`, not `python -m bench`")
    await output_of([uv, "venv", "--clear", "--python", sys.executable, str(ENVIRONMENT)], os.environ)
    python = str(ENVIRONMENT / "bin/python")
    await output_of([uv, "pip", "install", "--python", python, "--requirements", str(_REQUIREMENTS)], os.environ)
    shutil.copyfile(_REQUIREMENTS, _STAMP)
