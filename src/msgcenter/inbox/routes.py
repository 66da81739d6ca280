"""All URLs of the inbox on one screen."""

from starlette.routing import Route

from msgcenter.inbox import api, preferences, push
from msgcenter.inbox.app_files import manifest_file, worker_file
from msgcenter.inbox.endpoint import Endpoint, Handler, Inboxes
from msgcenter.inbox.links import follow_link, unsubscribe_page
from msgcenter.inbox.openapi import openapi
from msgcenter.inbox.page import component_file, inbox_page, plain, unknown_call
from msgcenter.inbox.stream import open_stream

PREFIX = "/inbox"
_BASE = "/inbox/v1"


def routes(inboxes: Inboxes) -> list[Route]:
    """Return the inbox's routes."""

    def get(path: str, handler: Handler) -> Route:
        return Route(_BASE + path, Endpoint(inboxes, {"GET": handler}))

    def post(path: str, handler: Handler) -> Route:
        return Route(_BASE + path, Endpoint(inboxes, {"POST": handler}))

    return [
        get("/messages", api.list_messages),
        post("/messages/status", api.set_status),
        post("/messages/read-all", api.read_all),
        post("/messages/archive", api.archive),
        post("/messages/star", api.star),
        post("/messages/delete", api.delete),
        post("/messages/snooze", api.snooze),
        post("/apps/{app_id}/mute", api.mute),
        get("/messages/{id}", api.get_message),
        get("/counts", api.get_counts),
        get("/framing", api.get_framing),
        get("/stream", open_stream),
        get("/push", push.get_push),
        post("/push/subscriptions", push.add_subscription),
        post("/push/subscriptions/remove", push.remove_subscription),
        Route(_BASE + "/push/subscriptions/renew", plain(inboxes, push.renew_subscription(inboxes), methods=("POST",))),
        Route(
            _BASE + "/preferences",
            Endpoint(inboxes, {"GET": preferences.get_preferences, "PUT": preferences.set_preferences}),
        ),
        post("/preferences/contacts/remove", preferences.remove_contact),
        Route(_BASE + "/link", plain(inboxes, follow_link(inboxes), methods=("POST",))),
        Route(_BASE + "/openapi.json", plain(inboxes, openapi)),
        Route(_BASE + "/{rest:path}", plain(inboxes, unknown_call)),
        Route("/inbox", plain(inboxes, inbox_page(inboxes))),
        Route("/inbox/unsubscribe", plain(inboxes, unsubscribe_page(inboxes), methods=("GET", "POST"))),
        Route("/inbox/manifest.webmanifest", plain(inboxes, manifest_file(), is_file=True)),
        Route("/inbox/service-worker.js", plain(inboxes, worker_file(), is_file=True)),
        Route("/inbox/{name:path}", plain(inboxes, component_file(), is_file=True)),
    ]
