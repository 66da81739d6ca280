"""A real nginx before a server, with the configuration that docs/operating.md gives."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_MANUAL = Path(__file__).parents[1] / "docs" / "operating.md"
_START_SECONDS = 20
_FRAME = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{site}
}}
"""


def nginx_program() -> str:
    """Return the path of nginx. Skips the test where there is none."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/local/sbin:/usr/sbin")
    if path is None:
        pytest.skip("no nginx here (Debian, Ubuntu: apt-get install nginx)")
    return path


def documented_site() -> str:
    """Return the upstream and the server that the manual gives for nginx."""
    found = re.search(r"^```nginx\n(.*?)^```", _MANUAL.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_nginx(folder: Path, server_url: str, site: str) -> Iterator[str]:
    """Run nginx before the server at `server_url` until the end of the block, and give its URL.

    `site` is like the manual's: its upstream is set to the server, and its port to a free one without TLS.
    """
    program, port = nginx_program(), free_port()
    site = site.replace("127.0.0.1:8080", urlsplit(server_url).netloc)
    site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    configuration = folder / "nginx.conf"
    configuration.write_text(_FRAME.format(folder=folder, site=site))
    log = folder / "error.log"
    process = subprocess.Popen([program, "-p", str(folder), "-e", str(log), "-c", str(configuration)])
    try:
        _wait_for(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nginx does not start:\n{log.read_text()}")
