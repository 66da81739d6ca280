"""Mailboxes compared with a plain model of them: a dictionary of entries."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings

from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.message import Draft
from msgcenter.domain.message_id import bucket_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.decide_approvals import decide
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import StatusChange, apply_status_changes, set_unread_by_user
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.mailboxes import entry_changes, entry_marks, read_states, sweeping
from msgcenter.store.mailboxes.pages import PageKey, page_key
from msgcenter.store.mailboxes.read_states import PageChange, change_pages
from msgcenter.store.messages.jobs import Delivery
from tests.conftest import examples
from tests.messaging.compared_mailboxes import PAGE, ComparedMailboxes
from tests.messaging.mailbox_steps import (
    USERS,
    Archive,
    Decide,
    Delete,
    ReadAll,
    Send,
    SetStatus,
    Snooze,
    Star,
    Step,
    Wait,
    stories,
)
from tests.scene import START, Clock, add_app, event_loop, find_platform, short_pages, text_to

EntryOfPage: TypeAlias = tuple[PageKey, int]


class Scene(ComparedMailboxes):
    """Applies every step to the database and to the model."""

    async def play(self, story: Sequence[Step]) -> None:
        """Apply all steps. Compare counts and pages after each step, and inboxes and receipts at the end."""
        for code, cells in zip(self.codes, (1, 3), strict=True):
            await self.database.in_transaction(ensure_platform, code, code, START, cells=cells)
        for name in ("one", "two"):
            self.apps.append(await add_app(self.database, f"{self.codes[0]}-{name}", *self.codes))
        self.platforms = [await find_platform(self.database, code) for code in self.codes]
        for step in story:
            self.clock.now += 1
            self.model.wake(self.clock.now)
            match step:
                case Send():
                    await self.send(step)
                case SetStatus():
                    await self.set_status(step)
                case Decide():
                    await self.decide(step)
                case Archive():
                    await self.archive(step)
                case Star() | Delete() | Snooze():
                    await self.mark(step)
                case ReadAll():
                    await self.read_all(step)
                case Wait():
                    await self.wait(step)
            await self.compare_counts()
            await self.compare_pages()
        await self.compare_inboxes()
        await self.compare_receipts()

    def mailbox_and_app(self, number: int) -> tuple[Recipient, int]:
        """Return a mailbox and an app that has sent to it, if there is one."""
        entries = sorted(self.model.entries)
        if not entries:
            return self.recipient(0, 0), self.apps[0]
        recipient, message_id = entries[number * len(entries) // 12]
        return recipient, self.model.messages[message_id].draft.app_number

    def pick_ids(self, known: Collection[int], near: Sequence[int], far: int | None = None) -> frozenset[int]:
        """Return some of the known ids, and perhaps the id of any message at all (`far`)."""
        ids = sorted(known)
        chosen = {ids[pick % len(ids)] for pick in near} if ids else {4_711}
        if far is not None:
            chosen.add(sorted({*self.model.messages, 4_711})[far % (len(self.model.messages) + 1)])
        return frozenset(chosen)

    def of_app(self, recipient: Recipient, app_number: int) -> list[int]:
        """Return the ids of an app's messages in a mailbox, expired ones too."""
        return [
            i
            for it, i in self.model.entries
            if it == recipient and self.model.messages[i].draft.app_number == app_number
        ]

    async def send(self, step: Send) -> None:
        now = self.clock.now
        drafts = [
            text_to(
                self.apps[choice.app],
                self.platforms[choice.platform],
                [USERS[user] for user in choice.users],
                app_cell=self.platforms[0].first_cell,
                content=f"text {choice.text}",
                approval=choice.approval,
                request_id=None if choice.request is None else f"request {choice.request}",
                send_at=None if choice.sends_in is None else now + choice.sends_in,
                expires_at=None if choice.expires_in is None else now + choice.expires_in,
                sender_name=choice.sender,
            )
            for choice in step.drafts
        ]
        for _, of_platform in groupby(sorted(drafts, key=platform_of), platform_of):
            await self.send_to_platform(list(of_platform))

    async def send_to_platform(self, drafts: Sequence[Draft]) -> None:
        """Send drafts to one platform in one commit."""
        now = self.clock.now
        answers = await send_drafts(self.database, self.ids, drafts)
        new: list[int] = []
        for draft, answer in zip(drafts, answers, strict=True):
            new_id = answer if isinstance(answer, int) and answer not in self.model.messages else -1
            expected = self.model.send(draft, new_id, now)
            assert (answer.reason if isinstance(answer, Refusal) else answer) == expected
            assert expected != -1
            if draft.is_immediate and new_id == answer:
                new.append(new_id)
        self.model.deliver(new)

    async def set_status(self, step: SetStatus) -> None:
        now = self.clock.now
        calls = []
        for call in step.calls:
            recipient, app = self.mailbox_and_app(call.mailbox)
            ids = self.pick_ids(self.of_app(recipient, app), call.near, call.far)
            calls.append(StatusChange(recipient, app, ids, call.read))
        for _, of_cell in groupby(sorted(calls, key=cell_of), cell_of):
            changes = list(of_cell)
            missing = await apply_status_changes(self.database, changes)
            for change, absent in zip(changes, missing, strict=True):
                had = [i for i in change.message_ids if self.model.has(change.recipient, i, now, change.app_number)]
                assert absent == change.message_ids - set(had)
                self.model.set_status(change.recipient, had, now, read=change.read)

    async def decide(self, step: Decide) -> None:
        now, app = self.clock.now, self.apps[step.app]
        approvals = [i for i, it in self.model.messages.items() if it.draft.approval and it.draft.app_number == app]
        message_ids = sorted(self.pick_ids(approvals, step.near, step.far))
        decidable = [
            model_message
            for i in message_ids
            if (model_message := self.model.messages.get(i)) is not None
            and model_message.draft.app_number == app
            and not model_message.has_expired(now)
        ]
        if not all(model_message.draft.approval for model_message in decidable):
            with pytest.raises(Refusal) as refused:
                await decide(self.database, app, message_ids, closed=step.closed)
            assert refused.value.reason is Reason.NOT_AN_APPROVAL
            return
        decision = await decide(self.database, app, message_ids, closed=step.closed)
        assert decision.missing == set(message_ids) - {model_message.number for model_message in decidable}
        for model_message in decidable:
            model_message.closed_at = (model_message.closed_at or now) if step.closed else None
            if model_message.delivered:
                for recipient in self.model.recipients(model_message.number):
                    self.model.set_status(recipient, [model_message.number], now, read=step.closed)

    async def archive(self, step: Archive) -> None:
        now, (recipient, app) = self.clock.now, self.mailbox_and_app(step.mailbox)
        chosen = self.pick_ids(self.of_app(recipient, app), step.near)
        ids = sorted(i for i in chosen if self.model.has(recipient, i, now))
        pages = {page_key(recipient, i, app): PageChange() for i in ids}
        for key in pages:
            pages[key] = PageChange(read=[i for i in ids if bucket_of(i) == key.bucket])

        async def write(connection: Connection) -> None:
            if step.archived and pages:
                assert not await change_pages(connection, recipient.platform, pages, now)
            if ids:
                entries = [(page_key(recipient, i, app), i) for i in ids]
                await entry_changes.set_archived(connection, entries, archived=step.archived)

        await self.database.in_transaction(write)
        entries = {(recipient, i) for i in ids}
        if step.archived:
            self.model.set_status(recipient, ids, now, read=True)
            self.model.archived |= entries
        else:
            self.model.archived -= entries

    async def read_all(self, step: ReadAll) -> None:
        now, recipient = self.clock.now, self.recipient(step.platform, step.user)

        async def write(connection: Connection) -> list[int]:
            await sweeping.sweep_mailboxes(connection, [recipient], now)
            return await read_states.set_read_up_to(connection, recipient, None, (1 << 63) - 1, now)

        await self.database.in_transaction(write)
        unread = [i for it, i in self.model.live(now) if it == recipient and not self.model.is_hidden((it, i))]
        self.model.set_status(recipient, unread, now, read=True)

    async def mark(self, step: Star | Delete | Snooze) -> None:
        """Star, delete or snooze what the mailbox has, or end that."""
        now, (recipient, app) = self.clock.now, self.mailbox_and_app(step.mailbox)
        ids = sorted(self.pick_ids(self.of_app(recipient, app), step.near))
        ids = [i for i in ids if self.model.has(recipient, i, now)]
        if isinstance(step, Snooze):
            ids = [i for i in ids if (recipient, i) not in self.model.deleted]
        if not ids:
            return
        keys = sorted((page_key(recipient, i, app), i) for i in ids)
        await self.database.in_transaction(self.write_mark, step, recipient, keys)
        entries = {(recipient, i) for i in ids}
        match step:
            case Star():
                self.model.starred = self.model.starred | entries if step.starred else self.model.starred - entries
            case Delete():
                self.model.delete(entries, deleted=step.deleted)
            case Snooze(wakes_in=None):
                self.model.asleep = {entry: at for entry, at in self.model.asleep.items() if entry not in entries}
            case Snooze():
                self.model.snooze(recipient, ids, now, now + (step.wakes_in or 0))

    async def write_mark(
        self, connection: Connection, step: Star | Delete | Snooze, recipient: Recipient, keys: list[EntryOfPage]
    ) -> None:
        """Write a mark as the inbox does."""
        now = self.clock.now
        ids_by_page = {key: [i for _, i in of_page] for key, of_page in groupby(keys, key=itemgetter(0))}
        await sweeping.sweep_pages(connection, recipient.platform, sorted(ids_by_page), now)
        match step:
            case Star():
                await entry_marks.set_starred(connection, keys, starred=step.starred)
            case Delete(deleted=True):
                await entry_marks.delete(connection, keys)
            case Delete():
                await entry_marks.restore(connection, keys)
            case Snooze(wakes_in=None):
                await entry_marks.wake(connection, keys)
            case Snooze():
                assert await set_unread_by_user(connection, recipient, ids_by_page, now) == [i for _, i in keys]
                await entry_marks.snooze(connection, keys, now + (step.wakes_in or 0))

    async def wait(self, step: Wait) -> None:
        self.clock.now += step.ms
        self.model.wake(self.clock.now)
        now = self.clock.now
        for message_id, model_message in list(self.model.messages.items()):
            if model_message.delivered:
                continue
            remaining_ms = await fan_out(self.database, Delivery(model_message.draft.platform.first_cell, message_id))
            wait = 0 if model_message.has_expired(now) else max(0, (model_message.draft.send_at or 0) - now)
            assert remaining_ms == wait
            if not wait and not model_message.has_expired(now):
                self.model.deliver([message_id])


def platform_of(draft: Draft) -> Platform:
    """Return the platform of a draft: a commit sends to one."""
    return draft.platform


def cell_of(change: StatusChange) -> int:
    """Return the cell of a status call: a commit has those of one."""
    return change.recipient.cell


def test_mailboxes_behave_like_the_model(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    short_pages(monkeypatch, PAGE)
    with event_loop() as run:
        database = run(Database(database_url).__aenter__())
        scenes = 0

        @settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(stories)
        def check(story: list[Step]) -> None:
            nonlocal scenes
            scenes += 1
            run(Scene(database, clock, scenes).play(story))

        try:
            check()
        finally:
            run(database.__aexit__(None, None, None))
