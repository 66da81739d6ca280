"""Who watches here: the open streams of this process, each with a bounded account of what it has to tell."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from msgcenter.domain.account import Recipient
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.event import EventKind, MailboxEvent
from msgcenter.domain.refusal import Refusal

_PENDING_LIMIT = 200
_TOPIC_EVENTS = 1_000


class News(NamedTuple):
    """What a stream has to tell: ids of messages by what became of them; or to read all anew."""

    arrived: list[int]
    updated: list[int]
    changed: list[int]
    removed: list[int]
    reminded: list[int]
    reload: bool


_SAYS_MORE: dict[EventKind, int] = {"status": 0, "update": 1, "message": 2, "removed": 3}
"""Of several events of one message the one that says most is told: it is told as it is by then."""


class Watch:
    """One open stream. What it has yet to tell is kept by message id; too much of it collapses to `reload`.

    `replaced` is set when it ends because the user has opened too many newer ones.
    """

    def __init__(self, recipient: Recipient) -> None:
        self.recipient = recipient
        self.reload = False
        self.replaced = False
        self._closing = False
        self._pending: dict[int, EventKind] = {}
        self._reminders: set[int] = set()
        self._wake = asyncio.Event()

    def tell(self, event: MailboxEvent) -> None:
        """Note what has happened."""
        if event.kind == "reminder":
            self._reminders.update(event.message_ids)
        else:
            for message_id in event.message_ids:
                told = self._pending.get(message_id, "status")
                self._pending[message_id] = max(told, event.kind, key=_SAYS_MORE.__getitem__)
        if not event.message_ids or len(self._pending) + len(self._reminders) > _PENDING_LIMIT:
            self.look_again()
        self._wake.set()

    def look_again(self) -> None:
        """Note that everything must be read anew."""
        self._pending.clear()
        self._reminders.clear()
        self.reload = True
        self._wake.set()

    def close(self, *, replaced: bool = False) -> None:
        """Let the stream end."""
        self.replaced = replaced
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
        by_kind: dict[EventKind, list[int]] = {kind: [] for kind in _SAYS_MORE}
        for message_id, kind in self._pending.items():
            by_kind[kind].append(message_id)
        reminded = sorted(self._reminders.difference(by_kind["message"]))
        news = News(by_kind["message"], by_kind["update"], by_kind["status"], by_kind["removed"], reminded, self.reload)
        self._pending.clear()
        self._reminders.clear()
        self.reload = False
        return news


Concerned = Callable[[int, str, Collection[str]], Awaitable[Collection[str]]]
"""Returns which of some users a topic's messages concern, by the topic's number and the platform."""


async def _at_once() -> None:
    pass


class Hub:
    """The open streams of this process. `on_streams` is told whether there are any; `concerned` knows the topics.

    `announced` waits until the other processes know it, too: from then on a stream hears of everything.

    A user has at most `per_user` of them, 0 for any number: one more ends the oldest. Not the newest is refused, for
    that is the one that somebody looks at, while the oldest may belong to a device that has long lost its network.
    """

    def __init__(self, concerned: Concerned, *, per_user: int = 0) -> None:
        # Of the sets of watches the order counts, so they are keys of a dictionary.
        self._watches: dict[Recipient, dict[Watch, None]] = {}
        self._concerned = concerned
        self._per_user = per_user
        self._topic_events: asyncio.Queue[MailboxEvent] = asyncio.Queue(_TOPIC_EVENTS)
        self.on_streams: Callable[[bool], None] = lambda _: None
        self.announced: Callable[[], Awaitable[None]] = _at_once

    def streams(self) -> int:
        """Return how many streams are open."""
        return sum(map(len, self._watches.values()))

    def open(self, recipient: Recipient) -> Watch:
        """Add a stream; the user's oldest ends if there are too many."""
        watch = Watch(recipient)
        watches = self._watches.setdefault(recipient, {})
        watches[watch] = None
        if 0 < self._per_user < len(watches):
            oldest = next(iter(watches))
            oldest.close(replaced=True)
            self.forget(oldest)
        self.on_streams(True)
        return watch

    def forget(self, watch: Watch) -> None:
        """Remove a stream."""
        watches = self._watches.get(watch.recipient, {})
        watches.pop(watch, None)
        if not watches:
            self._watches.pop(watch.recipient, None)
        if not self._watches:
            self.on_streams(False)

    def deliver(self, events: Sequence[MailboxEvent]) -> None:
        """Tell events to the streams of the mailboxes concerned."""
        for event in events:
            if event.topic_number is not None and self._watches:
                self._take_topic_event(event)
            self._tell(event, event.user_ids)

    def _take_topic_event(self, event: MailboxEvent) -> None:
        try:
            self._topic_events.put_nowait(event)
        except asyncio.QueueFull:
            self.gap()

    async def run(self) -> None:
        """Tell the events of topics, one after the other, to whom they concern; until cancelled."""
        while True:
            event = await self._topic_events.get()
            try:
                self._tell(event, await self._watching_users(event))
            except Refusal:
                self.gap()

    async def _watching_users(self, event: MailboxEvent) -> Collection[str]:
        here = [watched.user_id for watched in self._watches if watched.platform_code == event.platform_code]
        if not here or event.topic_number is None or event.topic_number == EVERYONE:
            return here
        return await self._concerned(event.topic_number, event.platform_code, here)

    def _tell(self, event: MailboxEvent, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
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
