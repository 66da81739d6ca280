"""Request ids: for a day, repeated requests make one message, also when they are concurrent."""

import asyncio
from collections.abc import Sequence

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.send import send_drafts
from msgcenter.store.messages import idempotency
from msgcenter.store.messages.idempotency import Claim, IdempotencyKey
from tests.scene import HOME, Clock, rows, text_to

KEY = IdempotencyKey(HOME.first_cell, 1, "request")


def request(app_number: int, content: str, request_id: str = "request") -> Draft:
    """Return a request to send a text to one user."""
    return text_to(app_number, HOME, ["user"], content=content, request_id=request_id)


def reasons(answers: Sequence[int | Refusal]) -> list[Reason | None]:
    """Return the reasons of the refusals among the answers."""
    return [answer.reason if isinstance(answer, Refusal) else None for answer in answers]


async def contents(database: Database) -> list[str]:
    """Return the text of each message with the number of mailboxes that have it."""
    messages = await rows(
        database,
        """
        select message.content->>'content' as text, count(page.user_id) as mailboxes
        from message
        left join mailbox_page as page on page.cell = message.cell and message.id = any(page.message_ids)
        group by message.cell, message.id
        order by message.id
        """,
    )
    return [f"{message['text']} {message['mailboxes']}" for message in messages]


async def claim(database: Database, claims: list[Claim], now: int) -> dict[IdempotencyKey, Claim]:
    """Claim keys at `now`."""
    return await database.in_transaction(idempotency.claim, claims, now, now - IDEMPOTENCY_MS)


async def test_a_repeated_request_gets_the_first_answer_in_its_batch_and_later(
    database: Database, app_number: int
) -> None:
    ids = MessageIds(1)
    requests = [
        request(app_number, "a"),
        request(app_number, "a"),
        request(app_number, "b"),
        request(app_number, "a", "2"),
    ]
    answers = await send_drafts(database, ids, requests)
    assert reasons(answers) == [None, None, Reason.REQUEST_ID_REUSED, None]
    assert answers[0] == answers[1] != answers[3]
    again = await send_drafts(database, ids, requests)
    assert [again[number] for number in (0, 1, 3)] == [answers[number] for number in (0, 1, 3)]
    assert reasons(again) == reasons(answers)
    assert await contents(database) == ["a 1", "a 1"]


async def test_two_apps_may_use_the_same_request_id(database: Database, app_number: int) -> None:
    answers = await send_drafts(database, MessageIds(1), [request(app_number, "a"), request(app_number + 1, "b")])
    assert reasons(answers) == [None, None]
    assert await contents(database) == ["a 1", "b 1"]


async def test_concurrent_repetitions_make_one_message(database: Database, app_number: int) -> None:
    def requests(number: int) -> list[Draft]:
        # In different orders: transactions that claimed keys in the order of their requests would deadlock.
        drafts = [request(app_number, "a", f"{number}") for number in range(5)]
        return drafts if number % 2 else drafts[::-1]

    answers = await asyncio.gather(*(send_drafts(database, MessageIds(node), requests(node)) for node in range(8)))
    assert {tuple(answer if number % 2 else answer[::-1]) for number, answer in enumerate(answers)} == {
        tuple(answers[1])
    }
    assert await contents(database) == ["a 1"] * 5


async def test_a_request_id_is_free_after_a_day(
    database: Database, app_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch)
    ids = MessageIds(1, clock)
    (first,) = await send_drafts(database, ids, [request(app_number, "a")])
    clock.now += IDEMPOTENCY_MS
    assert reasons(await send_drafts(database, ids, [request(app_number, "b")])) == [Reason.REQUEST_ID_REUSED]
    assert await send_drafts(database, ids, [request(app_number, "a")]) == [first]
    clock.now += 1
    (second,) = await send_drafts(database, ids, [request(app_number, "b")])
    assert isinstance(second, int)
    assert second != first
    assert await send_drafts(database, ids, [request(app_number, "b")]) == [second]
    assert await contents(database) == ["a 1", "b 1"]


async def test_a_failed_send_leaves_its_request_id_free(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    broken = request(app_number, "a", "\ud800")  # PostgreSQL refuses half of a surrogate pair
    with pytest.raises(Exception, match="surrogates"):
        await send_drafts(database, ids, [request(app_number, "a"), broken])
    assert await contents(database) == []
    assert reasons(await send_drafts(database, ids, [request(app_number, "b")])) == [None]


async def test_a_send_whose_message_id_is_taken_is_repeated_with_another_id(
    database: Database, app_number: int
) -> None:
    clock = Clock()
    await send_drafts(database, MessageIds(1, clock), [request(app_number, "a", "1"), request(app_number, "b", "2")])
    # Another generator with the same node number at the same time.
    answers = await send_drafts(database, MessageIds(1, clock), [request(app_number, "c", "3")])
    assert reasons(answers) == [None]
    assert await contents(database) == ["a 1", "b 1", "c 1"]


@pytest.mark.usefixtures("app_number")
async def test_a_claim_is_valid_for_a_day_and_for_its_key_only(database: Database) -> None:
    now = now_ms()
    first, second = Claim(KEY, b"1", 1), Claim(KEY, b"2", 2)
    assert await claim(database, [first], now) == {KEY: first}
    assert await claim(database, [second], now + IDEMPOTENCY_MS) == {KEY: first}
    async with database.connection() as connection:
        assert await idempotency.find(connection, [KEY, IdempotencyKey(KEY.cell, 2, "request")], now) == {KEY: first}
        assert await idempotency.find(connection, [KEY], now + 1) == {}
    assert await claim(database, [second], now + IDEMPOTENCY_MS + 1) == {KEY: second}


@pytest.mark.usefixtures("app_number")
async def test_old_keys_are_deleted_oldest_first(database: Database) -> None:
    claims = [Claim(IdempotencyKey(KEY.cell, 1, f"{number}"), b"", number) for number in range(5)]
    for number, new_claim in enumerate(claims):
        await claim(database, [new_claim], 1_000 + number)
    keys = [new_claim.key for new_claim in claims]
    async with database.connection() as connection:
        assert await idempotency.delete_old(connection, 1_003, 2) == 2
        assert await idempotency.find(connection, keys, 0) == dict(zip(keys[2:], claims[2:], strict=True))
        assert await idempotency.delete_old(connection, 1_003, 2) == 1
        assert await idempotency.delete_old(connection, 1_003, 2) == 0
        assert await idempotency.find(connection, keys, 0) == dict(zip(keys[3:], claims[3:], strict=True))
