"""Compares mailboxes and the feed with a simple model that makes the same random steps.

Mailboxes pull only in steps of their own, so they may be far behind the feed. Messages to three or more receivers take
a fan-out with chunks of two, which may stop half-way. Mailboxes pull three rows in a transaction.
"""

import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.database.database import Connection, Database
from msgcenter.domain import message as messages
from msgcenter.domain.audience import Audience, Everyone, Receivers, Topic
from msgcenter.domain.content import Text
from msgcenter.domain.message import REMINDER_PAUSE_MS, State
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging import fan_out as delivery
from msgcenter.messaging import pull
from msgcenter.messaging.fan_out import fan_out
from msgcenter.store.apps.apps import find_app
from msgcenter.store.mailboxes import feed
from msgcenter.store.mailboxes import users as directory
from msgcenter.store.messages import audiences
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.messages import MessageKey, find_message
from msgcenter.store.messages.node_lease import NodeLease
from tests.actions.mark_steps import Delete, Mute, Snooze, Star
from tests.actions.reach_model import FAR, Model, Sent, one_of
from tests.actions.reach_steps import (
    CHUNK,
    USERS,
    Archive,
    Decide,
    Know,
    Later,
    Look,
    ReadAll,
    Recall,
    Remind,
    Send,
    SetStatus,
    Step,
    Subscribe,
    Update,
    Work,
    stories,
)
from tests.conftest import examples
from tests.scene import Clock, add_app, event_loop, rows


class Scene(Model):
    """Every step is made in the product and in the model."""

    async def play(self, story: Sequence[Step]) -> None:
        """Make all steps, then compare everything."""
        for name in ("one", "two"):
            await add_app(self.database, f"{self.code}-{name}", self.code)
            async with self.database.connection() as connection:
                record = await find_app(connection, f"{self.code}-{name}")
            assert record is not None
            self.platform = record.app.platform
            self.apps.append(record.app)
        for step in story:
            self.clock.now += 1
            self.marks.wake(self.clock.now)
            await getattr(self, type(step).__name__.lower())(step)
        for message_id in self.messages:
            await self.compare_receipts(message_id)
            await self.compare_versions(message_id)
        for name in USERS:
            for app in (0, 1):
                await self.compare_unread(name, app)
            await self.compare_lists(name)
            await self.compare_counts(name)
        for message_id in self.messages:
            await self.compare_receipts(message_id)
        await self.compare_sent_lists()

    async def send(self, step: Send) -> None:
        now = self.clock.now
        app, topic = self.topic_of(step, existing=step.to == "topic")
        audiences: dict[str, Audience] = {
            "receivers": Receivers.of(USERS[user] for user in step.users),
            "topic": Topic(topic),
            "everyone": Everyone(),
        }
        to = audiences[step.to]
        sent = Sent(
            app=app,
            to=to,
            content=f"number {len(self.messages)}",
            expires_at=None if step.expires_in is None else now + step.expires_in,
            send_at=None if step.sends_in is None else now + step.sends_in,
            approval=step.approval and step.to == "receivers",
        )
        call = self.sending.send(
            self.apps[app],
            Text(sent.content),
            to,
            approval=sent.approval,
            send_at=sent.send_at,
            expires_at=sent.expires_at,
        )
        if isinstance(to, Topic) and (app, to.name) not in self.made:
            await refused(call, Reason.AUDIENCE_UNKNOWN)
            return
        message_id = await call
        self.messages[message_id] = sent
        if sent.send_at is None and not sent.is_large:
            self.deliver(message_id)

    async def work(self, step: Work) -> None:
        running = [i for i, sent in self.messages.items() if sent.state(self.clock.now) is State.SENDING]
        message_id = one_of(running, step.pick) or self.picked(step.pick)
        if message_id in self.messages:
            await self.fan_out(message_id, to_the_end=step.to_the_end)

    async def fan_out(self, message_id: int, *, to_the_end: bool) -> None:
        """Continue a fan-out that is due. A job that runs again finds nothing to do."""
        sent = self.messages[message_id]
        state = sent.state(self.clock.now)
        if state is State.RECALLED or (state is State.SENDING and not to_the_end and isinstance(sent.to, Receivers)):
            # Also after a recall: the job may have read the message before it.
            async with self.database.connection() as connection:
                stored = await find_message(connection, MessageKey(self.platform.first_cell, message_id))
            assert stored is not None
            if stored.topic_number is None:
                # A job that is killed after one chunk, and another process that tries the same chunk later.
                await self.database.in_transaction(delivery._deliver_chunk, stored)
                await self.database.in_transaction(delivery._deliver_chunk, stored)
        else:
            ms_left = await fan_out(self.database, Delivery(self.platform.first_cell, message_id))
            assert (ms_left > 0) == (state is State.SCHEDULED)
        if state is State.SENDING:
            self.deliver(message_id, to_the_end=to_the_end)

    async def subscribe(self, step: Subscribe) -> None:
        number, topic = self.topic_of(step, existing=not step.joins)
        app = self.apps[number]
        names = [USERS[user] for user in step.users]
        places = {(number, topic, name) for name in names}
        if step.joins:
            changed = await self.topics.subscribe(app, topic, names, by=COMMAND)
            assert changed == len(places - self.subscribed)
            self.made.add((number, topic))
            self.subscribed |= places
            self.known |= set(names)
        elif (number, topic) in self.made:
            changed = await self.topics.unsubscribe(app, topic, names, by=COMMAND)
            assert changed == len(places & self.subscribed)
            self.subscribed -= places
        else:
            await refused(self.topics.unsubscribe(app, topic, names, by=COMMAND), Reason.AUDIENCE_UNKNOWN)
            return
        page = await self.topics.subscribers(app, topic, platform_code=None, cursor=None, limit=200)
        assert page.items == sorted(it for *of, it in self.subscribed if of == [number, topic])

    async def know(self, step: Know) -> None:
        name = USERS[step.user]

        async def write(connection: Connection) -> list[str]:
            return await directory.register(connection, self.platform.cell_of(name), [name])

        assert await self.database.in_transaction(write) == ([] if name in self.known else [name])
        self.known.add(name)

    async def setstatus(self, step: SetStatus) -> None:
        now, name = self.clock.now, USERS[step.user]
        theirs = [i for it, i in self.entries if it == name and self.has(name, i)] if step.fits else []
        ids = frozenset(one_of(theirs, pick) or self.picked(pick) for pick in step.picks)
        app = self.of(min(ids)) if theirs else step.app
        missing = await self.statuses.set_status(self.apps[app], name, ids, read=step.read)
        present = {i for i in ids if self.has(name, i) and self.of(i) == app}
        assert missing == ids - present
        self.set(name, present, now, read=step.read)

    async def recall(self, step: Recall) -> None:
        message_id = self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            await refused(self.sent_messages.recall(self.apps[0], message_id, by=COMMAND), Reason.MESSAGE_UNKNOWN)
            return
        await refused(
            self.sent_messages.recall(self.apps[1 - sent.app], message_id, by=COMMAND), Reason.MESSAGE_UNKNOWN
        )
        await self.sent_messages.recall(self.apps[sent.app], message_id, by=COMMAND)
        sent.recalled = True

    async def update(self, step: Update) -> None:
        now, message_id = self.clock.now, self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            return
        content = f"update {step.text}"
        call = self.sent_messages.update(
            self.apps[sent.app], message_id, Text(content), reset_read=step.reset_read, by=COMMAND
        )
        state = sent.state(now)
        if state in {State.RECALLED, State.EXPIRED}:
            await refused(call, Reason.ALREADY_RECALLED if state is State.RECALLED else Reason.MESSAGE_UNKNOWN)
            return
        await call
        was_reset = sent.versions[-1][1] if sent.versions else False
        if sent.content == content and (was_reset or not step.reset_read):
            return
        sent.content = content
        sent.versions.append((content, step.reset_read))
        if step.reset_read:
            for name in sent.audience:
                self.set(name, {message_id}, now, read=False)

    async def remind(self, step: Remind) -> None:
        now, message_id = self.clock.now, self.picked(step.pick)
        sent = self.messages.get(message_id)
        if sent is None:
            return
        call = self.sent_messages.remind(self.apps[sent.app], message_id, by=COMMAND)
        state = sent.state(now)
        unread = sum(self.entries[name, message_id] is None for name in sent.audience)
        if state in {State.RECALLED, State.EXPIRED}:
            await refused(call, Reason.ALREADY_RECALLED if state is State.RECALLED else Reason.MESSAGE_UNKNOWN)
        elif unread and sent.reminded_at is not None and now - sent.reminded_at < REMINDER_PAUSE_MS:
            await refused(call, Reason.RATE_EXCEEDED)
        else:
            assert await call == unread
            sent.reminded_at = now if unread else sent.reminded_at

    async def decide(self, step: Decide) -> None:
        now = self.clock.now
        approvals = [i for i, sent in self.messages.items() if sent.approval] if step.fits else []
        picked = {one_of(approvals, pick) or self.picked(pick) for pick in step.picks}
        app = self.messages[min(picked)].app if self.messages else 0
        call = self.statuses.decide_approvals(self.apps[app], frozenset(picked), closed=step.closed)
        gone = {State.RECALLED, State.EXPIRED}
        present = {
            i for i in picked & self.messages.keys() if self.of(i) == app and self.messages[i].state(now) not in gone
        }
        if not all(self.messages[i].approval for i in present):
            await refused(call, Reason.NOT_AN_APPROVAL)
            return
        assert await call == picked - present
        for message_id in present:
            sent = self.messages[message_id]
            sent.closed_at = (sent.closed_at or now) if step.closed else None
            for name in sent.audience:
                self.set(name, {message_id}, now, read=step.closed)

    async def readall(self, step: ReadAll) -> None:
        now, name = self.clock.now, USERS[step.user]
        unread = {i for it, i in self.entries if it == name and self.shows(name, i) and self.entries[it, i] is None}
        assert set(await self.inbox.read_all(self.viewer(name), InboxQuery(before_id=FAR))) == unread
        self.set(name, unread, now, read=True)

    async def archive(self, step: Archive) -> None:
        now, name = self.clock.now, USERS[step.user]
        ids = {self.picked(pick) for pick in step.picks}
        changed = set(await self.inbox.archive(self.viewer(name), ids, archived=step.archived))
        assert changed == self.finds(name, ids)
        if step.archived:
            self.set(name, changed, now, read=True)
            self.archived |= {(name, i) for i in changed}
            self.marks.rouse((name, i) for i in changed)
        else:
            self.archived -= {(name, i) for i in changed}

    async def star(self, step: Star) -> None:
        name, ids = USERS[step.user], {self.picked(pick) for pick in step.picks}
        changed = set(await self.inbox.star(self.viewer(name), ids, starred=step.starred))
        assert changed == self.finds(name, ids)
        places = {(name, i) for i in changed}
        self.marks.starred = self.marks.starred | places if step.starred else self.marks.starred - places

    async def delete(self, step: Delete) -> None:
        name, ids = USERS[step.user], {self.picked(pick) for pick in step.picks}
        present = self.finds(name, ids)
        if step.deleted:
            assert set(await self.inbox.delete(self.viewer(name), ids)) == present
            self.marks.delete({(name, i) for i in present})
        else:
            self.marks.deleted -= {(name, i) for i in ids if self.has(name, i)}
            assert set(await self.inbox.restore(self.viewer(name), ids)) == self.finds(name, ids)

    async def snooze(self, step: Snooze) -> None:
        now, name, ids = self.clock.now, USERS[step.user], {self.picked(pick) for pick in step.picks}
        until = None if step.wakes_in is None else now + step.wakes_in
        changed = set(await self.inbox.snooze(self.viewer(name), ids, until))
        assert changed == self.finds(name, ids)
        places = {(name, i) for i in changed}
        if until is None:
            self.marks.rouse(places)
        else:
            self.set(name, changed, now, read=False)
            self.marks.snooze(places, until)

    async def mute(self, step: Mute) -> None:
        name = USERS[step.user]
        assert await self.inbox.mute(self.viewer(name), self.apps[step.app].app_id, muted=step.muted)
        self.known.add(name)
        if step.muted:
            self.marks.muted.add((name, step.app))
        else:
            self.marks.muted.discard((name, step.app))

    async def later(self, step: Later) -> None:
        self.clock.now += step.ms
        self.marks.wake(self.clock.now)
        for message_id, sent in self.messages.items():
            if sent.send_at is not None and sent.waiting is None and sent.state(self.clock.now) is State.SENDING:
                await self.fan_out(message_id, to_the_end=step.to_the_end)

    async def look(self, step: Look) -> None:
        name = USERS[step.user]
        match step.what:
            case "list":
                await self.compare_lists(name)
            case "counts":
                await self.compare_counts(name)
            case "find":
                shown_messages = await self.inbox.find(self.viewer(name), [self.picked(step.pick)])
                assert [shown.message.id for shown in shown_messages] == [
                    i for i in [self.picked(step.pick)] if i in self.finds(name, self.messages)
                ]
            case "unread":
                await self.compare_unread(name, step.app)
            case "sent":
                await self.compare_sent_lists()
            case _:
                if self.messages:
                    await self.compare_receipts(self.picked(step.pick))


async def refused(call: Any, reason: Reason) -> None:
    """Await a call that must be refused."""
    with pytest.raises(Refusal) as refusal:
        await call
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    ("cells", "large_chunk"), [(1, 1_000), (1, 1), (3, 1)], ids=["pushed", "pulled by groups", "pulled in three cells"]
)
def test_mailboxes_and_feed_agree_with_the_model(
    database_url: str, monkeypatch: pytest.MonkeyPatch, cells: int, large_chunk: int
) -> None:
    """The model does not know how many cells there are, nor which messages are pushed and which are pulled."""
    clock = Clock(now_ms())
    for name, module in list(sys.modules.items()):
        if name.startswith("msgcenter.") and hasattr(module, "now_ms") and name != "msgcenter.domain.message_id":
            monkeypatch.setattr(module, "now_ms", clock)
    monkeypatch.setattr(messages, "IMMEDIATE_RECEIVERS", CHUNK)
    monkeypatch.setattr(audiences, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(audiences, "LARGE_CHUNK", large_chunk)
    monkeypatch.setattr(pull, "_ENTRIES_PER_COMMIT", 3)
    monkeypatch.setattr(feed, "_FAR_BEHIND", 2)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        run(rows(database, f"alter table platform alter column cells set default {cells}"))
        lease = run(NodeLease(database.url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def play(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(Scene(database, lease, clock, scenes).play(story))

        try:
            play()
        finally:
            run(lease.__aexit__(None, None, None))
            run(database.__aexit__(None, None, None))
