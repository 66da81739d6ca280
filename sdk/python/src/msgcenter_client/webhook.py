"""Verify the POSTs of a MsgCenter server to a webhook (Standard Webhooks; docs/webhooks.md)."""

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
"""The maximum difference between the time of a POST and this machine's clock, in seconds."""


class WebhookVerificationError(Exception):
    """The POST is forged, altered or too old. Answer it with 400 and ignore its content."""


class VerifiedWebhook(Struct, frozen=True):
    """A verified POST.

    id: the id of the delivery, the same in every retry; ignore an id that you have already handled.
    type: the type of all its events, such as `message.read`. timestamp: the time of the first event.
    events: one object per event (docs/webhooks.md, "Events").
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
    """Return the content of a POST after checking its signature and time.

    secret: the webhook's secret, as `create_webhook` returned it; several during a rotation.
    headers: the headers of the request, names in any case. body: the body of the request, byte for byte.
    tolerance: the maximum difference between the POST's time and `now`, in seconds. now: Unix seconds; None: the clock.
    Raises WebhookVerificationError, and ValueError for a malformed secret.
    """
    lower_headers = {name.lower(): value for name, value in headers.items()}
    try:
        delivery_id = lower_headers["webhook-id"]
        timestamp = lower_headers["webhook-timestamp"]
        signatures = lower_headers["webhook-signature"]
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing.args[0]} is missing") from None
    content = body.encode() if isinstance(body, str) else body
    _check_time(timestamp, tolerance, time.time() if now is None else now)
    signed = f"{delivery_id}.{timestamp}.".encode() + content
    expected = [hmac.digest(key, signed, "sha256") for key in _keys(secret)]
    # All pairs are compared, so that timing leaks nothing.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in _signatures(signatures)]
    if not any(matches):
        raise WebhookVerificationError("no signature matches: the secret is wrong, or the body was changed")
    try:
        parsed = msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise WebhookVerificationError(f"the body is not a MsgCenter webhook body: {problem}") from None
    return VerifiedWebhook(delivery_id, parsed.type, parsed.timestamp, parsed.data.events)


def _check_time(timestamp: str, tolerance: float, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookVerificationError("the header webhook-timestamp is not a number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        raise WebhookVerificationError("the POST is too old, or the clock of this machine is wrong")


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    keys = [secret] if isinstance(secret, str) else list(secret)
    try:
        return [base64.b64decode(key.removeprefix("whsec_"), validate=True) for key in keys]
    except binascii.Error:
        raise ValueError("a webhook secret is whsec_ followed by base64") from None


def _signatures(header: str) -> list[bytes]:
    signatures = []
    for part in header.split():
        version, _, signature = part.partition(",")
        if version == "v1":
            try:
                signatures.append(base64.b64decode(signature, validate=True))
            except ValueError:
                continue
    return signatures
