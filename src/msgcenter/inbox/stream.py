"""The live stream of one inbox, as Server-Sent Events."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from msgcenter.actions.mailboxes.inbox import InboxPage, InboxQuery
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, Viewer
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.inbox.api import page_limit
from msgcenter.inbox.views import (
    CountsView,
    ReadyView,
    counts_view,
    ids_view,
    message_list_view,
    message_view,
    state_view,
)
from msgcenter.inbox.visitor import Inboxes, token_of
from msgcenter.live.hub import News, Watch

_log = structlog.get_logger(__name__)
_BEAT_SECONDS = 20.0
_STALLED_SECONDS = 30.0
"""A reader who takes nothing for this long loses the stream; it opens another when it is back."""
_BEAT = b": beat\n\n"
_STAY_AWAY_MS = 60_000
"""For how long whoever knows nothing of `replaced` leaves the newer streams alone."""


async def open_stream(inboxes: Inboxes, request: Request, viewer: Viewer) -> Response:
    """Answer with the events of the viewer's inbox until it goes or its token ends.

    With the parameter `list` (1-100), an event `list` follows `ready`: the first page of the unfiltered list, with at
    most so many messages.
    """
    limit = request.query_params.get("list")
    length = 0 if limit is None else page_limit("list", limit)
    if request.method == "HEAD":
        return Response(media_type=_EventStream.media_type)
    return _EventStream(inboxes, viewer, token_of(request), length)


class _EventStream(Response):
    """Sends events as they come. Nothing is buffered: what is not told yet is a few ids in the watch."""

    media_type = "text/event-stream"

    def __init__(self, inboxes: Inboxes, viewer: Viewer, token: str, list_length: int = 0) -> None:
        super().__init__(headers={"x-accel-buffering": "no", "cache-control": "no-store"})
        del self.headers["content-length"]
        self._inboxes = inboxes
        self._viewer = viewer
        self._token = token
        self._list_length = list_length
        self._newest: int | None = None

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        watch = self._inboxes.hub.open(self._viewer.recipient)
        gone = asyncio.create_task(_closes_when_gone(receive, watch))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in self._events(watch):
                async with asyncio.timeout(_STALLED_SECONDS):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            _log.info("a stalled reader has lost its stream")
        except (Refusal, UserTokenError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._inboxes.hub.forget(watch)

    async def _events(self, watch: Watch) -> AsyncIterator[bytes]:
        await self._inboxes.hub.announced()  # what comes after this look at the inbox is told
        page = await self._list(max(1, self._list_length))
        counts, self._newest = await self._counts(), _newest_of(page)
        newest = None if self._newest is None else str(self._newest)
        begin = b"retry: 2000\n\n" + _event("ready", ReadyView(counts, newest))
        yield begin + (_event("list", message_list_view(page)) if self._list_length else b"")
        look_at = time.monotonic() + _BEAT_SECONDS
        while not watch.is_over():
            left = (self._viewer.expires_at - now_ms()) / 1_000
            if left <= 0:
                return
            has_news = await watch.wait(max(0.0, min(look_at - time.monotonic(), left)))
            if time.monotonic() >= look_at:
                # By the clock, however busy the inbox is: whoever lost the right to look loses the stream here.
                self._viewer = await self._inboxes.user_tokens.viewer(self._token)
                look_at = time.monotonic() + _BEAT_SECONDS
            if not has_news:
                # A ping may be lost with the connection that carries it: look whether all is told.
                state = await self._state()
                yield _BEAT if state == (counts, self._newest) else _event("reload") + _event("counts", state[0])
                counts, self._newest = state
                continue
            if watch.is_over():
                break
            async for event in self._news(watch.take()):
                yield event
            counts = await self._counts()
            yield _event("counts", counts)
        if watch.replaced:
            yield f"retry: {_STAY_AWAY_MS}\n".encode() + _event("replaced")

    async def _counts(self) -> CountsView:
        return counts_view(await self._inboxes.inbox.counts(self._viewer))

    async def _state(self) -> tuple[CountsView, int | None]:
        page = await self._list(1)
        return await self._counts(), _newest_of(page)

    async def _list(self, limit: int) -> InboxPage:
        return await self._inboxes.inbox.list_messages(self._viewer, InboxQuery(limit=limit))

    async def _news(self, news: News) -> AsyncIterator[bytes]:
        inbox = self._inboxes.inbox
        if news.reload:
            yield _event("reload")
        if news.arrived:
            found = await inbox.find(self._viewer, news.arrived)
            for shown in sorted(found, key=lambda one: one.message.id):
                yield _event("message", message_view(shown), str(shown.message.id))
                self._newest = max(self._newest or 0, shown.message.id)
        if news.updated:
            for shown in await inbox.find(self._viewer, news.updated):
                yield _event("update", message_view(shown))
        if news.changed and (found := await inbox.find(self._viewer, news.changed)):
            yield _event("status", {"messages": [state_view(shown) for shown in found]})
        if news.removed and (ids := await inbox.visible_ids(self._viewer, news.removed)):
            yield _event("removed", {"ids": ids_view(ids)})
        if news.reminded:
            for shown in await inbox.find(self._viewer, news.reminded):
                if shown.entry.read_at is None:
                    yield _event("reminder", message_view(shown))


def _newest_of(page: InboxPage) -> int | None:
    return page.messages[0].message.id if page.messages else None


async def _closes_when_gone(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.close()


def _event(name: str, data: object = None, event_id: str | None = None) -> bytes:
    prefix = f"id: {event_id}\n" if event_id else ""
    return f"{prefix}event: {name}\ndata: ".encode() + encode({} if data is None else data) + b"\n\n"
