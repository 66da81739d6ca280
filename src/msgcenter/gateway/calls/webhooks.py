"""The calls under `/msgCenter/webhook/`."""

import msgspec
from msgspec import UNSET

from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.actions.webhooks.registration import WebhookReport, Webhooks
from msgcenter.domain.list_page import parse_cursor
from msgcenter.domain.message_id import parse_message_id
from msgcenter.domain.refusal import Reason, Refusal, contradiction
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.fields import number_of, text_of, value_or_none
from msgcenter.gateway.wire.webhook_structs import (
    CreatedWebhook,
    CreateWebhook,
    DeleteWebhook,
    GetWebhookDeliveries,
    GetWebhooks,
    Replayed,
    ReplayWebhook,
    RotatedSecret,
    RotateWebhookSecret,
    TestWebhook,
    UpdateWebhook,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryList,
    WebhookList,
)
from msgcenter.store.webhooks import deliveries


async def create_webhook(webhooks: Webhooks, caller: Caller, request: CreateWebhook) -> CreatedWebhook:
    """Register a URL for event types."""
    return CreatedWebhook(*await webhooks.create(caller.app, request.url, request.events, by=caller.actor))


async def get_webhooks(webhooks: Webhooks, caller: Caller, _: GetWebhooks) -> WebhookList:
    """List the app's webhooks."""
    return WebhookList([_webhook(report) for report in await webhooks.registered(caller.app)])


def _webhook(report: WebhookReport) -> Webhook:
    webhook = report.webhook
    return Webhook(
        webhook_id=webhook.webhook_id,
        url=webhook.url,
        events=list(webhook.events),
        state=report.state,
        create_time=str(webhook.created_at),
        pending=report.pending,
        pause_reason=webhook.pause_reason or UNSET,
    )


async def update_webhook(webhooks: Webhooks, caller: Caller, request: UpdateWebhook) -> None:
    """Change a webhook's URL or events, pause it or resume it."""
    url, events, paused = value_or_none(request.url), value_or_none(request.events), value_or_none(request.paused)
    if url is None and events is None and paused is None:
        raise Refusal(Reason.FIELD_MISSING, field="url/events/paused")
    await webhooks.update(caller.app, request.webhook_id, url=url, events=events, paused=paused, by=caller.actor)


async def delete_webhook(webhooks: Webhooks, caller: Caller, request: DeleteWebhook) -> None:
    """Delete a webhook."""
    await webhooks.delete(caller.app, request.webhook_id, by=caller.actor)


async def rotate_webhook_secret(webhooks: Webhooks, caller: Caller, request: RotateWebhookSecret) -> RotatedSecret:
    """Replace a webhook's secret."""
    rotated = await webhooks.rotate_secret(caller.app, request.webhook_id, by=caller.actor)
    return RotatedSecret(rotated.secret, str(rotated.previous_until))


async def test_webhook(webhooks: Webhooks, caller: Caller, request: TestWebhook) -> None:
    """Send a test event to a webhook."""
    await webhooks.send_test(caller.app, request.webhook_id, by=caller.actor)


async def get_webhook_deliveries(
    webhook_deliveries: WebhookDeliveries, caller: Caller, request: GetWebhookDeliveries
) -> WebhookDeliveryList:
    """List a webhook's deliveries and their outcomes."""
    message_id = text_of(request.message_id)
    parsed = None if message_id is None else parse_message_id(message_id)
    page = await webhook_deliveries.page(
        caller.app,
        request.webhook_id,
        state=value_or_none(request.state),
        # No delivery is about an id that no message can have; -1 matches none.
        message_id=-1 if message_id is not None and parsed is None else parsed,
        before_number=parse_cursor(value_or_none(request.cursor)),
        limit=request.page_size,
    )
    return WebhookDeliveryList(
        deliveries=[_delivery(delivery) for delivery in page.items],
        next_cursor=UNSET if page.next_cursor is None else str(page.next_cursor),
    )


def _delivery(delivery: deliveries.WebhookDelivery) -> WebhookDelivery:
    return WebhookDelivery(
        delivery_id=delivery.delivery_id,
        type=delivery.kind,
        state=delivery.state,
        attempts=delivery.attempts,
        create_time=str(delivery.created_at),
        body=msgspec.Raw(delivery.body.encode()),
        next_attempt_time=str(delivery.next_attempt_at) if delivery.state == "pending" else UNSET,
        status=UNSET if delivery.last_status is None else delivery.last_status,
        error=delivery.last_error or UNSET,
        response=delivery.last_response or UNSET,
    )


async def replay_webhook(webhook_deliveries: WebhookDeliveries, caller: Caller, request: ReplayWebhook) -> Replayed:
    """Post a delivery again, or all deliveries since a time."""
    delivery_id, since = value_or_none(request.delivery_id), number_of(request.start_time)
    if delivery_id is None and since is None:
        raise Refusal(Reason.FIELD_MISSING, field="deliveryId/startTime")
    if delivery_id is not None and since is not None:
        raise contradiction("deliveryId/startTime", "两者只能传一个", "only one of them may be used")
    count = await webhook_deliveries.replay(
        caller.app, request.webhook_id, delivery_id=delivery_id, since=since, by=caller.actor
    )
    return Replayed(count)
