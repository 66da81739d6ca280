"""One of several processes that send and mark at the same recipients all at once, and keep a record of it."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging import add_entries
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.messages.node_lease import NodeLease

PLATFORM = "420100"
USERS = tuple(f"user-{number}" for number in range(5))
PAGE = 12
"""Entries of a page: few, so that many pages are opened under the eyes of all."""
TASKS = 4
RECENT = 50


class Write(NamedTuple):
    """What one call did to one message in one mailbox. `clears`: it was unread at some moment of the call.

    `begun` and `ended` are of the clock that all processes of a machine share; the others are its ms since 1970.
    """

    user_id: str
    message_id: int
    clears: bool
    read: bool
    begun: int
    ended: int
    begun_ms: int
    ended_ms: int


class Sent(NamedTuple):
    """An acknowledged message."""

    message_id: int
    request_id: str
    receivers: tuple[str, ...]


class Known(NamedTuple):
    """A message that is there for all to see."""

    message_id: int
    app_number: int
    receivers: frozenset[str]
    approval: bool
    expires_at: int | None


@dataclass
class Record:
    """What a process has seen."""

    writes: list[Write] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    calls: int = 0


def hammer(url: str, apps: list[int], seed: int, seconds: float) -> Record:
    """Send and mark for some seconds."""
    vars(add_entries)["PAGE_LIMIT"] = PAGE
    return asyncio.run(_Process(apps, seed).run(url, seconds))


class _Process:
    def __init__(self, apps: list[int], seed: int) -> None:
        self.apps = apps
        self.random = random.Random(seed)
        self.record = Record()
        self.known: list[Known] = []

    async def run(self, url: str, seconds: float) -> Record:
        async with Database(url, connections=TASKS + 1) as self.database, NodeLease(url) as self.lease:
            end = time.monotonic() + seconds
            async with asyncio.TaskGroup() as group:
                group.create_task(self.look_around(end))
                for _ in range(TASKS):
                    group.create_task(self.work(end))
        return self.record

    async def look_around(self, end: float) -> None:
        """Learn what all processes have sent."""
        while time.monotonic() < end:
            async with self.database.connection() as connection:
                rows = await connection.fetch(
                    "select id, app_number, content->>'content' as content, approval, expires_at"
                    " from message order by id desc limit $1",
                    RECENT,
                )
            self.known = [
                Known(row["id"], row["app_number"], frozenset(row["content"].split()[1:]), row["approval"], row[4])
                for row in rows
            ]
            await asyncio.sleep(0.05)

    async def work(self, end: float) -> None:
        """Make one call after the other."""
        while time.monotonic() < end:
            self.record.calls += 1
            choice = self.random.random()
            if choice < 0.06 or not self.known:
                await self.send()
            elif choice < 0.12:
                await self.decide()
            else:
                await self.mark()

    async def send(self) -> None:
        """Send up to three messages; other processes use the same request ids."""
        drafts = [self.draft() for _ in range(self.random.randint(1, 3))]
        answers = await send_drafts(self.database, await self.lease.ids(), drafts)
        for draft, answer in zip(drafts, answers, strict=True):
            assert isinstance(answer, int)
            assert draft.request_id is not None
            self.record.sent.append(Sent(answer, draft.request_id, draft.receivers))

    def draft(self) -> Draft:
        number = self.random.randrange(400)
        # The request id alone decides what the message is like, as the same request does everywhere.
        like = random.Random(number)
        request_id = f"request-{number}"
        receivers = receivers_of(like.sample(USERS, like.randint(1, len(USERS))))
        kind = like.random()
        return Draft(
            app_number=like.choice(self.apps),
            platform_code=PLATFORM,
            body=Text(" ".join([request_id, *receivers])),
            receivers=receivers,
            approval=kind < 0.2,
            request_id=request_id,
            digest=request_id.encode(),
            expires_at=now_ms() + like.randint(50, 1_500) if kind > 0.8 else None,
        )

    async def mark(self) -> None:
        """Let up to four status calls share a commit, some of them about the same messages."""
        changes = []
        for _ in range(self.random.randint(1, 4)):
            user_id, app_number = self.random.choice(USERS), self.random.choice(self.apps)
            ids = [it.message_id for it in self.known if user_id in it.receivers and it.app_number == app_number]
            ids = self.random.sample(ids, min(len(ids), self.random.randint(1, 10)))
            if self.random.random() < 0.1:
                ids.append(self.random.choice(self.known).message_id)
            if ids:
                read = self.random.random() < 0.6
                changes.append(StatusChange(Recipient(user_id, PLATFORM), app_number, frozenset(ids), read))
        if not changes:
            return
        known = {it.message_id: it for it in self.known}
        begun, begun_ms = time.monotonic_ns(), now_ms()
        missing = await apply_status_changes(self.database, changes)
        ended, ended_ms = time.monotonic_ns(), now_ms()
        done: dict[tuple[str, int], tuple[bool, bool]] = {}
        for change, absent in zip(changes, missing, strict=True):
            user_id = change.recipient.user_id
            for message_id in change.message_ids:
                message = known[message_id]
                theirs = user_id in message.receivers and message.app_number == change.app_number
                gone = message.expires_at is not None and message.expires_at <= begun_ms
                if not theirs or gone:
                    assert message_id in absent, (change, message, "is there")
                elif message.expires_at is None or message.expires_at > ended_ms:
                    assert message_id not in absent, (change, message, "is missing")
                    clears, _ = done.get((user_id, message_id), (False, False))
                    done[user_id, message_id] = (clears or not change.read, change.read)
        self.record.writes += [Write(*place, *what, begun, ended, begun_ms, ended_ms) for place, what in done.items()]

    async def decide(self) -> None:
        """Decide on some approvals of an app."""
        app_number, closed = self.random.choice(self.apps), self.random.random() < 0.5
        approvals = [it for it in self.known if it.approval and it.app_number == app_number]
        chosen = self.random.sample(approvals, min(len(approvals), 3))
        if not chosen:
            return
        begun, begun_ms = time.monotonic_ns(), now_ms()
        decision = await decide(self.database, app_number, [it.message_id for it in chosen], closed=closed)
        ended, ended_ms = time.monotonic_ns(), now_ms()
        assert not decision.missing
        self.record.writes += [
            Write(user_id, it.message_id, not closed, closed, begun, ended, begun_ms, ended_ms)
            for it in chosen
            for user_id in it.receivers
        ]
