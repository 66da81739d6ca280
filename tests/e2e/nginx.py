"""A real nginx with TLS before a server, configured as docs/operating.md says."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"
_OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
_START_SECONDS = 30
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
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
    _, _, below = _OPERATING.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    found = re.search(r"```nginx\n(.*?)```", below, re.DOTALL)
    assert found is not None, f"docs/operating.md has no nginx block below {heading!r}"
    return found[1]


@contextmanager
def nginx_before(server_url: str, site: str, folder: Path) -> Iterator[str]:
    """Run nginx with TLS on a free port until the end of the block; give its URL.

    `site` is a documented configuration: its port, its name, its certificate and the address of the server are put in.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no nginx here (Debian, Ubuntu: apt-get install nginx-light)")
    port = _free_port()
    _make_certificate(folder)
    certificate = f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
    site = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port} ssl; {certificate}", site)
    site = re.sub(r"server_name [^;]+;", f"server_name {HOST};", site)
    site = site.replace("127.0.0.1:8080", server_url.removeprefix("http://"))
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user, site=site), encoding="utf-8")
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_until_it_answers(process, port)
        yield f"https://{HOST}:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_until_it_answers(process: "subprocess.Popen[str]", port: int) -> None:
    context = ssl._create_unverified_context()  # noqa: S323 - its own certificate
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as plain, context.wrap_socket(plain):
                return
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError(f"nginx did not start:\n{process.communicate()[1]}")


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
