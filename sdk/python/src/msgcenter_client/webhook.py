"""Checking what a MsgCenter server posts to a webhook (Standard Webhooks; docs/webhooks.md)."""

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

TOLERANCE = 300.0
"""Seconds that the time of a POST may differ from this machine's clock."""


class WebhookVerificationError(Exception):
    """A POST is not from the server, not as it sent it, or too old: answer it with 400 and do nothing."""


class VerifiedWebhook(Struct, frozen=True):
    """A POST that is genuine.

    id: the same in every repetition; whoever has handled it before ignores it.
    type: of all its events, such as `message.read`. timestamp: when the first of them happened.
    events: one object each (docs/webhooks.md, "Events").
    """

    id: str
    type: str
    timestamp: datetime
    events: tuple[dict[str, Any], ...]


class _Data(Struct):
    events: tuple[dict[str, Any], ...]


class _Body(Struct):
    type: str
    timestamp: datetime
    data: _Data


def verify_webhook(
    secret: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes | str,
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> VerifiedWebhook:
    """Return what a POST says, once it is certain that the server has sent it.

    secret: the webhook's, as `create_webhook` returned it; several while they are being changed.
    headers: of the request, their names in any case. body: of the request, byte for byte.
    tolerance: seconds that its time may differ from the clock. now: the clock, in seconds since 1970.
    Raises WebhookVerificationError, and ValueError for a secret that is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id = given["webhook-id"]
        timestamp = given["webhook-timestamp"]
        signatures = given["webhook-signature"]
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing.args[0]} is missing") from None
    content = body.encode() if isinstance(body, str) else body
    _check_time(timestamp, tolerance, time.time() if now is None else now)
    signed = f"{webhook_id}.{timestamp}.".encode() + content
    expected = [hmac.digest(key, signed, "sha256") for key in _keys(secret)]
    # Every pair is compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(one, other) for one in expected for other in _given(signatures)]
    if not any(matches):
        raise WebhookVerificationError("no signature matches: another secret, or the body was changed")
    try:
        parsed = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise WebhookVerificationError(f"the body is not one of MsgCenter: {problem}") from None
    return VerifiedWebhook(webhook_id, parsed.type, parsed.timestamp, parsed.data.events)


def _check_time(timestamp: str, tolerance: float, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookVerificationError("the header webhook-timestamp is no number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        raise WebhookVerificationError("the POST is too old, or the clock of this machine is wrong")


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    keys = [secret] if isinstance(secret, str) else list(secret)
    try:
        return [base64.b64decode(key.removeprefix("whsec_"), validate=True) for key in keys]
    except binascii.Error:
        raise ValueError("a webhook's secret looks like whsec_ and base64") from None


def _given(signatures: str) -> list[bytes]:
    found = []
    for part in signatures.split():
        version, _, signature = part.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(signature, validate=True))
            except ValueError:
                continue
    return found
