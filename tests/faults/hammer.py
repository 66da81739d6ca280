"""A process that sends messages and sets statuses at the same recipients as other processes, and records its calls."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.domain.account import Platform
from msgcenter.domain.audience import receivers_of
from msgcenter.domain.content import Text
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import now_ms
from msgcenter.messaging import add_entries
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes
from msgcenter.store.messages.node_lease import NodeLease
from tests import citus

PLATFORM = Platform("420100", 1)
LEAST_CALLS = 150
USERS = tuple(f"user-{number}" for number in range(5))
PAGE = 12
"""Entries per page: few, so that the processes open many pages concurrently."""
TASKS = 4
RECENT = 50


class Write(NamedTuple):
    """The effect of one call on one message in one mailbox. `clears`: the call left it unread for a moment.

    `begun` and `ended` are monotonic times, which all processes of a machine share; the others are Unix ms.
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
    """A message that is visible to all processes."""

    message_id: int
    app_number: int
    receivers: frozenset[str]
    approval: bool
    expires_at: int | None


@dataclass
class Record:
    """The recorded calls of a process."""

    writes: list[Write] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    calls: int = 0


def hammer(url: str, apps: list[int], seed: int, seconds: float) -> Record:
    """Send messages and set statuses for some seconds, on a slow machine until there are `LEAST_CALLS`."""
    vars(add_entries)["PAGE_LIMIT"] = PAGE
    return asyncio.run(_Process(apps, seed).run(url, seconds))


class _Process:
    def __init__(self, apps: list[int], seed: int) -> None:
        self.apps = apps
        self.random = random.Random(seed)
        self.record = Record()
        self.known: list[Known] = []

    async def run(self, url: str, seconds: float) -> Record:
        async with (
            Database(url, citus=citus.is_on(), connections=TASKS + 1) as self.database,
            NodeLease(url) as self.lease,
        ):
            end = time.monotonic() + seconds
            async with asyncio.TaskGroup() as group:
                group.create_task(self.load_known_messages(end))
                for _ in range(TASKS):
                    group.create_task(self.work(end))
        return self.record

    def is_over(self, end: float) -> bool:
        return time.monotonic() >= end and self.record.calls > LEAST_CALLS

    async def load_known_messages(self, end: float) -> None:
        """Keep loading the latest messages of all processes."""
        while not self.is_over(end):
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
        """Make calls one after the other."""
        while not self.is_over(end):
            self.record.calls += 1
            choice = self.random.random()
            if choice < 0.06 or not self.known:
                await self.send()
            elif choice < 0.12:
                await self.decide()
            else:
                await self.set_statuses()

    async def send(self) -> None:
        """Send up to three messages. Other processes use the same request ids."""
        drafts = [self.draft() for _ in range(self.random.randint(1, 3))]
        answers = await send_drafts(self.database, await self.lease.ids(), drafts)
        for draft, answer in zip(drafts, answers, strict=True):
            assert isinstance(answer, int)
            assert draft.request_id is not None
            self.record.sent.append(Sent(answer, draft.request_id, draft.receivers))

    def draft(self) -> Draft:
        number = self.random.randrange(400)
        # The request id alone determines the message, so that equal ids are equal requests in all processes.
        seeded = random.Random(number)
        request_id = f"request-{number}"
        receivers = receivers_of(seeded.sample(USERS, seeded.randint(1, len(USERS))))
        kind = seeded.random()
        return Draft(
            app_number=seeded.choice(self.apps),
            app_cell=PLATFORM.first_cell,
            platform=PLATFORM,
            body=Text(" ".join([request_id, *receivers])),
            receivers=receivers,
            approval=kind < 0.2,
            request_id=request_id,
            digest=request_id.encode(),
            expires_at=now_ms() + seeded.randint(50, 1_500) if kind > 0.8 else None,
        )

    async def set_statuses(self) -> None:
        """Make up to four status calls in one commit, some of them about the same messages."""
        changes = []
        for _ in range(self.random.randint(1, 4)):
            user_id, app_number = self.random.choice(USERS), self.random.choice(self.apps)
            ids = [
                message.message_id
                for message in self.known
                if user_id in message.receivers and message.app_number == app_number
            ]
            ids = self.random.sample(ids, min(len(ids), self.random.randint(1, 10)))
            if self.random.random() < 0.1:
                ids.append(self.random.choice(self.known).message_id)
            if ids:
                read = self.random.random() < 0.6
                changes.append(StatusChange(PLATFORM.recipient(user_id), app_number, frozenset(ids), read))
        if not changes:
            return
        known = {message.message_id: message for message in self.known}
        begun, begun_ms = time.monotonic_ns(), now_ms()
        missing = await apply_status_changes(self.database, changes)
        ended, ended_ms = time.monotonic_ns(), now_ms()
        effects: dict[tuple[str, int], tuple[bool, bool]] = {}
        for change, absent in zip(changes, missing, strict=True):
            assert isinstance(absent, frozenset)
            user_id = change.recipient.user_id
            for message_id in change.message_ids:
                message = known[message_id]
                has_message = user_id in message.receivers and message.app_number == change.app_number
                has_expired = message.expires_at is not None and message.expires_at <= begun_ms
                if not has_message or has_expired:
                    assert message_id in absent, (change, message, "is not reported as missing")
                elif message.expires_at is None or message.expires_at > ended_ms:
                    assert message_id not in absent, (change, message, "is reported as missing")
                    clears, _ = effects.get((user_id, message_id), (False, False))
                    effects[user_id, message_id] = (clears or not change.read, change.read)
        self.record.writes += [
            Write(*entry, *effect, begun, ended, begun_ms, ended_ms) for entry, effect in effects.items()
        ]

    async def decide(self) -> None:
        """Close or reopen some approvals of an app."""
        app_number, closed = self.random.choice(self.apps), self.random.random() < 0.5
        approvals = [message for message in self.known if message.approval and message.app_number == app_number]
        chosen = self.random.sample(approvals, min(len(approvals), 3))
        if not chosen:
            return
        begun, begun_ms = time.monotonic_ns(), now_ms()
        decision = await decide(self.database, app_number, [message.message_id for message in chosen], closed=closed)
        ended, ended_ms = time.monotonic_ns(), now_ms()
        assert not decision.missing
        self.record.writes += [
            Write(user_id, message.message_id, not closed, closed, begun, ended, begun_ms, ended_ms)
            for message in chosen
            for user_id in message.receivers
        ]
