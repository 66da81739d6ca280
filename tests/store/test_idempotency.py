"""Request ids: one request makes one message for a day, however often and by however many it is repeated."""

import asyncio
from collections.abc import Sequence

import pytest

from msgcenter.database.database import Connection, Database
from msgcenter.domain.message import IDEMPOTENCY_MS, Draft
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.send import send_drafts
from msgcenter.store.messages import idempotency
from msgcenter.store.messages.idempotency import Claim, IdempotencyKey
from tests.conftest import PLATFORM
from tests.store.scene import Clock, rows, text_to

KEY = IdempotencyKey(1, "request")


def request(app_number: int, content: str, request_id: str = "request") -> Draft:
    """A request to send a text to one user."""
    return text_to(app_number, PLATFORM, ["user"], content=content, request_id=request_id)


def reasons(answers: Sequence[int | Refusal]) -> list[Reason | None]:
    """What the answers refuse."""
    return [answer.reason if isinstance(answer, Refusal) else None for answer in answers]


async def contents(database: Database) -> list[str]:
    """The texts of all messages, each with the mailboxes that have it."""
    found = await rows(
        database,
        "select m.content->>'content' as text, count(p.user_id) as holders from message m"
        " left join mailbox_page p on m.id = any(p.message_ids) group by m.id order by m.id",
    )
    return [f"{row['text']} {row['holders']}" for row in found]


async def claim(database: Database, claims: list[Claim], now: int) -> dict[IdempotencyKey, Claim]:
    """Take keys at a time."""

    async def write(connection: Connection) -> dict[IdempotencyKey, Claim]:
        return await idempotency.claim(connection, claims, now, now - IDEMPOTENCY_MS)

    return await database.in_transaction(write)


async def test_repeated_in_one_batch_and_later(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    asked = [
        request(app_number, "a"),
        request(app_number, "a"),
        request(app_number, "b"),
        request(app_number, "a", "2"),
    ]
    answers = await send_drafts(database, ids, asked)
    assert reasons(answers) == [None, None, Reason.REQUEST_ID_REUSED, None]
    assert answers[0] == answers[1] != answers[3]
    again = await send_drafts(database, ids, asked)
    assert [again[number] for number in (0, 1, 3)] == [answers[number] for number in (0, 1, 3)]
    assert reasons(again) == reasons(answers)
    assert await contents(database) == ["a 1", "a 1"]


async def test_the_same_request_id_of_two_apps_is_two_requests(database: Database, app_number: int) -> None:
    answers = await send_drafts(database, MessageIds(1), [request(app_number, "a"), request(app_number + 1, "b")])
    assert reasons(answers) == [None, None]
    assert await contents(database) == ["a 1", "b 1"]


async def test_the_same_request_by_many_at_once_makes_one_message(database: Database, app_number: int) -> None:
    def asked(number: int) -> list[Draft]:
        # In different orders, so that they would wait for each other in a circle if they were taken as they come.
        drafts = [request(app_number, "a", f"{number}") for number in range(5)]
        return drafts if number % 2 else drafts[::-1]

    answers = await asyncio.gather(*(send_drafts(database, MessageIds(node), asked(node)) for node in range(8)))
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


async def test_a_send_that_fails_leaves_its_request_id_free(database: Database, app_number: int) -> None:
    ids = MessageIds(1)
    broken = request(app_number, "a", "\ud800")  # no database takes half a character
    with pytest.raises(Exception, match="surrogates"):
        await send_drafts(database, ids, [request(app_number, "a"), broken])
    assert await contents(database) == []
    assert reasons(await send_drafts(database, ids, [request(app_number, "b")])) == [None]


async def test_a_taken_id_makes_another_attempt_with_another(database: Database, app_number: int) -> None:
    clock = Clock()
    await send_drafts(database, MessageIds(1, clock), [request(app_number, "a", "1"), request(app_number, "b", "2")])
    # Another maker of the same number at the same time.
    answers = await send_drafts(database, MessageIds(1, clock), [request(app_number, "c", "3")])
    assert reasons(answers) == [None]
    assert await contents(database) == ["a 1", "b 1", "c 1"]


async def test_a_claim_is_seen_by_whom_it_concerns(database: Database) -> None:
    now = now_ms()
    mine, other = Claim(KEY, b"1", 1), Claim(KEY, b"2", 2)
    assert await claim(database, [mine], now) == {KEY: mine}
    assert await claim(database, [other], now + IDEMPOTENCY_MS) == {KEY: mine}
    async with database.connection() as connection:
        assert await idempotency.find(connection, [KEY, IdempotencyKey(2, "request")], now) == {KEY: mine}
        assert await idempotency.find(connection, [KEY], now + 1) == {}
    assert await claim(database, [other], now + IDEMPOTENCY_MS + 1) == {KEY: other}


async def test_old_keys_go_the_oldest_first(database: Database) -> None:
    keys = [IdempotencyKey(1, f"{number}") for number in range(5)]
    for number, key in enumerate(keys):
        await claim(database, [Claim(key, b"", number)], 1_000 + number)
    async with database.connection() as connection:
        assert await idempotency.delete_old(connection, 1_003, 2) == 2
        assert await idempotency.find(connection, keys, 0) == {key: Claim(key, b"", int(key[1])) for key in keys[2:]}
        assert await idempotency.delete_old(connection, 1_003, 2) == 1
        assert await idempotency.delete_old(connection, 1_003, 2) == 0
        assert await idempotency.find(connection, keys, 0) == {key: Claim(key, b"", int(key[1])) for key in keys[3:]}
