"""The OpenAPI 3.1 document of the inbox API, built from the structs of its requests and answers."""

from functools import lru_cache
from typing import Any, get_args

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from msgcenter import __version__
from msgcenter.inbox.api import Archive, Delete, Mute, ReadAll, SetStatus, Snooze, Star
from msgcenter.inbox.links import FollowLink, LinkView
from msgcenter.inbox.preferences import PreferencesView, RemoveContact, SetPreferences
from msgcenter.inbox.push import (
    AddSubscription,
    PushView,
    RemovedView,
    RemoveSubscription,
    RenewedView,
    RenewSubscription,
    SubscribedView,
)
from msgcenter.inbox.views import ChangedView, CountsView, FramingView, MessageListView, MessageView
from msgcenter.store.mailboxes.reading import Filter
from msgcenter.web.base_path import root_of

_REF = "#/components/schemas/{name}"
_Schema = dict[str, Any]
_NO_MESSAGE = "The message does not exist"
_STATUSES = {
    "400": "A field is invalid",
    "401": "The token is missing, expired or invalid",
    "403": "This website may not use the token",
    "429": "Too many requests; retry after Retry-After seconds",
    "503": "Temporarily unavailable; retry",
}


async def openapi(request: Request) -> Response:
    """Return the document."""
    return Response(document(root_of(request.scope)), media_type="application/json")


@lru_cache(maxsize=8)
def document(root: str) -> bytes:
    """Return the document as JSON, for a server under the base path `root` ("" for none)."""
    structs: list[type[Struct]] = [
        MessageListView,
        MessageView,
        CountsView,
        FramingView,
        ChangedView,
        SetStatus,
        ReadAll,
        Archive,
        PushView,
        AddSubscription,
        SubscribedView,
        RenewSubscription,
        RenewedView,
        RemoveSubscription,
        RemovedView,
        Star,
        Delete,
        Snooze,
        Mute,
        PreferencesView,
        SetPreferences,
        RemoveContact,
        FollowLink,
        LinkView,
    ]
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REF)
    base = "/inbox/v1/"
    query = [
        _parameter("filter", {"enum": list(get_args(Filter)), "default": "all"}),
        _parameter("app", {"type": "string"}),
        _parameter("kind", {"enum": ["text", "link", "oa"]}),
        _parameter("q", {"type": "string", "maxLength": 64}),
        _parameter("cursor", {"type": "string"}),
        _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 30}),
        _parameter("counts", {"enum": ["0", "1"], "default": "0"}),
        {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}},
    ]
    framed = {"type": "array", "items": {"type": "string"}}
    identity, app_id = (
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("id", "appId")
    )
    stream = {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    paths = {
        base + "messages": {"get": _list_operation(query)},
        base + "messages/{id}": {
            "get": _operation("Get a message", MessageView, parameters=[identity], missing=_NO_MESSAGE)
        },
        base + "counts": {"get": _operation("Get the counts", CountsView)},
        base + "framing": {
            "get": _operation(
                "Whether websites may show the page in a frame", FramingView, parameters=[_parameter("in", framed)]
            )
        },
        base + "messages/status": {"post": _operation("Set messages read or unread", ChangedView, SetStatus)},
        base + "messages/read-all": {
            "post": _operation("Set all messages of a list read, up to one", ChangedView, ReadAll)
        },
        base + "messages/archive": {"post": _operation("Archive messages, or bring them back", ChangedView, Archive)},
        base + "push": {"get": _operation("The key for push messages, and the browsers that get them", PushView)},
        base + "push/subscriptions": {
            "post": _operation("Send push messages to a browser", SubscribedView, AddSubscription)
        },
        base + "push/subscriptions/renew": {
            "post": _public(
                _operation("Replace a browser's subscription with its next one", RenewedView, RenewSubscription),
                ended="The subscription is there no longer",
            )
        },
        base + "push/subscriptions/remove": {
            "post": _operation("Send push messages to a browser no longer", RemovedView, RemoveSubscription)
        },
        base + "messages/star": {"post": _operation("Star messages, or take their stars away", ChangedView, Star)},
        base + "messages/delete": {
            "post": _operation("Delete messages from the user's view, or take that back", ChangedView, Delete)
        },
        base + "messages/snooze": {
            "post": _operation("Hide messages until a time, or show them at once", ChangedView, Snooze)
        },
        base + "apps/{appId}/mute": {
            "post": _operation(
                "Mute an app, or end that", CountsView, Mute, parameters=[app_id], missing="The app does not exist"
            )
        },
        base + "preferences": {
            "get": _operation("What the user can choose about channels, and has chosen", PreferencesView),
            "put": _operation("Replace what the user has chosen", PreferencesView, SetPreferences),
        },
        base + "preferences/contacts/remove": {
            "post": _operation("Remove a contact point of the user", RemovedView, RemoveContact)
        },
        base + "link": {
            "post": _public(
                _operation("Exchange the token of a link in a mail for a user token", LinkView, FollowLink),
                ended="The link is invalid or has ended",
            )
        },
        base + "stream": {
            "get": {
                "summary": "Live events",
                "parameters": [_parameter("list", {"type": "integer", "minimum": 1, "maximum": 100})],
                "responses": {"200": stream, **_problems()},
            }
        },
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "MsgCenter inbox", "version": __version__},
            "servers": [{"url": root or "/"}],
            "security": [{"bearer": []}],
            "paths": paths,
            "components": {
                "schemas": {**schemas, "Problem": _PROBLEM},
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
        }
    )


_PROBLEM: _Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}


def _parameter(name: str, schema: _Schema) -> _Schema:
    return {"name": name, "in": "query", "schema": schema}


def _ref(name: str) -> _Schema:
    return {"$ref": _REF.format(name=name)}


def _operation(
    summary: str,
    answer: type[Struct],
    body: type[Struct] | None = None,
    *,
    parameters: list[_Schema] | None = None,
    missing: str | None = None,
) -> _Schema:
    operation: _Schema = {
        "summary": summary,
        "parameters": parameters or [],
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": _ref(answer.__name__)}}},
            **_problems(),
        },
    }
    if missing:
        operation["responses"]["404"] = _problem(missing)
    if body is not None:
        content = {"application/json": {"schema": _ref(body.__name__)}}
        operation["requestBody"] = {"required": True, "content": content}
        operation["responses"]["413"] = _problem("The body is too large")
    return operation


def _list_operation(parameters: list[_Schema]) -> _Schema:
    operation = _operation("List messages, perhaps with the counts", MessageListView, parameters=parameters)
    etag = {"ETag": {"schema": {"type": "string"}}}
    operation["responses"]["200"]["headers"] = etag
    operation["responses"]["304"] = {
        "description": "The list is the one with the tag of If-None-Match",
        "headers": etag,
    }
    return operation


def _public(operation: _Schema, *, ended: str) -> _Schema:
    """Return an operation that needs no user token, but something that can end."""
    operation["security"] = []
    operation["responses"]["410"] = _problem(ended)
    return operation


def _problems() -> _Schema:
    return {status: _problem(text) for status, text in _STATUSES.items()}


def _problem(text: str) -> _Schema:
    return {"description": text, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
