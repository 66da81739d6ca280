"""The webhooks of an app: registration, state, deliveries, replay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from starlette.responses import Response

from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.actions.webhooks.registration import Webhooks
from msgcenter.domain.message_id import MAX_ID, parse_message_id
from msgcenter.domain.refusal import malformed
from msgcenter.domain.webhook import WebhookKind
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import Form, PageRequest
from msgcenter.portal.pages.messages import pretty_json
from msgcenter.portal.times import Times

KINDS: tuple[WebhookKind, ...] = get_args(WebhookKind)
_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
_DELIVERIES = 30
_MAX_URL = 2_048


@dataclass(frozen=True)
class WebhookPages:
    """Show and change an app's webhooks."""

    webhooks: Webhooks
    deliveries: WebhookDeliveries
    times: Times

    async def list_webhooks(self, request: PageRequest) -> Answer:
        """List an app's webhooks, with a form to add one."""
        registered = await self.webhooks.registered(request.required_app.app)
        return View("webhooks.html", {"webhooks": registered, "kinds": KINDS})

    async def create(self, request: PageRequest) -> Answer:
        """Register a webhook and show its secret, once."""
        app = request.required_app.app
        created = await self.webhooks.create(app, _url(request.form), _events(request.form), by=request.actor)
        values = {"webhook_id": created.webhook_id, "secret": created.secret, "previous_until": None}
        return View("webhook_secret.html", values, 201)

    async def webhook(self, request: PageRequest) -> Answer:
        """Show one webhook with its deliveries."""
        app, webhook_id = request.required_app.app, _webhook_id(request)
        report = await self.webhooks.find(app, webhook_id)
        before, message = parse_message_id(request.query("before")), request.query("msg")
        page = await self.deliveries.page(
            app,
            webhook_id,
            state=next((state for state in _STATES if state == request.query("state")), None),
            # -1 matches no delivery.
            message_id=(parse_message_id(message) or -1) if message else None,
            before_number=MAX_ID if before is None else before,
            limit=_DELIVERIES,
        )
        values = {"report": report, "webhook": report.webhook, "page": page, "kinds": KINDS, "pretty": pretty_json}
        return View("webhook.html", values)

    async def change(self, request: PageRequest) -> Answer:
        """Change a webhook's URL and events."""
        app, url, events = request.required_app.app, _url(request.form), _events(request.form)
        await self.webhooks.update(app, _webhook_id(request), url=url, events=events, by=request.actor)
        return _back(request, "saved")

    async def pause(self, request: PageRequest) -> Answer:
        """Pause a webhook, or resume it."""
        app, paused = request.required_app.app, request.form["paused"] == "1"
        await self.webhooks.update(app, _webhook_id(request), paused=paused, by=request.actor)
        return _back(request, "paused" if paused else "resumed")

    async def rotate(self, request: PageRequest) -> Answer:
        """Create a new secret for a webhook and show it, once."""
        webhook_id = _webhook_id(request)
        rotated = await self.webhooks.rotate_secret(request.required_app.app, webhook_id, by=request.actor)
        values = {"webhook_id": webhook_id, "secret": rotated.secret, "previous_until": rotated.previous_until}
        return View("webhook_secret.html", values)

    async def delete(self, request: PageRequest) -> Answer:
        """Delete a webhook."""
        await self.webhooks.delete(request.required_app.app, _webhook_id(request), by=request.actor)
        return see_other(f"/apps/{request.app_id}/webhooks", "deleted")

    async def send_test(self, request: PageRequest) -> Answer:
        """Send a test event."""
        await self.webhooks.send_test(request.required_app.app, _webhook_id(request), by=request.actor)
        return _back(request, "test-sent")

    async def replay(self, request: PageRequest) -> Answer:
        """Post one delivery again, or all since a time."""
        form = request.form
        delivery_id = form["delivery"] or None
        since = None if delivery_id else self.times.moment(form["since"], "since")
        if delivery_id is None and since is None:
            raise malformed("since", "请填写时间", "must be given")
        count = await self.deliveries.replay(
            request.required_app.app, _webhook_id(request), delivery_id=delivery_id, since=since, by=request.actor
        )
        return _back(request, "replayed" if count else "nothing-replayed")


def _webhook_id(request: PageRequest) -> str:
    return request.path_part("webhook_id")


def _back(request: PageRequest, done: str) -> Response:
    return see_other(f"/apps/{request.app_id}/webhooks/{_webhook_id(request)}", done)


def _url(form: Mapping[str, str]) -> str:
    url = form["url"]
    if not 1 <= len(url) <= _MAX_URL:
        raise malformed("url", f"须为1–{_MAX_URL}个字符", f"must be 1-{_MAX_URL} characters")
    return url


def _events(form: Form) -> list[WebhookKind]:
    events = [kind for kind in KINDS if form[f"event.{kind}"]]
    if not events:
        raise malformed("events", "请至少选择一项", "must be at least one")
    return events
