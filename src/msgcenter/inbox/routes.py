"""Every URL of the inbox on one screen."""

from starlette.routing import BaseRoute, Mount, Route

from msgcenter.inbox import api
from msgcenter.inbox.openapi import openapi
from msgcenter.inbox.page import ComponentFiles, inbox_page
from msgcenter.inbox.stream import open_stream
from msgcenter.inbox.visitor import Handler, Inboxes, endpoint

_BASE = "/inbox/v1"


def routes(inboxes: Inboxes) -> list[BaseRoute]:
    """Return the inbox's routes."""

    def get(path: str, handler: Handler) -> Route:
        return Route(_BASE + path, endpoint(inboxes, handler), methods=["GET", "OPTIONS"])

    def post(path: str, handler: Handler) -> Route:
        return Route(_BASE + path, endpoint(inboxes, handler), methods=["POST", "OPTIONS"])

    return [
        get("/messages", api.list_messages),
        post("/messages/status", api.set_status),
        post("/messages/read-all", api.read_all),
        post("/messages/archive", api.archive),
        get("/messages/{id}", api.get_message),
        get("/counts", api.get_counts),
        get("/stream", open_stream),
        Route(_BASE + "/openapi.json", openapi),
        Route("/inbox", inbox_page(inboxes)),
        Mount("/inbox", ComponentFiles()),
    ]
