"""The message log of an app: search, and one message with its receipts, versions and webhook deliveries."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from msgcenter.actions.messages.message_log import LogEntry, MessageLog
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.domain.content import Kind
from msgcenter.domain.message import Message, State
from msgcenter.domain.message_id import MAX_ID, first_id_at, parse_message_id
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.org_reports import OrgReports, first_row
from msgcenter.portal.times import Times
from msgcenter.store.messages.messages import MessageFilter

_ENTRIES = 30
_RECEIPTS = 50
_DELIVERIES = 20
_PREVIEW_LENGTH = 120
_READ = {"read": True, "unread": False}
"""What the filter of receivers asks for."""
_KINDS: tuple[Kind, ...] = ("text", "link", "oa")


@dataclass(frozen=True)
class MessagePages:
    """Search and show the messages of an app; recall, remind, replay."""

    message_log: MessageLog
    message_statuses: MessageStatuses
    sent_messages: SentMessages
    webhook_deliveries: WebhookDeliveries
    reports: OrgReports
    times: Times

    async def search(self, request: PageRequest) -> Answer:
        """List the messages that match the query."""
        values: dict[str, Any] = {"log": None, "preview": preview_of}
        try:
            message_filter = self._filter(request)
        except Refusal as refusal:
            return View("messages.html", values, error=refusal)
        if message_filter is not None:
            receiver = request.query("receiver") or None
            values["log"] = await self.message_log.page(message_filter, receiver, _ENTRIES)
        return View("messages.html", values)

    def _filter(self, request: PageRequest) -> MessageFilter | None:
        """Return the filter in the query; None if no message can match. Refuses with FIELD_MALFORMED."""
        query = request.query
        since = self.times.moment(query("since"), "since")
        until = self.times.moment(query("until"), "until", end=True)
        first_id, before_id = first_id_at(since or 0), MAX_ID if until is None else first_id_at(until)
        if query("msg"):
            message_id = parse_message_id(query("msg"))
            if message_id is None:
                return None
            first_id, before_id = max(first_id, message_id), min(before_id, message_id + 1)
        if query("before"):
            before_id = min(before_id, parse_message_id(query("before")) or 0)
        return MessageFilter(
            request.required_app.app.number,
            business_id=query("business") or None,
            kind=next((kind for kind in _KINDS if kind == query("kind")), None),
            first_id=first_id,
            before_id=before_id,
            platform_code=query("platform") or None,
        )

    async def message(self, request: PageRequest) -> Answer:
        """Show one message."""
        app = request.required_app.app
        page = await self.message_statuses.receipts(
            app,
            _message_id(request),
            read=_READ.get(request.query("show")),
            cursor=request.query("cursor") or None,
            limit=_RECEIPTS,
            org_id=request.query("org") or None,
        )
        status = page.status
        message = status.message
        report = None
        if status.organisations is not None:
            opened, first = request.query("report"), first_row(request)
            report = await self.reports.report(message, status.organisations, opened, first)
        sums = await self.message_statuses.channels.sums(message)
        outcomes = {}
        if sums:
            user_ids = [receipt.user_id for receipt in page.receipts]
            outcomes = await self.message_statuses.channels.of_users(message, user_ids)
        named = await self.message_log.named_receivers(message)
        versions = await self.sent_messages.versions(app, message.id)
        return View(
            "message.html",
            {
                "entry": LogEntry(message, status.state, status.counts, status.topic, named, status.organisations),
                "message": message,
                "report": report,
                "receipts": page,
                "names": await self.reports.names(request, message, [receipt.user_id for receipt in page.receipts]),
                "channel_sums": sums,
                "channel_outcomes": outcomes,
                "show": request.query("show"),
                "org": request.query("org"),
                "preview": preview_of,
                "card": _card(message),
                "versions": [(version, pretty_json(version.content)) for version in reversed(versions)],
                "deliveries": await self.webhook_deliveries.about_message(app, message.id, _DELIVERIES),
                "max_deliveries": _DELIVERIES,
                "can_change": status.state not in {State.RECALLED, State.EXPIRED},
                "pretty": pretty_json,
            },
        )

    async def report_csv(self, request: PageRequest) -> Answer:
        """Export a level of the report of a message to organisations."""
        status = await self.message_statuses.status(request.required_app.app, _message_id(request))
        if status.organisations is None:
            return see_other(f"/apps/{request.app_id}/messages/{status.message.id}")
        return await self.reports.report_csv(request, status.message)

    async def receivers_csv(self, request: PageRequest) -> Answer:
        """Export the receivers of a message, all or only those in an organisation, who have (not) read it."""
        status = await self.message_statuses.status(request.required_app.app, _message_id(request))
        return await self.reports.receivers_csv(request, status.message, read=_READ.get(request.query("show")))

    async def recall(self, request: PageRequest) -> Answer:
        """Recall a message."""
        await self.sent_messages.recall(request.required_app.app, _message_id(request), by=request.actor)
        return _back(request, "recalled")

    async def remind(self, request: PageRequest) -> Answer:
        """Remind the receivers who have not read a message."""
        app = request.required_app.app
        reminded = await self.sent_messages.remind(app, _message_id(request), by=request.actor)
        return _back(request, "reminded" if reminded else "all-read")

    async def replay(self, request: PageRequest) -> Answer:
        """Post a webhook delivery about a message again."""
        form, app = request.form, request.required_app.app
        if _message_id(request) is None:
            raise Refusal(Reason.MESSAGE_UNKNOWN)
        await self.webhook_deliveries.replay(app, form["webhook"], delivery_id=form["delivery"], by=request.actor)
        return _back(request, "replayed")


def preview_of(message: Message) -> str:
    """Return the beginning of a message: its title or its text, at most 120 characters."""
    content = json.loads(message.content)
    if message.kind == "text":
        text = content["content"]
    elif message.kind == "link":
        text = f"{content['title']} · {content['content']}"
    else:
        title = content.get("body", {}).get("title", "")
        text = content["head"]["text"] + (f" · {title}" if title else "")
    text = " ".join(text.split())
    return text if len(text) <= _PREVIEW_LENGTH else text[: _PREVIEW_LENGTH - 1] + "…"


def _card(message: Message) -> str:
    """Return what preview.js draws, as JSON."""
    closed = {"closedAt": message.closed_at, "closedBy": message.closed_by} if message.approval else None
    created_at = message.send_at or message.created_at
    card: dict[str, Any] = {
        "request": {"msgtype": message.kind, message.kind: msgspec.Raw(message.content.encode())},
        "facts": {
            "createdAt": created_at,
            "updatedAt": message.updated_at,
            "approval": closed,
            "senderName": message.sender_name,
        },
    }
    return msgspec.json.encode(card).decode()


def pretty_json(text: str) -> str:
    """Return JSON with indentation."""
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2)


def _message_id(request: PageRequest) -> int | None:
    return parse_message_id(request.path_part("message_id"))


def _back(request: PageRequest, done: str) -> Response:
    return see_other(f"/apps/{request.app_id}/messages/{_message_id(request)}", done)
