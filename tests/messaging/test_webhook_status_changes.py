"""Status changes with webhook events: one event for each entry that changes, none for the others."""

import asyncio
import random
from collections import defaultdict

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.messaging.send import send_drafts
from msgcenter.messaging.set_status import AttributedChange, StatusChange, apply_status_changes_with_events
from tests.scene import HOME, add_webhook, rows, text_to

USER = HOME.recipient("user")


@pytest.fixture
async def messages(database: Database, app_number: int) -> list[int]:
    """Send messages to some users, of an app whose webhook gets all status events; return their ids."""
    await database.in_transaction(add_webhook, app_number)
    drafts = [text_to(app_number, HOME, ["other", "user"]) for _ in range(4)]
    return [i for i in await send_drafts(database, MessageIds(1), drafts) if isinstance(i, int)]


async def recorded_events(database: Database) -> list[tuple[str, int, bool]]:
    """Return the events in order: user, message, whether it is read."""
    events = await rows(
        database, "select data->>'userId' as u, message_id, kind = 'message.read' as r from webhook_event order by id"
    )
    return [tuple(row) for row in events]


def change(app_number: int, message_ids: list[int], *, read: bool, recipient: Recipient = USER) -> AttributedChange:
    return AttributedChange(StatusChange(recipient, app_number, frozenset(message_ids), read), "app")


async def test_changes_of_one_batch_have_events_in_order(
    database: Database, app_number: int, messages: list[int]
) -> None:
    one, two, *_ = messages
    batch = [change(app_number, [one, two], read=read) for read in (True, True, False, True)]
    assert await apply_status_changes_with_events(database, batch) == [frozenset()] * 4
    expected = [("user", i, read) for read in (True, False, True) for i in (one, two)]
    assert await recorded_events(database) == expected
    await apply_status_changes_with_events(database, [change(app_number, [one], read=True)])
    assert await recorded_events(database) == expected


async def test_missing_and_withdrawn_entries_have_no_events(
    database: Database, app_number: int, messages: list[int]
) -> None:
    brief = text_to(app_number, HOME, ["user"], expires_at=now_ms() - 1)
    (expired,) = await send_drafts(database, MessageIds(2), [brief])
    assert isinstance(expired, int)
    ids = [messages[0], expired, 7]
    other_app = change(app_number + 1, messages, read=True)
    missing = await apply_status_changes_with_events(database, [change(app_number, ids, read=True), other_app])
    assert missing == [frozenset({expired, 7}), frozenset(messages)]
    assert await recorded_events(database) == [("user", messages[0], True)]


async def test_events_of_an_entry_alternate_under_concurrent_changes(
    database: Database, app_number: int, messages: list[int]
) -> None:
    dice = random.Random(5)

    async def hammer() -> None:
        for _ in range(15):
            batch = [
                change(
                    app_number,
                    dice.sample(messages, 2),
                    read=dice.random() < 0.5,
                    recipient=HOME.recipient(dice.choice(["user", "other"])),
                )
                for _ in range(5)
            ]
            await apply_status_changes_with_events(database, batch)

    await asyncio.gather(*(hammer() for _ in range(6)))
    history: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for user_id, message_id, read in await recorded_events(database):
        history[user_id, message_id].append(read)
    for reads in history.values():
        assert reads == [number % 2 == 0 for number in range(len(reads))]
    entries = await rows(
        database, "select user_id, i, r is not null as r from mailbox_page, unnest(message_ids, read_at) as e (i, r)"
    )
    for user_id, message_id, is_read in entries:
        assert is_read == history.get((user_id, message_id), [False])[-1]
