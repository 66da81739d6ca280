"""The live stream of one inbox, as Server-Sent Events."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from msgspec.json import encode
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from msgcenter.actions.mailboxes.inbox_views import InboxList, InboxQuery
from msgcenter.actions.mailboxes.user_tokens import UserTokenError, Viewer
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Refusal
from msgcenter.inbox.api import page_limit
from msgcenter.inbox.call import Call
from msgcenter.inbox.endpoint import Inboxes
from msgcenter.inbox.views import (
    CountsView,
    ReadyView,
    counts_view,
    ids_view,
    message_list_view,
    message_view,
    state_view,
)
from msgcenter.live.hub import PendingEvents, Watch

_log = structlog.get_logger(__name__)
_BEAT_SECONDS = 20.0
_STALLED_SECONDS = 30.0
"""A client that reads nothing for this long loses its stream; it opens another when it is back."""
_BEAT = b": beat\n\n"
_REPLACED_RETRY_MS = 60_000
"""For how long a client that does not know the event `replaced` waits before it opens a stream again."""


async def open_stream(inboxes: Inboxes, call: Call, viewer: Viewer) -> Response:
    """Answer with the events of the viewer's inbox, until the client goes or its token ends.

    With the parameter `list` (1-100), an event `list` follows `ready`: the first page of the unfiltered list, with at
    most this many messages.
    """
    limit = call.query.get("list")
    list_length = 0 if limit is None else page_limit("list", limit)
    if call.method == "HEAD":
        return Response(media_type=_EventStream.media_type)
    return _EventStream(inboxes, viewer, list_length)


class _EventStream(Response):
    """Sends events as they come. Nothing is buffered: pending events are a few ids in the watch."""

    media_type = "text/event-stream"

    def __init__(self, inboxes: Inboxes, viewer: Viewer, list_length: int = 0) -> None:
        super().__init__(headers={"x-accel-buffering": "no", "cache-control": "no-store"})
        del self.headers["content-length"]
        self._inboxes = inboxes
        self._viewer = viewer
        self._list_length = list_length
        self._counts: CountsView | None = None
        self._newest: int | None = None
        self._woken_ids: frozenset[int] = frozenset()
        self._next_beat = 0.0

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        watch = self._inboxes.hub.subscribe(self._viewer.recipient)
        disconnected = asyncio.create_task(_close_on_disconnect(receive, watch))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in self._events(watch):
                async with asyncio.timeout(_STALLED_SECONDS):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            _log.info("a stalled client lost its stream")
        except (Refusal, UserTokenError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            disconnected.cancel()
            self._inboxes.hub.unsubscribe(watch)

    async def _events(self, watch: Watch) -> AsyncIterator[bytes]:
        await self._inboxes.hub.announced()  # every event after the first state reaches this stream
        yield await self._first_events()
        while not watch.is_closing():
            seconds_left = (self._viewer.expires_at - now_ms()) / 1_000
            if seconds_left <= 0:
                return
            has_events = await watch.wait(max(0.0, min(self._next_beat - time.monotonic(), seconds_left)))
            await self._check_viewer()
            if not has_events:
                yield await self._beat()
                continue
            if watch.is_closing():
                break
            async for event in self._pending_events(watch.drain()):
                yield event
            counts, woken_ids = await self._inboxes.inbox.counts_and_woken(self._viewer)
            if woken := await self._woken_events(woken_ids):
                yield woken
            self._counts = counts_view(counts)
            yield _event("counts", self._counts)
        if watch.replaced:
            yield f"retry: {_REPLACED_RETRY_MS}\n".encode() + _event("replaced")

    async def _first_events(self) -> bytes:
        """Return the event `ready`, and `list` if the client asked for it."""
        listed = await self._read_list(InboxQuery(limit=max(1, self._list_length)))
        self._counts, self._newest = counts_view(listed.counts), _newest_of(listed)
        self._woken_ids = listed.woken_ids
        self._next_beat = time.monotonic() + _BEAT_SECONDS
        newest = None if self._newest is None else str(self._newest)
        ready = b"retry: 2000\n\n" + _event("ready", ReadyView(self._counts, newest))
        return ready + (_event("list", message_list_view(listed)) if self._list_length else b"")

    async def _check_viewer(self) -> None:
        """Check once per beat, also in a busy inbox, that the viewer may still see it.

        Raises the UserTokenError of a token that has become invalid.
        """
        if time.monotonic() >= self._next_beat:
            self._viewer = await self._inboxes.user_tokens.viewer(self._viewer.token)
            self._next_beat = time.monotonic() + _BEAT_SECONDS

    async def _beat(self) -> bytes:
        """Return a comment that keeps the connection open, or events if the state is not the one that was sent.

        An event may be lost with the connection that carries it.
        """
        listed = await self._read_list(InboxQuery(limit=1, woken_before_id=0))
        woken = await self._woken_events(listed.woken_ids)
        state = counts_view(listed.counts), _newest_of(listed)
        if state == (self._counts, self._newest):
            return woken or _BEAT
        self._counts, self._newest = state
        return woken + _event("reload") + _event("counts", self._counts)

    async def _woken_events(self, woken_ids: frozenset[int]) -> bytes:
        """Return events for messages that have come back since the last look: no call of the bus announces them."""
        new_ids = woken_ids - self._woken_ids
        self._woken_ids = woken_ids
        if not new_ids:
            return b""
        found = await self._inboxes.inbox.find(self._viewer, sorted(new_ids))
        return b"".join(_event("woken", message_view(shown)) for shown in found if shown.message.woken)

    async def _read_list(self, query: InboxQuery) -> InboxList:
        return await self._inboxes.inbox.read_list(self._viewer, query)

    async def _pending_events(self, pending: PendingEvents) -> AsyncIterator[bytes]:
        """Yield pending events as bytes, each with the message as it is now."""
        inbox = self._inboxes.inbox
        if pending.reload:
            yield _event("reload")
        if pending.message:
            messages = await inbox.find(self._viewer, pending.message)
            for shown in sorted(messages, key=lambda shown: shown.message.id):
                yield _event("message", message_view(shown), str(shown.message.id))
                self._newest = max(self._newest or 0, shown.message.id)
        removed = pending.removed
        if pending.update:
            updated = await inbox.find(self._viewer, pending.update)
            for shown in updated:
                yield _event("update", message_view(shown))
            removed = [*removed, *{*pending.update}.difference(shown.message.id for shown in updated)]
        if pending.status and (messages := await inbox.find(self._viewer, pending.status)):
            yield _event("status", {"messages": [state_view(shown) for shown in messages]})
        if removed and (ids := await inbox.visible_ids(self._viewer, removed)):
            yield _event("removed", {"ids": ids_view(ids)})
        if pending.reminder:
            for shown in await inbox.find(self._viewer, pending.reminder):
                if shown.message.read_at is None and shown.message.snoozed_until is None:
                    yield _event("reminder", message_view(shown))


def _newest_of(listed: InboxList) -> int | None:
    return max((shown.message.id for shown in listed.page.items), default=None)


async def _close_on_disconnect(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.close()


def _event(name: str, data: object = None, event_id: str | None = None) -> bytes:
    prefix = f"id: {event_id}\n" if event_id else ""
    return f"{prefix}event: {name}\ndata: ".encode() + encode({} if data is None else data) + b"\n\n"
