"""E-mail over SMTP: one connection for many mails."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from types import TracebackType
from typing import Literal, Self, cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.mail import build_mail, parse_address
from msgcenter.channels.smtp_outcome import NOT_AN_ADDRESS, outcome_of_error
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import ForbiddenAddressError
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.outbound.network import Network

Security = Literal["starttls", "tls", "none"]
_TIMEOUT = 30.0
"""Seconds for each step of the conversation: to connect, to log in, to answer a command."""
_MAILS_PER_CONNECTION = 100
"""Servers limit this. A new connection before their limit costs less than a refused mail after it."""
_IDLE_SECONDS = 5.0
"""After this time without a mail, the connection is tried before it is used: the server may have closed it."""

_CLOSING = 421
"""The answer of a server that closes the connection."""


class SmtpConfig(Config, frozen=True, kw_only=True):
    """An SMTP server and the account there. `starttls` and `tls` always encrypt, and verify the host's name."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    sender: str = msgspec.field(name="from")
    reply_to: str

    def label(self) -> str:
        """Return the sender, the server and how it is encrypted."""
        return f"{self.sender} · {self.host}:{self.port} · {self.security}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return SmtpGateway(self, network)


FIELDS = (
    Field("host", Phrase("服务器", "Server"), Phrase("SMTP服务器的主机名", "host name of the SMTP server")),
    Field(
        "port",
        Phrase("端口", "Port"),
        Phrase("STARTTLS通常为587,TLS为465", "usually 587 for STARTTLS, 465 for TLS"),
        default="587",
    ),
    Field(
        "security",
        Phrase("加密", "Encryption"),
        Phrase("none仅用于内网中允许的地址", "none only for allowed addresses of your own network"),
        default="starttls",
        choices=("starttls", "tls", "none"),
    ),
    Field("user", Phrase("用户名", "User"), Phrase("留空则不登录", "empty: no log-in"), required=False),
    Field("password", Phrase("密码", "Password"), is_secret=True, required=False),
    Field(
        "from",
        Phrase("发件人", "From"),
        Phrase("如 学校 <no-reply@school.example>", "such as School <no-reply@school.example>"),
    ),
    Field("reply_to", Phrase("回复地址", "Reply-To"), Phrase("留空则为发件人", "empty: the sender"), required=False),
)


def configure(fields: Mapping[str, str]) -> SmtpConfig:
    """Return the configuration. `smtp` may give the server as a URL (`smtp://user:password@host:587`, `smtps://…`)."""
    values = Values(FIELDS, fields, also=("smtp",))
    if url := values.given("smtp"):
        values = Values(FIELDS, {**{name: fields[name] for name in fields if name != "smtp"}, **_fields_of_url(url)})
    for name in ("from", "reply_to"):
        if values.text(name) and parse_address(values.text(name)) is None:
            raise malformed(
                name,
                "须为邮件地址,可带名称:学校 <no-reply@school.example>",
                "must be a mail address, perhaps with a name: School <no-reply@school.example>",
            )
    host = values.text("host")
    if not host.isascii() or any(char in host for char in " /@:[]"):
        raise malformed("host", "须为主机名", "must be a host name")
    if values.text("password") and not values.text("user"):
        raise malformed("user", "有密码时须填写", "must be given with a password")
    return SmtpConfig(
        host=host,
        port=values.number("port", 1, 65_535),
        security=cast(Security, values.text("security")),
        user=values.text("user"),
        password=values.text("password"),
        sender=values.text("from"),
        reply_to=values.text("reply_to"),
    )


def _fields_of_url(url: str) -> dict[str, str]:
    """Return the fields of `smtp://` (STARTTLS, or `?security=none`) or `smtps://` (TLS)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url() from None
    security = {("smtp", ""): "starttls", ("smtp", "security=none"): "none", ("smtps", ""): "tls"}.get(
        (parts.scheme, parts.query)
    )
    if security is None or not parts.hostname or parts.path not in {"", "/"} or parts.fragment:
        raise _bad_url()
    return {
        "host": parts.hostname,
        "port": str(port or (465 if security == "tls" else 587)),
        "security": security,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


def _bad_url() -> Refusal:
    return malformed(
        "smtp",
        "须为 smtp://用户:密码@主机:587 或 smtps://…",
        "must be smtp://user:password@host:587 or smtps://…",
    )


PROVIDER = Provider("email", "smtp", Phrase("SMTP邮件", "SMTP"), FIELDS, 10, configure)


class SmtpGateway:
    """Sends mails one after the other over one connection, which is renewed when it breaks."""

    def __init__(self, config: SmtpConfig, network: Network) -> None:
        self._config = config
        self._network = network
        self._sender = _address(config.sender)
        self._reply_to = _address(config.reply_to) if config.reply_to else None
        self._turn = asyncio.Lock()
        self._connection: aiosmtplib.SMTP | None = None
        self._mails = 0
        self._used_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hang_up()

    async def send(self, parcel: Parcel) -> Outcome:
        """Send a mail."""
        recipient = parse_address(parcel.address)
        if recipient is None:
            return NOT_AN_ADDRESS
        mail = build_mail(parcel, sender=self._sender, reply_to=self._reply_to, recipient=recipient, now_ms=now_ms())
        async with self._turn:
            try:
                answer = await self._converse(recipient.addr_spec, mail)
            except (aiosmtplib.SMTPException, ForbiddenAddressError, OSError, ValueError) as error:
                await self._reset()
                return outcome_of_error(error)
            except BaseException:
                self._drop()  # in the middle of a conversation, which nobody can continue
                raise
            self._mails += 1
            self._used_at = time.monotonic()
        return Outcome("accepted", provider_id=" ".join(answer.split())[:200])

    async def _converse(self, recipient: str, mail: bytes) -> str:
        """Send a mail; return the server's last answer."""
        connection = await self._connected()
        try:
            await connection.mail(self._sender.addr_spec)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPSenderRefused) as error:
            if self._mails == 0 or getattr(error, "code", _CLOSING) != _CLOSING:
                raise
            # The server has closed a connection that it has had for a while. Nothing was sent yet: a new one decides.
            await self._hang_up()
            connection = await self._connected()
            await connection.mail(self._sender.addr_spec)
        await connection.rcpt(recipient)
        return (await connection.data(mail)).message

    async def _reset(self) -> None:
        """After a refusal, make the connection ready for the next mail."""
        connection = self._connection
        if connection is not None and connection.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await connection.rset()

    async def _connected(self) -> aiosmtplib.SMTP:
        """Return a connection that works."""
        connection = self._connection
        if connection is not None and connection.is_connected and self._mails < _MAILS_PER_CONNECTION:
            if time.monotonic() - self._used_at < _IDLE_SECONDS:
                return connection
            try:
                await connection.noop()
            except (aiosmtplib.SMTPException, OSError):
                pass
            else:
                return connection
        await self._hang_up()
        self._connection = await self._connect()
        self._mails = 0
        return self._connection

    async def _connect(self) -> aiosmtplib.SMTP:
        config = self._config
        connection = aiosmtplib.SMTP(
            hostname=config.host,
            timeout=_TIMEOUT,
            use_tls=config.security == "tls",
            start_tls=config.security == "starttls",
            username=config.user or None,
            password=config.password or None,
            local_hostname=self._sender.domain,
        )
        encrypted = config.security != "none"
        socket = await self._network.connect(config.host, config.port, encrypted=encrypted, timeout=_TIMEOUT)
        await connection.connect(sock=socket)  # which closes the socket if it fails
        return connection

    async def _hang_up(self) -> None:
        """End the conversation politely, if there is one."""
        connection = self._connection
        if connection is not None and connection.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await connection.quit(timeout=5)
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise ValueError(text)
    return address
