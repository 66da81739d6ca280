"""Who watches here: the open streams of this process, each with a bounded account of what it has to tell."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.event import EventKind, MailboxEvent

_PENDING_LIMIT = 200


class News(NamedTuple):
    """What a stream has to tell: ids of messages that arrived, changed or were removed; or to read all anew."""

    arrived: list[int]
    changed: list[int]
    removed: list[int]
    reload: bool


class Watch:
    """One open stream. What it has yet to tell is kept by message id; too much of it collapses to `reload`."""

    def __init__(self, recipient: Recipient) -> None:
        self.recipient = recipient
        self.reload = False
        self._closing = False
        self._pending: dict[int, EventKind] = {}
        self._wake = asyncio.Event()

    def tell(self, event: MailboxEvent) -> None:
        """Note what has happened."""
        for message_id in event.message_ids:
            # What has just arrived is told whole, with whatever has become of it since.
            if event.kind != "status" or self._pending.get(message_id) != "message":
                self._pending[message_id] = event.kind
        if not event.message_ids or len(self._pending) > _PENDING_LIMIT:
            self.look_again()
        self._wake.set()

    def look_again(self) -> None:
        """Note that everything must be read anew."""
        self._pending.clear()
        self.reload = True
        self._wake.set()

    def close(self) -> None:
        """Let the stream end."""
        self._closing = True
        self._wake.set()

    def is_over(self) -> bool:
        """Tell whether the stream is to end."""
        return self._closing

    async def wait(self, seconds: float) -> bool:
        """Wait until there is something to tell, at most `seconds`; return whether there is."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    def take(self) -> News:
        """Return and forget what is to be told."""
        by_kind: dict[EventKind, list[int]] = {"message": [], "status": [], "removed": []}
        for message_id, kind in self._pending.items():
            by_kind[kind].append(message_id)
        news = News(by_kind["message"], by_kind["status"], by_kind["removed"], self.reload)
        self._pending.clear()
        self.reload = False
        return news


class Hub:
    """The open streams of this process. `on_streams` is told whether there are any."""

    def __init__(self) -> None:
        self._watches: dict[Recipient, set[Watch]] = {}
        self.on_streams: Callable[[bool], None] = lambda _: None

    def open(self, recipient: Recipient) -> Watch:
        """Add a stream."""
        watch = Watch(recipient)
        self._watches.setdefault(recipient, set()).add(watch)
        self.on_streams(True)
        return watch

    def forget(self, watch: Watch) -> None:
        """Remove a stream."""
        watches = self._watches.get(watch.recipient, set())
        watches.discard(watch)
        if not watches:
            self._watches.pop(watch.recipient, None)
        if not self._watches:
            self.on_streams(False)

    def deliver(self, events: Sequence[MailboxEvent]) -> None:
        """Tell events to the streams of the mailboxes concerned."""
        for event in events:
            for user_id in event.user_ids:
                for watch in self._watches.get(Recipient(user_id, event.platform_code), ()):
                    watch.tell(event)

    def gap(self) -> None:
        """Let every stream read anew: events may have been missed."""
        for watch in self._all():
            watch.look_again()

    def close(self) -> None:
        """Let every stream end."""
        for watch in self._all():
            watch.close()

    def _all(self) -> list[Watch]:
        return [watch for watches in self._watches.values() for watch in watches]
