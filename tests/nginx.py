"""A real nginx before a server, with the configuration that docs/operating.md gives."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"
_MANUAL = Path(__file__).parents[1] / "docs" / "operating.md"
_START_SECONDS = 60
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


def documented(heading: str) -> str:
    """Return the first nginx block below a heading of docs/operating.md."""
    _, _, below = _MANUAL.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    found = re.search(r"```nginx\n(.*?)```", below, re.DOTALL)
    assert found is not None, f"docs/operating.md has no nginx block below {heading!r}"
    return found[1]


@contextmanager
def running_nginx(folder: Path, server_url: str, site: str, *, tls: bool = False) -> Iterator[str]:
    """Run nginx before the server at `server_url` until the end of the block, and yield its URL.

    `site` is like the manual's: its upstream is set to the server, its name to HOST, and its port to a free one, with
    a certificate of its own or without TLS. Skips the test where there is no nginx.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/local/sbin:/usr/sbin")
    if program is None:
        pytest.skip("no nginx here (Debian, Ubuntu: apt-get install nginx)")
    port = _free_port()
    listening = f"listen 127.0.0.1:{port};"
    if tls:
        _make_certificate(folder)
        listening = (
            f"listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
        )
    site = site.replace("127.0.0.1:8080", urlsplit(server_url).netloc)
    site = re.sub(r"server_name [^;]+;", f"server_name {HOST};", site.replace("listen 443 ssl;", listening))
    configuration, log = folder / "nginx.conf", folder / "error.log"
    configuration.write_text(_FRAME.format(folder=folder, site=site), encoding="utf-8")
    process = subprocess.Popen([program, "-p", str(folder), "-e", str(log), "-c", str(configuration)])
    try:
        _wait_for(port, process, log)
        yield f"https://{HOST}:{port}" if tls else f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


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


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
