"""The open streams of this process. Each keeps a bounded account of the events that it has yet to send."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.refusal import Refusal

_PENDING_LIMIT = 200
_TOPIC_EVENTS = 1_000


class PendingEvents(NamedTuple):
    """What a stream has yet to send: message ids by kind of event. `reload`: the client must read everything again."""

    message: list[int]
    update: list[int]
    status: list[int]
    removed: list[int]
    reminder: list[int]
    reload: bool


_SIGNIFICANCE: dict[EventKind, int] = {"status": 0, "update": 1, "message": 2, "removed": 3}
"""Of several events of one message only the most significant is kept: the message's current state is sent."""


class Watch:
    """One open stream. Pending events are kept by message id; too many of them collapse to `reload`.

    `replaced` is set if the stream ends because the user has opened too many newer ones.
    """

    def __init__(self, recipient: Recipient) -> None:
        self.recipient = recipient
        self.reload = False
        self.replaced = False
        self._closing = False
        self._pending: dict[int, EventKind] = {}
        self._reminders: set[int] = set()
        self._wake = asyncio.Event()

    def notify(self, event: MailboxEvent) -> None:
        """Add an event to the pending ones."""
        if event.kind == "reminder":
            self._reminders.update(event.message_ids)
        else:
            for message_id in event.message_ids:
                pending = self._pending.get(message_id, "status")
                self._pending[message_id] = max(pending, event.kind, key=_SIGNIFICANCE.__getitem__)
        if not event.message_ids or len(self._pending) + len(self._reminders) > _PENDING_LIMIT:
            self.mark_stale()
        self._wake.set()

    def mark_stale(self) -> None:
        """Replace the pending events with `reload`: the client must read everything again."""
        self._pending.clear()
        self._reminders.clear()
        self.reload = True
        self._wake.set()

    def close(self, *, replaced: bool = False) -> None:
        """End the stream soon."""
        self.replaced = replaced
        self._closing = True
        self._wake.set()

    def is_closing(self) -> bool:
        """Return whether the stream is to end."""
        return self._closing

    async def wait(self, seconds: float) -> bool:
        """Wait until there are pending events, at most `seconds`; return whether there are."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    def drain(self) -> PendingEvents:
        """Return the pending events and forget them."""
        by_kind: dict[EventKind, list[int]] = {kind: [] for kind in _SIGNIFICANCE}
        for message_id, kind in self._pending.items():
            by_kind[kind].append(message_id)
        pending = PendingEvents(
            message=by_kind["message"],
            update=by_kind["update"],
            status=by_kind["status"],
            removed=by_kind["removed"],
            reminder=sorted(self._reminders.difference(by_kind["message"])),
            reload=self.reload,
        )
        self._pending.clear()
        self._reminders.clear()
        self.reload = False
        return pending


TopicReaders = Callable[[int, Collection[Recipient]], Awaitable[Collection[str]]]
"""Returns the ids of the recipients, among those in the arguments, who receive the messages of the topic with a number.

The recipients are all of one platform.
"""


class _Mailbox(NamedTuple):
    """The name of a mailbox, as events have it."""

    user_id: str
    platform_code: str

    @classmethod
    def of(cls, recipient: Recipient) -> "_Mailbox":
        return cls(recipient.user_id, recipient.platform_code)


async def _already_announced() -> None:
    pass


class Hub:
    """The open streams of this process.

    `on_streams` is called with whether there are open streams, whenever that may have changed. `announced` waits until
    the other processes know it; from then on their events reach the stream. `topic_readers` resolves the events of
    topics.

    A user has at most `per_user` streams, 0 for no limit; one more ends the oldest. The newest is the one that the user
    looks at, while the oldest may belong to a device that has lost its network.
    """

    def __init__(self, topic_readers: TopicReaders, *, per_user: int = 0) -> None:
        # A dictionary with no values is a set that keeps its order.
        self._watches: dict[_Mailbox, dict[Watch, None]] = {}
        self._topic_readers = topic_readers
        self._per_user = per_user
        self._topic_events: asyncio.Queue[MailboxEvent] = asyncio.Queue(_TOPIC_EVENTS)
        self.on_streams: Callable[[bool], None] = lambda _: None
        self.announced: Callable[[], Awaitable[None]] = _already_announced

    def streams(self) -> int:
        """Return how many streams are open."""
        return sum(map(len, self._watches.values()))

    def subscribe(self, recipient: Recipient) -> Watch:
        """Add a stream for a mailbox. The recipient's oldest stream ends if there are too many."""
        watch = Watch(recipient)
        watches = self._watches.setdefault(_Mailbox.of(recipient), {})
        watches[watch] = None
        if 0 < self._per_user < len(watches):
            oldest = next(iter(watches))
            oldest.close(replaced=True)
            self.unsubscribe(oldest)
        self.on_streams(True)
        return watch

    def unsubscribe(self, watch: Watch) -> None:
        """Remove a stream."""
        mailbox = _Mailbox.of(watch.recipient)
        watches = self._watches.get(mailbox, {})
        watches.pop(watch, None)
        if not watches:
            self._watches.pop(mailbox, None)
        if not self._watches:
            self.on_streams(False)

    def deliver(self, events: Sequence[MailboxEvent]) -> None:
        """Pass events to the streams of the mailboxes that they name; those of topics are resolved in `run`."""
        for event in events:
            if event.topic_number is not None and self._watches:
                self._enqueue_topic_event(event)
            self._notify(event, event.user_ids)

    def _enqueue_topic_event(self, event: MailboxEvent) -> None:
        try:
            self._topic_events.put_nowait(event)
        except asyncio.QueueFull:
            self.mark_stale()

    async def run(self) -> None:
        """Resolve the events of topics, one after the other, and pass them to the streams, until cancelled."""
        while True:
            event = await self._topic_events.get()
            try:
                self._notify(event, await self._watching_readers(event))
            except Refusal:
                self.mark_stale()

    async def _watching_readers(self, event: MailboxEvent) -> Collection[str]:
        watching = [
            next(iter(watches)).recipient
            for mailbox, watches in self._watches.items()
            if mailbox.platform_code == event.platform_code
        ]
        if not watching or event.topic_number is None or event.topic_number == EVERYONE:
            return [recipient.user_id for recipient in watching]
        return await self._topic_readers(event.topic_number, watching)

    def _notify(self, event: MailboxEvent, user_ids: Iterable[str]) -> None:
        if not self._watches:
            return
        for user_id in user_ids:
            for watch in self._watches.get(_Mailbox(user_id, event.platform_code), ()):
                watch.notify(event)

    def mark_stale(self) -> None:
        """Make every client read everything again: events may have been missed."""
        for watch in self._all():
            watch.mark_stale()

    def close(self) -> None:
        """End every stream soon."""
        for watch in self._all():
            watch.close()

    def _all(self) -> list[Watch]:
        return [watch for watches in self._watches.values() for watch in watches]
