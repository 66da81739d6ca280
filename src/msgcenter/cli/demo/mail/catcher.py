"""A mail server on this machine that accepts every mail and keeps the last ones in memory."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import NamedTuple, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_KEPT = 200
_HOST = "127.0.0.1"


class CaughtMail(NamedTuple):
    """A mail: its number, when it came (ms since 1970), its envelope and its source."""

    number: int
    received_at: int
    sender: str
    recipients: tuple[str, ...]
    source: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail with its headers and parts."""
        return message_from_bytes(self.source, policy=policy.default)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message.get("Subject", ""))

    def part(self, subtype: str) -> str:
        """Return the text of the part `text/plain` or `text/html`, "" if there is none."""
        part = self.message.get_body((subtype,))
        return "" if part is None else str(part.get_content())


class MailCatcher:
    """The mails that came, the latest 200 of them. The server's thread adds to them."""

    def __init__(self) -> None:
        self._mails: deque[CaughtMail] = deque(maxlen=_KEPT)
        self.count = 0

    def newest_first(self) -> Sequence[CaughtMail]:
        """Return the mails, newest first."""
        return list(self._mails)[::-1]

    def find(self, number: int) -> CaughtMail | None:
        """Return a mail by its number."""
        return next((mail for mail in self._mails if mail.number == number), None)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.count += 1
        mail = CaughtMail(
            self.count,
            int(time.time() * 1_000),
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            cast(bytes, envelope.original_content),
        )
        self._mails.append(mail)
        return "250 kept"


@contextmanager
def catching_mails(catcher: MailCatcher) -> Iterator[int]:
    """Run the mail server on a free port of this machine, which is returned."""
    controller = _FreePortController(catcher, hostname=_HOST, port=0)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class _FreePortController(Controller):
    """A controller that listens on a free port. When it starts, it connects to itself, and needs to know its port."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]
