"""Reading all matches of a search, in parts and among concurrent changes of the mailbox."""

import asyncio

import pytest

from msgcenter.actions.mailboxes import inbox as changes
from msgcenter.actions.mailboxes import inbox_search
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_views import InboxQuery
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.user_tokens import Viewer
from msgcenter.database.database import Database
from msgcenter.domain.message_id import MessageIds
from msgcenter.messaging.send import send_drafts
from tests.scene import HOME, rows, short_pages, text_to

USER = HOME.recipient("user")
VIEWER = Viewer(USER, None, (), (), 1 << 60)
MATCHES, OTHERS = 60, 30


async def send(database: Database, app_number: int, ids: MessageIds, contents: list[str]) -> list[int]:
    """Send texts to the user, one after the other; return their ids."""
    sent: list[int] = []
    for content in contents:
        sent += [
            i
            for i in await send_drafts(database, ids, [text_to(app_number, HOME, ["user"], content=content)])
            if isinstance(i, int)
        ]
    return sent


async def unread_ids(database: Database) -> set[int]:
    """Return the ids of all unread entries."""
    unread = await rows(
        database,
        "select i from mailbox_page p cross join lateral unnest(p.message_ids, p.read_at) as e (i, r) where r is null",
    )
    return {row["i"] for row in unread}


async def test_the_matches_of_a_search_are_read_in_parts_among_concurrent_changes(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch, 7)
    monkeypatch.setattr(inbox_search, "_LOADED_AT_ONCE", 4)
    monkeypatch.setattr(changes, "_CHANGED_AT_ONCE", 9)
    ids = MessageIds(1)
    sent = await send(
        database, app_number, ids, [f"needle {n}" if n % 3 else f"hay {n}" for n in range(MATCHES + OTHERS)]
    )
    needles = [i for n, i in enumerate(sent) if n % 3]
    hay = set(sent) - set(needles)
    statuses = Statuses(database, waiting_limit=1_000)
    inbox = Inbox(database, statuses, waiting_limit=1_000)
    query = InboxQuery(text="NEEDLE", before_id=sent[-1] + 1)

    async def change_concurrently() -> set[int]:
        for message_id in sorted(hay)[:10]:
            await statuses.set_own(USER, app_number, frozenset([message_id]), read=True)
        return set(await send(database, app_number, ids, ["needle that arrives meanwhile"] * 10))

    first, second, late = await asyncio.gather(
        inbox.read_all(VIEWER, query), inbox.read_all(VIEWER, query), change_concurrently()
    )
    assert sorted([*first, *second]) == sorted(needles), "each is returned as changed once"
    assert first == sorted(first, reverse=True)
    assert await unread_ids(database) == set(sorted(hay)[10:]) | late


async def test_long_messages_end_a_search_request_early(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_search, "_LOADED_AT_ONCE", 5)
    monkeypatch.setattr(inbox_search, "_SCANNED_CHARACTERS", 10_000)
    sent = await send(database, app_number, MessageIds(1), ["needle", *("x" * 4_000 for _ in range(20))])
    inbox = Inbox(database, Statuses(database, waiting_limit=10), waiting_limit=10)
    query = InboxQuery(text="needle")
    pages = []
    while True:
        page = await inbox.list_messages(VIEWER, query)
        pages.append([shown.message.id for shown in page.items])
        if page.next_cursor is None:
            break
        query = query.at(page.next_cursor)
    assert len(pages) > 3
    assert [message_id for ids in pages for message_id in ids] == sent[:1]
