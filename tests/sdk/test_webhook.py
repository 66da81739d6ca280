"""`verify_webhook` compared with the reference library, its refusals, and the webhook calls of both clients."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from msgcenter.domain.webhook import new_secret, signature_header
from msgcenter_client import AsyncClient, Client, StateError, WebhookVerificationError, verify_webhook
from tests.conftest import Credentials, Server
from tests.receiver import receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = 1_795_435_200
EVENT = {"msgId": "7", "userId": "u"}
BODY = json.dumps(
    {"type": "message.read", "timestamp": "2026-11-23T12:00:00.000Z", "data": {"events": [EVENT]}}
).encode()


def signed(body: bytes = BODY, secret: str = SECRET, at: int = AT) -> dict[str, str]:
    """The headers of a POST, signed with the reference library."""
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(at), "WEBHOOK-SIGNATURE": signature}


def test_a_signature_of_the_reference_library_is_accepted() -> None:
    verified = verify_webhook(SECRET, signed(), BODY, now=AT)
    assert (verified.id, verified.type, verified.events) == ("msg_1", "message.read", (EVENT,))
    assert verified.timestamp == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert verify_webhook(SECRET, signed(), BODY.decode(), now=AT) == verified


def test_the_server_signs_as_the_reference_library_does() -> None:
    for _ in range(20):
        secret = new_secret()
        assert signature_header([secret], "msg_1", AT, BODY) == signed(secret=secret)["WEBHOOK-SIGNATURE"]


def test_either_of_two_secrets_is_accepted() -> None:
    other = new_secret()
    verify_webhook([other, SECRET], signed(), BODY, now=AT)
    both = signature_header([other, SECRET], "msg_1", AT, BODY)
    for secret in (SECRET, other):
        verify_webhook(secret, {**signed(), "WEBHOOK-SIGNATURE": both}, BODY, now=AT)


@pytest.mark.parametrize(
    "changed",
    [
        {"Webhook-Id": "msg_2"},
        {"Webhook-Timestamp": str(AT + 1)},
        {"Webhook-Timestamp": "x"},
        {"Webhook-Timestamp": ""},
        {"WEBHOOK-SIGNATURE": ""},
        {"WEBHOOK-SIGNATURE": "v1,"},
        {"WEBHOOK-SIGNATURE": "v1,%%%"},
        {"WEBHOOK-SIGNATURE": "v2," + "A" * 44},
    ],
)
def test_changed_headers_are_refused(changed: dict[str, str]) -> None:
    with pytest.raises(WebhookVerificationError):
        verify_webhook(SECRET, {**signed(), **changed}, BODY, now=AT)


def test_another_body_or_secret_or_a_missing_header_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="no signature"):
        verify_webhook(SECRET, signed(), BODY + b" ", now=AT)
    with pytest.raises(WebhookVerificationError, match="no signature"):
        verify_webhook(new_secret(), signed(), BODY, now=AT)
    for name in signed():
        headers = signed()
        del headers[name]
        with pytest.raises(WebhookVerificationError, match=name.lower()):
            verify_webhook(SECRET, headers, BODY, now=AT)
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook("no secret!", signed(), BODY, now=AT)


@pytest.mark.parametrize(("off", "genuine"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_an_old_post_is_refused(off: int, genuine: bool) -> None:
    if genuine:
        verify_webhook(SECRET, signed(), BODY, now=AT + off)
        return
    with pytest.raises(WebhookVerificationError, match="old"):
        verify_webhook(SECRET, signed(), BODY, now=AT + off)
    verify_webhook(SECRET, signed(), BODY, now=AT + off, tolerance=400)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b"\xff"])
def test_a_signed_body_of_another_form_is_refused(body: bytes) -> None:
    headers = signed()
    headers["WEBHOOK-SIGNATURE"] = signature_header([SECRET], "msg_1", AT, body)
    with pytest.raises(WebhookVerificationError, match="not a MsgCenter webhook body"):
        verify_webhook(SECRET, headers, body, now=AT)


# --- The calls ------------------------------------------------------------------------------------------------------


async def test_every_call_by_both_clients(server: Server, app: Credentials) -> None:
    with receiving() as receiver, Client(server.url, app.app_id, app.app_key) as client:
        await asyncio.to_thread(_call_sync_client, client, receiver.url)
        async with AsyncClient(server.url, app.app_id, app.app_key) as other:
            webhook = await other.create_webhook(receiver.url, ["message.read"])
            await other.update_webhook(webhook.id, events=["message.unread"], paused=True)
            (listed,) = await other.webhooks()
            assert (listed.id, listed.state, listed.pause_reason) == (webhook.id, "paused", "request")
            assert listed.events == ("message.unread",)
            assert datetime.now(UTC) - listed.created_at < timedelta(minutes=1)
            await other.test_webhook(webhook.id)
            assert (await other.webhooks())[0].pending == 1
            assert [delivery async for delivery in other.webhook_deliveries(webhook.id)] == []
            assert await other.replay_webhook(webhook.id, start=0) == 0
            assert (await other.rotate_webhook_secret(webhook.id)).secret != webhook.secret
            await other.delete_webhook(webhook.id)
            with pytest.raises(StateError, match="300006"):
                await other.test_webhook(webhook.id)


def _call_sync_client(client: Client, url: str) -> None:
    webhook = client.create_webhook(url, ["message.read"])
    client.test_webhook(webhook.id)
    deliveries: list[Any] = []
    while not deliveries or deliveries[0].state != "delivered":
        deliveries = list(client.webhook_deliveries(webhook.id))
    assert (deliveries[0].kind, deliveries[0].attempts, deliveries[0].status) == ("webhook.test", 1, 204)
    assert client.replay_webhook(webhook.id, delivery_id=deliveries[0].id) == 1
    client.delete_webhook(webhook.id)
    assert client.webhooks() == ()
