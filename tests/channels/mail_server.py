"""A real SMTP server that keeps what it gets, and answers as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

OK = "250 OK"
DROP = "drop"
"""As an answer: the connection breaks off."""


@dataclass
class MailServer:
    """A server at `port`. `mails` are the accepted ones; `peers` has a connection for each mail that was begun."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    mail_answer: Callable[[int], str] = lambda _: OK
    """Answers the MAIL command; the argument is its number, from 0."""
    rcpt_answer: Callable[[str], str] = lambda _: OK
    data_answer: Callable[[int], str] = lambda _: OK

    def messages(self) -> list[EmailMessage]:
        """Return the accepted mails."""
        return [message_from_bytes(mail.content, policy=default) for mail in self.mails]  # type: ignore[arg-type]

    @property
    def connections(self) -> int:
        """How many connections there were."""
        return len(set(self.peers))


class _Handler:
    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._server.peers.append(str(session.peer))
        answer = _said(server, self._server.mail_answer(len(self._server.peers) - 1))
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = _said(server, self._server.rcpt_answer(address))
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = _said(server, self._server.data_answer(len(self._server.mails)))
        if answer.startswith("2"):
            self._server.mails.append(envelope)
        return answer


def _said(server: SMTP, answer: str) -> str:
    """Return an answer; the connection is closed after a 421, and before the answer if it breaks off."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    if answer == DROP:
        server.transport.abort()
    elif answer.startswith("421"):
        server.loop.call_later(0.05, server.transport.close)
    return answer


class _Smtp(SMTP):
    """Keeps its transports: STARTTLS replaces the first one."""

    def __init__(self, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self.transports: list[asyncio.WriteTransport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transports.append(transport)
        super().connection_made(transport)


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, password: str = ""
) -> AsyncIterator[MailServer]:
    """Run a server until the end of the block: without encryption, with TLS, or with STARTTLS.

    With a `password`, the user `school` must log in.
    """
    running = MailServer()
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"hostname": "mail.example", "loop": loop}
    if starttls is not None:
        options |= {"tls_context": starttls, "require_starttls": True}
    if password:

        def authenticate(_s: Any, _n: Any, _e: Any, _m: Any, login: LoginPassword) -> AuthResult:
            return AuthResult(success=login == LoginPassword(b"school", password.encode()), handled=False)

        options |= {"authenticator": authenticate, "auth_required": True}
    served: list[_Smtp] = []

    def serve() -> _Smtp:
        served.append(_Smtp(_Handler(running), **options))
        return served[-1]

    listening = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
    running.port = listening.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        listening.close()
        for each in served:
            for transport in each.transports:
                with suppress(AttributeError):  # until Python 3.11.3, one with TLS that is closed cannot be aborted
                    transport.abort()
        await asyncio.sleep(0.05)  # both sides close their sockets before the loop ends


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a new certificate for this machine as a file to trust, and the context of a server that has it."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    trusted, both = folder / "trusted.pem", folder / "server.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return trusted, context
