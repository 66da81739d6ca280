"""The message log of an app: searched, and one message with all that there is to know of it."""

import json
from typing import Any

import msgspec
from starlette.responses import Response

from msgcenter.actions.messages.message_log import LogEntry
from msgcenter.actions.messages.message_status import MessageStatus
from msgcenter.domain.content import Kind
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import MAX_ID, first_id_at, parse_message_id
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.portal.portal import Portal, see_other
from msgcenter.portal.visitor import Visitor
from msgcenter.store.messages.messages import MessageFilter
from msgcenter.store.messages.versions import MessageVersion

_ENTRIES = 30
_RECEIPTS = 50
_DELIVERIES = 20
_SHORT = 120
_KINDS: tuple[Kind, ...] = ("text", "link", "oa")


async def message_log(portal: Portal, visitor: Visitor) -> Response:
    """List an app's messages, perhaps those that are searched for."""
    log = None
    try:
        wanted = _filter(portal, visitor)
    except Refusal as refusal:
        visitor.error = refusal
    else:
        if wanted is not None:
            log = await portal.message_log.page(wanted, visitor.query("receiver") or None, _ENTRIES)
    return portal.page(visitor, "messages.html", log=log, preview=preview_of)


def _filter(portal: Portal, visitor: Visitor) -> MessageFilter | None:
    """Return which messages the address asks for; None if there can be none. Refuses with FIELD_MALFORMED."""
    query = visitor.query
    since = portal.templates.moment(query("since"), "since")
    until = portal.templates.moment(query("until"), "until", end=True)
    first_id, before_id = first_id_at(since or 0), MAX_ID if until is None else first_id_at(until)
    if query("msg"):
        message_id = parse_message_id(query("msg"))
        if message_id is None:
            return None
        first_id, before_id = max(first_id, message_id), min(before_id, message_id + 1)
    if query("before"):
        before_id = min(before_id, parse_message_id(query("before")) or 0)
    return MessageFilter(
        visitor.the_app.app.number,
        business_id=query("business") or None,
        kind=next((kind for kind in _KINDS if kind == query("kind")), None),
        first_id=first_id,
        before_id=before_id,
        platform_code=query("platform") or None,
    )


def preview_of(message: Message) -> str:
    """Return how a message begins: its title, or its text."""
    content = json.loads(message.content)
    if message.kind == "text":
        text = content["content"]
    elif message.kind == "link":
        text = f"{content['title']} · {content['content']}"
    else:
        title = content.get("body", {}).get("title", "")
        text = content["head"]["text"] + (f" · {title}" if title else "")
    text = " ".join(text.split())
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


async def message(portal: Portal, visitor: Visitor) -> Response:
    """Show one message."""
    app = visitor.the_app.app
    message_id = parse_message_id(visitor.request.path_params["message_id"])
    read = {"read": True, "unread": False}.get(visitor.query("show"))
    page = await portal.message_statuses.receipts(
        app, message_id, read=read, cursor=visitor.query("cursor") or None, limit=_RECEIPTS
    )
    found = page.status.message
    return portal.page(
        visitor,
        "message.html",
        entry=_entry(page.status, await portal.message_log.named_receivers(found)),
        message=found,
        receipts=page,
        show=visitor.query("show"),
        preview=preview_of,
        card=_card(found),
        versions=[(one, pretty_json(one.content)) for one in await _versions(portal, visitor, found)],
        deliveries=await portal.webhooks.deliveries_about(app, found.id, _DELIVERIES),
        most_deliveries=_DELIVERIES,
        may_change=page.status.state not in {State.RECALLED, State.EXPIRED},
        pretty=pretty_json,
    )


async def _versions(portal: Portal, visitor: Visitor, found: Message) -> list[MessageVersion]:
    """Return all versions, the present one first."""
    return (await portal.sent_messages.versions(visitor.the_app.app, found.id))[::-1]


def _entry(report: MessageStatus, named: tuple[str, ...]) -> LogEntry:
    return LogEntry(report.message, report.state, report.counts, report.topic, named)


def _card(found: Message) -> str:
    """Return what the preview draws, as JSON."""
    closed = {"closedAt": found.closed_at, "closedBy": found.closed_by} if found.approval else None
    card: dict[str, Any] = {
        "request": {"msgtype": found.kind, found.kind: msgspec.Raw(found.content.encode())},
        "facts": {"createdAt": found.send_at or found.created_at, "updatedAt": found.updated_at, "approval": closed},
    }
    return msgspec.json.encode(card).decode()


def pretty_json(text: str) -> str:
    """Return JSON as people read it."""
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2)


async def recall(portal: Portal, visitor: Visitor) -> Response:
    """Withdraw a message."""
    await portal.sent_messages.recall(visitor.the_app.app, _message_id(visitor), by=visitor.actor)
    return _back(visitor, "recalled")


async def remind(portal: Portal, visitor: Visitor) -> Response:
    """Remind those who have not read a message."""
    reminded = await portal.sent_messages.remind(visitor.the_app.app, _message_id(visitor), by=visitor.actor)
    return _back(visitor, "reminded" if reminded else "all-read")


async def replay(portal: Portal, visitor: Visitor) -> Response:
    """Post a delivery that tells of a message again."""
    form, app = visitor.form, visitor.the_app.app
    if _message_id(visitor) is None:
        raise Refusal(Reason.MESSAGE_UNKNOWN)
    await portal.webhooks.replay(app, form["webhook"], delivery_id=form["delivery"], by=visitor.actor)
    return _back(visitor, "replayed")


def _message_id(visitor: Visitor) -> int | None:
    return parse_message_id(visitor.request.path_params["message_id"])


def _back(visitor: Visitor, done: str) -> Response:
    return see_other(f"/apps/{visitor.the_app.app.app_id}/messages/{_message_id(visitor)}", done)
