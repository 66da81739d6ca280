"""A real SMTP server (aiosmtpd) in a thread of its own, which keeps the mails that it accepts."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_HOST = "127.0.0.1"
ACCEPTED = "250 accepted"


class Mail(NamedTuple):
    """An accepted mail: when it came (seconds), to whom, and its source."""

    at: float
    to: str
    source: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail with its headers and parts."""
        return message_from_bytes(self.source, policy=policy.default)

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        return "" if part is None else str(part.get_content())


@dataclass
class SmtpSink:
    """The server at `port`. `answer_to` answers RCPT for an address, `answer` the DATA of a mail."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    answer: Callable[[Mail], str] = lambda _: ACCEPTED
    answer_to: Callable[[str], str] = lambda _: ACCEPTED
    delay: float = 0.0
    """Seconds after a mail has been kept, before it is answered."""

    @property
    def by_recipient(self) -> Counter[str]:
        """The number of mails to each address."""
        return Counter(mail.to for mail in list(self.mails))

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        """Answer whether an address exists."""
        answer = self.answer_to(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep a mail."""
        mail = Mail(time.monotonic(), envelope.rcpt_tos[0], cast(bytes, envelope.original_content))
        answer = self.answer(mail)
        if answer.startswith("2"):
            self.mails.append(mail)
        await asyncio.sleep(self.delay)
        return answer


class _FreePort(Controller):
    """A controller that listens on a free port. When it starts, it connects to itself, and needs to know its port."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def smtp_sink(port: int = 0) -> Iterator[SmtpSink]:
    """Run a server until the end of the block, on a free port unless one is given."""
    sink = SmtpSink()
    controller = (Controller if port else _FreePort)(sink, hostname=_HOST, port=port)
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()
        assert not any(thread.name.startswith("aiosmtpd") and thread.is_alive() for thread in threading.enumerate())
