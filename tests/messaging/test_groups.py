"""Lists of receivers that were addressed before: a message to them is one row of the feed."""

import asyncio

import pytest

from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.audience import Everyone, Receivers
from msgcenter.domain.content import Text
from msgcenter.domain.message_id import MessageIds, now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.messaging import groups, pull
from msgcenter.messaging.fan_out import fan_out
from msgcenter.messaging.send import send_drafts
from msgcenter.store.apps.apps import find_app
from msgcenter.store.messages.audiences import LARGE_CHUNK
from msgcenter.store.messages.jobs import Delivery
from msgcenter.store.messages.node_lease import NodeLease
from tests.scene import HOME, add_app, rows, text_to

CLASS = tuple(f"pupil-{number:02}" for number in range(LARGE_CHUNK))


@pytest.fixture
async def app(database: Database) -> App:
    await add_app(database, "school", HOME.code)
    async with database.connection() as connection:
        record = await find_app(connection, "school")
    assert record is not None
    return record.app


async def entries(database: Database) -> int:
    (row,) = await rows(database, "select coalesce(sum(cardinality(message_ids)), 0) as entries from mailbox_page")
    count: int = row["entries"]
    return count


async def send(database: Database, app: App, users: tuple[str, ...] = CLASS, **options: object) -> int:
    draft = text_to(app.number, HOME, users, **options)  # type: ignore[arg-type]
    (message_id,) = await send_drafts(database, MessageIds(1), [draft])
    assert isinstance(message_id, int)
    return message_id


async def pull_all(database: Database) -> None:
    await pull.pull(database, [HOME.recipient(user_id) for user_id in CLASS], now_ms())


async def test_the_second_message_to_a_list_costs_one_row(database: Database, app: App) -> None:
    await send(database, app)
    assert (await entries(database), await rows(database, "select from feed")) == (len(CLASS), [])
    for turn in (1, 2, 3):
        await send(database, app)
        assert await entries(database) == len(CLASS)
        assert len(await rows(database, "select from feed")) == turn
    await pull_all(database)
    assert await entries(database) == 4 * len(CLASS)


@pytest.mark.parametrize("few", [1, LARGE_CHUNK - 1])
async def test_short_lists_are_always_pushed(database: Database, app: App, few: int) -> None:
    for _ in range(3):
        await send(database, app, CLASS[:few])
    assert await entries(database) == 3 * few
    assert await rows(database, "select from audience_group") == []


async def test_approvals_are_always_pushed(database: Database, app: App) -> None:
    for _ in range(3):
        await send(database, app, approval=True)
    assert await entries(database) == 3 * len(CLASS)


async def test_a_list_whose_first_message_still_waits_is_pushed(database: Database, app: App) -> None:
    """Its users may not be known yet, and a message to everyone must not reach them before theirs does."""
    await send(database, app, send_at=now_ms() + 1_000_000)
    await send(database, app)
    assert await entries(database) == len(CLASS)
    assert await rows(database, "select from audience_group") == []


async def test_several_messages_in_one_commit_make_one_group(database: Database, app: App) -> None:
    await send(database, app)
    drafts = [text_to(app.number, HOME, CLASS, content=f"number {number}") for number in range(3)]
    await send_drafts(database, MessageIds(1), drafts)
    assert len(await rows(database, "select from audience_group")) == 1
    assert len(await rows(database, "select from feed")) == 3


async def test_concurrent_sends_make_one_group_and_lose_nothing(database: Database, app: App) -> None:
    await send(database, app)
    drafts = [text_to(app.number, HOME, CLASS, content=f"number {number}") for number in range(8)]
    await asyncio.gather(*(send_drafts(database, MessageIds(node), [draft]) for node, draft in enumerate(drafts)))
    assert len(await rows(database, "select from audience_group")) == 1
    await pull_all(database)
    assert await entries(database) == 9 * len(CLASS)


async def test_receipts_count_members_who_have_not_looked(database: Database, app: App) -> None:
    await send(database, app)
    message_id = await send(database, app)
    statuses = MessageStatuses(database, waiting_limit=10)
    assert (await statuses.status(app, message_id)).counts == (len(CLASS), len(CLASS), 0)
    missing = await Statuses(database, waiting_limit=10).set_status(app, CLASS[3], frozenset([message_id]), read=True)
    assert missing == frozenset()
    assert (await statuses.status(app, message_id)).counts == (len(CLASS), len(CLASS), 1)
    page = await statuses.receipts(app, message_id, read=None, cursor=None, limit=200)
    assert [receipt.user_id for receipt in page.receipts] == list(CLASS)
    assert [receipt.user_id for receipt in page.receipts if receipt.read_at is not None] == [CLASS[3]]


async def test_a_recall_reaches_members_who_have_not_looked(database: Database, app: App) -> None:
    await send(database, app)
    message_id = await send(database, app)
    await Statuses(database, waiting_limit=10).set_status(app, CLASS[0], frozenset([message_id]), read=True)
    await SentMessages(database).recall(app, message_id, by=COMMAND)
    counts = MessageStatuses(database, waiting_limit=10)
    assert [await counts.unread_count(app, user_id) for user_id in CLASS] == [1] * len(CLASS)


async def test_a_reset_sets_a_message_unread_for_all_members(database: Database, app: App) -> None:
    await send(database, app)
    message_id = await send(database, app)
    statuses = Statuses(database, waiting_limit=10)
    for user_id in CLASS[:5]:
        await statuses.set_status(app, user_id, frozenset([message_id]), read=True)
    await SentMessages(database).update(app, message_id, Text("corrected"), reset_read=True, by=COMMAND)
    assert (await MessageStatuses(database, waiting_limit=10).status(app, message_id)).counts.read == 0


async def test_a_fan_out_publishes_to_the_groups_that_exist(
    database: Database, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msgcenter.domain.message.IMMEDIATE_RECEIVERS", 10)
    for _ in range(
        2
    ):  # in the background: the first to mailboxes, the second to the group that the first made possible
        await fan_out(database, Delivery(HOME.first_cell, await send(database, app)))
    assert await entries(database) == len(CLASS)
    await pull_all(database)
    assert await entries(database) == 2 * len(CLASS)


async def test_an_idle_group_goes_and_its_members_keep_what_was_sent(database: Database, app: App) -> None:
    await send(database, app)
    await send(database, app)
    assert await groups.remove_idle(database, now_ms()) == 0
    later = now_ms() + groups.IDLE_MS + 1
    assert await groups.remove_idle(database, later) == 1
    assert await entries(database) == 2 * len(CLASS)
    assert await rows(database, "select from audience_group") == []
    assert await rows(database, "select from topic_subscription") == []
    await send(database, app)
    await pull_all(database)
    assert await entries(database) == 3 * len(CLASS)


async def test_messages_to_everyone_and_to_groups_arrive_in_one_order(
    database: Database, database_url: str, app: App
) -> None:
    async with NodeLease(database_url) as lease:
        sending = Sending(database, lease, waiting_limit=10)
        sent = [await sending.send(app, Text("one"), Receivers.of(CLASS))]
        for number in range(3):
            sent.append(await sending.send(app, Text(f"all {number}"), Everyone()))
            sent.append(await sending.send(app, Text(f"class {number}"), Receivers.of(CLASS)))
    await pull_all(database)
    pages = await rows(database, "select message_ids from mailbox_page")
    assert [page["message_ids"] for page in pages] == [sent] * len(CLASS)
