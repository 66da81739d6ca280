"""Daily quotas: exact under concurrency; each stored message counts once, a refused one not at all."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date, timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from msgcenter.database.database import Connection, Database
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.message import Draft, Message
from msgcenter.domain.message_id import MessageIds
from msgcenter.domain.quota import DailyQuota
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.send import send_drafts
from msgcenter.store.apps import quotas
from msgcenter.store.messages import messages
from tests.scene import HOME, rows, text_to

TODAY = date(2026, 11, 27)


def draft(app_number: int, limit: int | None, request_id: str | None = None, *, day: date = TODAY) -> Draft:
    """Return the draft of a text message of an app with a quota."""
    quota = None if limit is None else DailyQuota(limit, day, 1)
    return replace(text_to(app_number, HOME, ["user"], request_id=request_id), quota=quota)


def outcomes(answers: Sequence[int | Refusal]) -> str:
    """Return + for each sent draft and - for each that was over the quota."""
    for answer in answers:
        assert isinstance(answer, int) or answer.reason is Reason.QUOTA_EXCEEDED
    return "".join("+" if isinstance(answer, int) else "-" for answer in answers)


async def used(database: Database, app_number: int, day: date = TODAY) -> int:
    """Return the number of messages that count for a day."""
    async with database.connection() as connection:
        return await quotas.used(connection, HOME.first_cell, app_number, day)


async def stored_messages(database: Database) -> int:
    """Return the number of stored messages."""
    (row,) = await rows(database, "select count(*) from message")
    return int(row[0])


async def test_drafts_over_the_quota_are_refused(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 5)] * 3)) == "+++"
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 5)] * 4)) == "++--"
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 5)])) == "-"
    assert await used(database, app_number) == 5
    assert await stored_messages(database) == 5


async def test_a_refusal_has_the_quota_and_the_remaining_seconds(database: Database, app_number: int) -> None:
    (refusal,) = await send_drafts(database, MessageIds(1), [draft(app_number, 0)])
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.QUOTA_EXCEEDED
    assert refusal.data == {"quota": 0, "seconds": 1}
    assert await used(database, app_number) == 0


@pytest.mark.parametrize("limit", [1, 37, 64])
async def test_concurrent_sends_use_the_whole_quota_and_no_more(
    database: Database, database_url: str, app_number: int, limit: int
) -> None:
    async with AsyncExitStack() as stack:
        # One pool for each simulated process, each with sends in progress.
        databases = [await stack.enter_async_context(Database(database_url, connections=4)) for _ in range(4)]
        batches = [
            send_drafts(
                process_database,
                MessageIds(node),
                [draft(app_number, limit), draft(app_number, limit, f"{node} {turn}")],
            )
            for turn in range(12)
            for node, process_database in enumerate(databases)
        ]
        answers = await asyncio.gather(*batches)
    counts = Counter("".join(map(outcomes, answers)))
    assert counts["+"] == limit
    assert await used(database, app_number) == limit
    assert await stored_messages(database) == limit


async def test_a_repeated_request_counts_once(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    drafts = [
        draft(app_number, 2, "a"),
        draft(app_number, 2, "a"),
        draft(app_number, 2, "b"),
        draft(app_number, 2, "a"),
    ]
    first = await send_drafts(database, ids, drafts)
    assert outcomes(first) == "++++"
    assert await send_drafts(database, ids, drafts) == first
    assert await used(database, app_number) == 2
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 2, "c"), draft(app_number, 2, "a")])) == "-+"
    assert await stored_messages(database) == 2


async def test_concurrent_repetitions_count_once(database: Database, app_number: int) -> None:
    answers = await asyncio.gather(
        *(send_drafts(database, MessageIds(node), [draft(app_number, 3, "same")]) for node in range(8))
    )
    assert len({answer for part in answers for answer in part}) == 1
    assert await used(database, app_number) == 1


async def test_a_refused_draft_leaves_its_request_id_free(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    drafts = [draft(app_number, 1, "a"), draft(app_number, 1, "b"), draft(app_number, 1, "b")]
    assert outcomes(await send_drafts(database, ids, drafts)) == "+--"
    assert outcomes(await send_drafts(database, ids, drafts[1:])) == "--"
    assert [row["request_id"] for row in await rows(database, "select request_id from idempotency_key")] == ["a"]
    raised = [draft(app_number, 2, "b"), draft(app_number, 2, "b")]
    sent = await send_drafts(database, ids, raised)
    assert outcomes(sent) == "++"
    assert sent[0] == sent[1]
    assert await stored_messages(database) == 2


async def test_a_reused_request_id_over_the_quota_is_refused_for_the_quota(database: Database, app_number: int) -> None:
    other = replace(draft(app_number, 0, "a"), digest=b"another")
    assert outcomes(await send_drafts(database, MessageIds(1), [draft(app_number, 0, "a"), other])) == "--"


async def test_a_batch_that_fails_counts_nothing(database: Database, app_number: int) -> None:
    broken = draft(app_number, 5, "\ud800")  # PostgreSQL refuses half of a surrogate pair
    with pytest.raises(Exception, match="surrogates"):
        await send_drafts(database, MessageIds(1), [draft(app_number, 5), broken])
    assert await used(database, app_number) == 0


async def test_a_repeated_transaction_counts_once(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, tries = messages.insert_messages, 0

    async def deadlock_at_first(connection: Connection, cell: int, new_messages: Sequence[Message]) -> None:
        nonlocal tries
        tries += 1
        await insert(connection, cell, new_messages)
        if tries == 1:
            raise asyncpg.DeadlockDetectedError("as PostgreSQL raises it")

    monkeypatch.setattr(messages, "insert_messages", deadlock_at_first)
    drafts = [draft(app_number, 2), draft(app_number, 2, "a"), draft(app_number, 2, "b"), draft(app_number, 2)]
    assert outcomes(await send_drafts(database, MessageIds(1), drafts)) == "++--"
    assert tries == 2
    assert await used(database, app_number) == 2


async def test_an_app_without_a_quota_is_not_counted(database: Database, app_number: int) -> None:
    await send_drafts(database, MessageIds(1), [draft(app_number, None), draft(app_number + 1, 5)])
    counts = await rows(database, "select app_number, used from quota_use")
    assert [tuple(row) for row in counts] == [(app_number + 1, 1)]


async def test_each_app_and_day_has_its_own_count(database: Database, app_number: int) -> None:
    tomorrow = TODAY + timedelta(days=1)
    drafts = [
        draft(app_number, 1),
        draft(app_number + 1, 2),
        draft(app_number, 1),
        draft(app_number, 1, day=tomorrow),
        draft(app_number + 1, 2),
        draft(app_number + 1, 2),
    ]
    assert outcomes(await send_drafts(database, MessageIds(1), drafts)) == "++-++-"
    assert await used(database, app_number, tomorrow) == 1


async def test_a_quota_may_be_lowered_and_raised(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    await send_drafts(database, ids, [draft(app_number, 5)] * 5)
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 3)])) == "-"
    # Calls from before and after a change of the quota may share a batch: each has the quota of its time.
    assert outcomes(await send_drafts(database, ids, [draft(app_number, 3), draft(app_number, 7)])) == "-+"
    assert await used(database, app_number) == 6


async def test_a_broadcast_counts_as_one_message_and_so_does_a_large_send(database: Database, app_number: int) -> None:
    broadcast = replace(draft(app_number, 9), receivers=(), topic_number=EVERYONE)
    many = replace(draft(app_number, 9), receivers=tuple(f"user-{number:04}" for number in range(1_500)))
    later = replace(draft(app_number, 9), send_at=1_893_456_000_000)
    assert outcomes(await send_drafts(database, MessageIds(1), [broadcast, many, later])) == "+++"
    assert await used(database, app_number) == 3


async def test_on_stored_gets_the_stored_drafts_only(database: Database, app_number: int) -> None:
    stored: list[Draft] = []
    drafts = [draft(app_number, 2, "a"), draft(app_number, 2, "a"), draft(app_number, 2), draft(app_number, 2)]
    for _ in range(2):
        await send_drafts(database, MessageIds(1), drafts, on_stored=stored.extend)
    assert stored == [drafts[0], drafts[2]]


async def test_old_counts_are_deleted(database: Database, app_number: int) -> None:
    for back in range(3):
        await send_drafts(database, MessageIds(1), [draft(app_number, 1, day=TODAY - timedelta(days=back))])
    async with database.connection() as connection:
        assert await quotas.delete_old(connection, TODAY, 1) == 1
        assert await quotas.delete_old(connection, TODAY, 9) == 1
        assert await quotas.delete_old(connection, TODAY, 9) == 0
    assert await used(database, app_number) == 1
