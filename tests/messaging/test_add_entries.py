"""New entries in mailboxes: users who are new to their cell, users who are known, and both in one transaction."""

import asyncio

from msgcenter.database.database import Database
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.messaging.pull import pull
from msgcenter.messaging.send import send_drafts
from msgcenter.store.mailboxes import users
from msgcenter.store.messages.audiences import LARGE_CHUNK
from tests.scene import HOME, add_app, rows, text_to


def people(first: int, count: int = LARGE_CHUNK) -> list[str]:
    return [f"user-{number:03}" for number in range(first, first + count)]


async def test_every_list_of_a_commit_reaches_new_and_known_users(database: Database) -> None:
    app = await add_app(database, "school", HOME.code)
    with_page, without_page = people(10, 5), people(20, 5)
    await send_drafts(database, MessageIds(1), [text_to(app, HOME, with_page)])
    async with database.connection() as connection:
        await users.register(connection, HOME.first_cell, without_page)
    expires_at = now_ms() + 1_000_000
    lists = [people(0, 3), people(0), people(16), people(200, 1), people(5, 3 * LARGE_CHUNK)]
    drafts = [
        text_to(app, HOME, user_ids, approval=number == 2, expires_at=expires_at if number == 4 else None)
        for number, user_ids in enumerate(lists)
    ]
    sent = await send_drafts(database, MessageIds(2), drafts)
    expected = {
        user_id: [message_id for message_id, user_ids in zip(sent, lists, strict=True) if user_id in user_ids]
        for user_ids in lists
        for user_id in user_ids
    }
    pages = {row["user_id"]: row for row in await rows(database, "select * from mailbox_page")}
    assert sorted(pages) == sorted({*expected, *with_page})
    for user_id, message_ids in expected.items():
        page = pages[user_id]
        earlier = 1 if user_id in with_page else 0
        assert page["message_ids"][earlier:] == message_ids
        assert page["message_ids"] == sorted(page["message_ids"])
        assert page["read_at"] == [None] * (earlier + len(message_ids))
        assert (page["first_id"], page["last_id"]) == (page["message_ids"][0], page["message_ids"][-1])
        assert page["open_approvals"] == [sent[2]] * (sent[2] in message_ids)
        assert page["expires_at"] == (expires_at if sent[4] in message_ids else None)
    known = {row["user_id"] for row in await rows(database, "select user_id from mailbox")}
    assert known == {*expected, *with_page, *without_page}


async def test_concurrent_lists_of_new_users_reach_all_of_them(database: Database) -> None:
    app = await add_app(database, "school", HOME.code)
    lists = [people(10 * number, 2 * LARGE_CHUNK) for number in range(6)]
    sends = [
        send_drafts(database, MessageIds(number), [text_to(app, HOME, user_ids), text_to(app, HOME, lists[-number])])
        for number, user_ids in enumerate(lists)
    ]
    await asyncio.gather(*sends)
    written = [user_id for number in range(6) for user_ids in (lists[number], lists[-number]) for user_id in user_ids]
    await pull(database, [HOME.recipient(user_id) for user_id in set(written)], now_ms())
    counts = {
        row["user_id"]: row["entries"]
        for row in await rows(database, "select user_id, cardinality(message_ids) as entries from mailbox_page")
    }
    assert counts == {user_id: written.count(user_id) for user_id in written}
