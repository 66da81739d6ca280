"""A note as a mail: addresses, headers, and the bytes to send."""

import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256

from msgcenter.channels.face import Parcel
from msgcenter.channels.mail_body import mail_body
from msgcenter.channels.plain import one_line
from msgcenter.domain.channels.note import Note

MAX_ADDRESS = 254
"""The longest address that SMTP allows (RFC 5321, 4.5.3.1)."""

_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")
_MAX_HEADER_URL = 900
"""A line of a mail has at most 998 bytes (RFC 5322, 2.1.1)."""


def parse_address(text: str) -> Address | None:
    """Return an address with or without a name (`School <no-reply@school.example>`), None if it is not one.

    Addresses are ASCII, because not every server of the way knows others; names may be of any language.
    """
    if not text.isprintable():
        return None
    name, spec = parseaddr(text)
    if not spec.isascii() or len(spec) > MAX_ADDRESS or (not name and "<" not in text and spec != text):
        return None
    try:
        address = Address(name, addr_spec=spec)
    except (HeaderParseError, ValueError, IndexError):
        return None
    return address if address.username and address.domain else None


def message_id(key: str, sender: Address) -> str:
    """Return the Message-ID of a parcel: the same for each attempt, so that mail programs can hide a repeated one."""
    return f"<{sha256(key.encode()).hexdigest()[:40]}@{sender.domain}>"


def build_mail(parcel: Parcel, *, sender: Address, reply_to: Address | None, recipient: Address, now_ms: int) -> bytes:
    """Return a mail as it is sent, with text and HTML. Its headers have one line each, whatever the note contains."""
    note = parcel.note
    body = mail_body(note)
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1_000, UTC))
    mail["From"] = sender
    mail["To"] = recipient
    if reply_to is not None:
        mail["Reply-To"] = reply_to
    mail["Subject"] = one_line(body.subject)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if note.is_urgent:
        mail["Importance"] = "high"
    mail.set_content(body.text, cte="base64")
    mail.add_alternative(body.html, subtype="html", cte="base64")
    mail["Content-Language"] = "zh-CN" if note.language == "zh" else "en"
    # Python would encode these lines as if they were words if they are long, and nobody could use them.
    lines = [f"Message-ID: {message_id(parcel.key, sender)}", *_unsubscribe_lines(note)]
    return "".join(f"{line}\r\n" for line in lines).encode() + mail.as_bytes()


def _unsubscribe_lines(note: Note) -> list[str]:
    """Return the headers of RFC 2369 and RFC 8058, if the note can be unsubscribed."""
    url = note.unsubscribe_url
    if not url or len(url) > _MAX_HEADER_URL or not _URL.fullmatch(url):
        return []
    return [f"List-Unsubscribe: <{url}>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
