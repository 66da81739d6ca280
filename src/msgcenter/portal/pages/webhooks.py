"""The webhooks of an app: registered, looked after, their deliveries seen and replayed."""

from collections.abc import Mapping
from typing import Any, get_args

from starlette.responses import Response

from msgcenter.domain.message_id import MAX_ID, parse_message_id
from msgcenter.domain.refusal import malformed
from msgcenter.domain.webhook import WebhookKind
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.portal.pages.messages import pretty_json
from msgcenter.portal.portal import Portal, see_other
from msgcenter.portal.visitor import Form, Visitor

KINDS: tuple[WebhookKind, ...] = get_args(WebhookKind)
_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
_DELIVERIES = 30
_MAX_URL = 2_048


async def webhooks(portal: Portal, visitor: Visitor) -> Response:
    """List an app's webhooks, and let one be added."""
    registered = await portal.webhooks.registered(visitor.the_app.app)
    return portal.page(visitor, "webhooks.html", webhooks=registered, kinds=KINDS)


async def create(portal: Portal, visitor: Visitor) -> Response:
    """Register a webhook and show its secret, once."""
    app = visitor.the_app.app
    made = await portal.webhooks.create(app, _url(visitor.form), _events(visitor.form), by=visitor.actor)
    values: dict[str, Any] = {"webhook_id": made.webhook_id, "secret": made.secret, "previous_until": None}
    return portal.page(visitor, "webhook_secret.html", 201, **values)


async def webhook(portal: Portal, visitor: Visitor) -> Response:
    """Show one webhook with its deliveries."""
    app, webhook_id = visitor.the_app.app, visitor.request.path_params["webhook_id"]
    report = await portal.webhooks.find(app, webhook_id)
    before, message = parse_message_id(visitor.query("before")), visitor.query("msg")
    page = await portal.webhooks.deliveries(
        app,
        webhook_id,
        state=next((state for state in _STATES if state == visitor.query("state")), None),
        # An id that no message can have is in no delivery.
        message_id=(parse_message_id(message) or -1) if message else None,
        before_number=MAX_ID if before is None else before,
        limit=_DELIVERIES,
    )
    return portal.page(
        visitor, "webhook.html", report=report, webhook=report.webhook, page=page, kinds=KINDS, pretty=pretty_json
    )


async def change(portal: Portal, visitor: Visitor) -> Response:
    """Change where a webhook goes and what it is told."""
    url, events = _url(visitor.form), _events(visitor.form)
    await portal.webhooks.update(visitor.the_app.app, _id(visitor), url=url, events=events, by=visitor.actor)
    return _back(visitor, "saved")


async def pause(portal: Portal, visitor: Visitor) -> Response:
    """Pause a webhook, or go on with it."""
    paused = visitor.form["paused"] == "1"
    await portal.webhooks.update(visitor.the_app.app, _id(visitor), paused=paused, by=visitor.actor)
    return _back(visitor, "paused" if paused else "resumed")


async def rotate(portal: Portal, visitor: Visitor) -> Response:
    """Give a webhook a new secret and show it, once."""
    rotated = await portal.webhooks.rotate_secret(visitor.the_app.app, _id(visitor), by=visitor.actor)
    values: dict[str, Any] = {
        "webhook_id": _id(visitor),
        "secret": rotated.secret,
        "previous_until": rotated.previous_until,
    }
    return portal.page(visitor, "webhook_secret.html", **values)


async def delete(portal: Portal, visitor: Visitor) -> Response:
    """Delete a webhook."""
    await portal.webhooks.delete(visitor.the_app.app, _id(visitor), by=visitor.actor)
    return see_other(f"/apps/{visitor.the_app.app.app_id}/webhooks", "deleted")


async def send_test(portal: Portal, visitor: Visitor) -> Response:
    """Send a test event."""
    await portal.webhooks.send_test(visitor.the_app.app, _id(visitor), by=visitor.actor)
    return _back(visitor, "test-sent")


async def replay(portal: Portal, visitor: Visitor) -> Response:
    """Post a delivery again, or all since a time."""
    form = visitor.form
    delivery_id = form["delivery"] or None
    since = None if delivery_id else portal.templates.moment(form["since"], "since")
    if delivery_id is None and since is None:
        raise malformed("since", "请填写时间", "must be given")
    count = await portal.webhooks.replay(
        visitor.the_app.app, _id(visitor), delivery_id=delivery_id, since=since, by=visitor.actor
    )
    return _back(visitor, "replayed" if count else "nothing-replayed")


def _id(visitor: Visitor) -> str:
    webhook_id: str = visitor.request.path_params["webhook_id"]
    return webhook_id


def _back(visitor: Visitor, done: str) -> Response:
    return see_other(f"/apps/{visitor.the_app.app.app_id}/webhooks/{_id(visitor)}", done)


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
