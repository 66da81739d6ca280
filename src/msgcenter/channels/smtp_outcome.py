"""What an answer of an SMTP server means for a mail, its address and the gateway (RFC 5321, RFC 3463)."""

import re

import aiosmtplib

from msgcenter.channels.face import Outcome
from msgcenter.channels.http_gateway import DOWN_MS, WRONG_MS
from msgcenter.channels.plain import cut, one_line
from msgcenter.domain.network import ForbiddenAddressError

NOT_AN_ADDRESS = Outcome("never", "not a mail address", is_bad_address=True)
_REASON_LIMIT = 200
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\b")
_NOT_THE_ADDRESS = frozenset((503, 530, 535, 538))
"""Answers that are about the conversation or the log-in, also after RCPT."""
_FULL = ("2", "2")
"""Subject and detail of a mailbox that is full."""
_POLICY = "7"
"""The subject of answers about rights and policies: they say nothing about whether the address exists."""


def outcome_of_error(error: Exception) -> Outcome:
    """Return the outcome of a mail that was not accepted."""
    match error:
        case aiosmtplib.SMTPRecipientRefused():
            return _recipient_refused(error.code, error.message)
        case aiosmtplib.SMTPAuthenticationError():
            return Outcome("later", _reason("the log-in failed", error.code, error.message), pause_ms=WRONG_MS)
        case aiosmtplib.SMTPSenderRefused():
            return _sender_refused(error.code, error.message)
        case aiosmtplib.SMTPDataError():
            return _mail_refused(error.code, error.message)
        case aiosmtplib.SMTPResponseException():
            return Outcome("later", _reason("the server refuses", error.code, error.message), pause_ms=DOWN_MS)
        case ForbiddenAddressError():
            return Outcome("later", str(error), pause_ms=WRONG_MS)
        case TimeoutError():
            return Outcome("later", "the mail server does not answer", pause_ms=DOWN_MS)
        case aiosmtplib.SMTPException() | ValueError() if not isinstance(error, OSError):
            # The server cannot do what the configuration asks for: to encrypt, or to log in.
            return Outcome("later", _text(str(error)), pause_ms=WRONG_MS)
        case _:
            return Outcome("later", _text(f"no connection: {error}"), pause_ms=DOWN_MS)


def _recipient_refused(code: int, message: str) -> Outcome:
    reason = _reason("the address was refused", code, message)
    if code == 421:
        return Outcome("later", reason, pause_ms=DOWN_MS)
    if code < 500:
        return Outcome("later", reason)
    if code in _NOT_THE_ADDRESS:
        return Outcome("later", reason, pause_ms=WRONG_MS)
    _, subject, detail = _enhanced(message)
    is_bad = subject != _POLICY and (subject, detail) != _FULL and code != 552
    return Outcome("never", reason, is_bad_address=is_bad)


def _sender_refused(code: int, message: str) -> Outcome:
    """The server does not take mails of this sender, which no other mail would change, or not one of this size."""
    reason = _reason("the sender was refused", code, message)
    if code == 552:
        return Outcome("never", reason)
    return Outcome("later", reason, pause_ms=DOWN_MS if code < 500 else WRONG_MS)


def _mail_refused(code: int, message: str) -> Outcome:
    reason = _reason("the mail was refused", code, message)
    if code == 421:
        return Outcome("later", reason, pause_ms=DOWN_MS)
    return Outcome("later" if code < 500 else "never", reason)


def _enhanced(message: str) -> tuple[str, str, str]:
    found = _ENHANCED.search(message)
    return (found[1], found[2], found[3]) if found else ("", "", "")


def _reason(what: str, code: int, message: str) -> str:
    return _text(f"{what}: {code} {message}")


def _text(text: str) -> str:
    return cut(one_line(text), _REASON_LIMIT)
