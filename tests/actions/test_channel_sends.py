"""A send or reminder plans its channels in its own transaction; a platform without channels pays nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.database.database import Database
from msgcenter.domain.account import App
from msgcenter.domain.audience import Everyone, Receivers
from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.channels.policy import Wish
from msgcenter.domain.content import Text
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.messaging.channels import rules
from msgcenter.messaging.channels.rules import ChannelRules
from msgcenter.store.apps.apps import find_app
from msgcenter.store.apps.platforms import ensure_platform
from msgcenter.store.channels import policy
from msgcenter.store.messages.node_lease import NodeLease
from tests.channel_rows import ChannelRows
from tests.scene import START, add_app, rows

CODE = "channels"
MINUTE_MS = 60_000
DAY_MS = 86_400_000
USERS = Receivers.of(f"user-{number}" for number in range(20))
BODY = Text("text")


@pytest.fixture(params=[1, 4], ids=["one cell", "four cells"])
async def app(request: pytest.FixtureRequest, database: Database) -> App:
    """An app on a platform of one or four cells, which has no channels."""
    await database.in_transaction(ensure_platform, CODE, CODE, START, cells=request.param)
    await add_app(database, "app", CODE)
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    assert record.app.platform.cells == request.param
    return record.app


@pytest.fixture
async def decided(database: Database, app: App) -> ChannelRows:
    """A platform that sends by mail after half an hour; homework is pushed after an hour, alarms are urgent."""
    written = ChannelRows(database, app.platform.code)
    await written.add_gateways("email", "push")
    await written.set_defaults(["email"], 30)
    await written.add_type("homework", ["push"], 60, Urgency.LOW)
    await written.add_type("alarm", urgency=Urgency.URGENT)
    return written


@pytest.fixture
async def sending(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sending]:
    """Sending that remembers no rules."""
    monkeypatch.setattr(rules, "REMEMBERED_SECONDS", 0.0)
    async with NodeLease(database_url) as lease:
        yield Sending(database, lease, waiting_limit=100)


async def plans(database: Database) -> list[dict[str, Any]]:
    """Return the plans in the order of their messages."""
    return [dict(row) for row in await rows(database, "select * from channel_plan order by message_id, round")]


async def test_a_platform_without_channels_stores_no_plan(database: Database, app: App, sending: Sending) -> None:
    await sending.send(app, BODY, USERS, wish=Wish(channels=("email",), delay_minutes=0))
    assert await plans(database) == []


async def test_a_send_stores_its_plan(database: Database, app: App, decided: ChannelRows, sending: Sending) -> None:
    before = now_ms()
    message_id = await sending.send(app, BODY, USERS)
    (plan,) = await plans(database)
    assert before + 30 * MINUTE_MS <= plan.pop("due_at") <= now_ms() + 30 * MINUTE_MS
    assert before <= plan.pop("created_at") <= now_ms()
    assert plan == {
        "cell": app.platform.first_cell,
        "message_id": message_id,
        "round": 0,
        "urgency": Urgency.NORMAL,
        "app_number": app.number,
        "platform_code": CODE,
        "type_code": "",
        "channels": ["email"],
        **dict.fromkeys(("lease_until", "lease_holder", "finished_at", "place")),
        "skipped": "{}",
    }


async def test_the_type_of_a_message_is_stored(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    typed = await sending.send(app, BODY, USERS, wish=Wish("homework"))
    silent = await sending.send(app, BODY, USERS, wish=Wish("homework", channels=()))
    await sending.send(app, BODY, USERS)
    stored = await rows(database, "select type_code from message order by id")
    assert [row["type_code"] for row in stored] == ["homework", "homework", None]
    (plan, none, _) = await plans(database)
    assert (plan["message_id"], plan["type_code"], plan["urgency"]) == (typed, "homework", Urgency.LOW)
    assert plan["channels"] == ["push"]
    assert (none["message_id"], none["channels"], none["finished_at"]) == (silent, [], none["created_at"])


async def test_a_scheduled_message_is_due_its_delay_after_its_time(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    at = now_ms() + DAY_MS
    await sending.send(app, BODY, USERS, send_at=at, wish=Wish(delay_minutes=5))
    assert [plan["due_at"] for plan in await plans(database)] == [at + 5 * MINUTE_MS]


async def test_a_large_send_and_a_broadcast_have_a_plan(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    crowd = Receivers.of(f"user-{number}" for number in range(1_001))
    sent = [await sending.send(app, BODY, crowd), await sending.send(app, BODY, Everyone())]
    assert [plan["message_id"] for plan in await plans(database)] == sent


async def test_a_batch_of_sends_stores_the_plans_of_those_that_have_one(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    wishes = [
        Wish(channels=("push", "email")),
        Wish(channels=("feishu",)),
        Wish(channels=("sms",)),
        Wish(delay_minutes=0),
    ]
    sent = await asyncio.gather(*(sending.send(app, BODY, USERS, wish=wish) for wish in wishes))
    stored = {plan["message_id"]: plan["channels"] for plan in await plans(database)}
    assert stored == {sent[0]: ["push", "email"], sent[3]: ["email"]}


async def test_a_repeated_request_has_one_plan_and_another_wish_is_another_request(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    wish = Wish("homework", ("email",), 1)
    first = await sending.send(app, BODY, USERS, request_id="r", wish=wish)
    assert await sending.send(app, BODY, USERS, request_id="r", wish=wish) == first
    assert len(await plans(database)) == 1
    for other in (Wish(), Wish("homework"), wish._replace(delay_minutes=2), wish._replace(channels=())):
        with pytest.raises(Refusal) as refused:
            await sending.send(app, BODY, USERS, request_id="r", wish=other)
        assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_a_repeated_request_is_answered_though_its_type_was_archived(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    first = await sending.send(app, BODY, USERS, request_id="r", wish=Wish("homework"))
    await rows(database, "update message_type set archived_at = 1 where code = 'homework' returning 1")
    assert await sending.send(app, BODY, USERS, request_id="r", wish=Wish("homework")) == first
    with pytest.raises(Refusal) as refused:
        await sending.send(app, BODY, USERS, wish=Wish("homework"))
    assert refused.value.reason is Reason.FIELD_MALFORMED


async def test_urgent_messages_need_a_grant(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    with pytest.raises(Refusal) as refused:
        await sending.send(app, BODY, USERS, wish=Wish("alarm"))
    assert refused.value.reason is Reason.NOT_AUTHORISED
    assert await rows(database, "select from message") == []
    await rows(database, "update app set urgent = true returning 1")
    async with database.connection() as connection:
        record = await find_app(connection, "app")
    assert record is not None
    await sending.send(record.app, BODY, USERS, wish=Wish("alarm"))
    assert [plan["urgency"] for plan in await plans(database)] == [Urgency.URGENT]


async def remind(database: Database, app: App, message_id: int) -> None:
    """Remind of a message again, as if its last reminder was long ago."""
    await rows(database, "update message set reminded_at = null returning 1")
    assert await SentMessages(database).remind(app, message_id, by=COMMAND) == len(USERS.user_ids)


async def test_a_reminder_brings_a_waiting_plan_forward(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    message_id = await sending.send(app, BODY, USERS)
    for _ in range(2):
        await remind(database, app, message_id)
        (plan,) = await plans(database)
        assert plan["due_at"] <= now_ms()


async def test_a_reminder_after_the_plan_is_another_round(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    message_id = await sending.send(app, BODY, USERS, wish=Wish("homework", ("push", "email"), 5))
    for last in (0, 1):
        await rows(database, "update channel_plan set finished_at = $1 returning 1", now_ms())
        await remind(database, app, message_id)
        *_, plan = await plans(database)
        assert (plan["round"], plan["channels"], plan["finished_at"]) == (last + 1, ["push", "email"], None)
        assert (plan["type_code"], plan["urgency"]) == ("homework", Urgency.LOW)
        assert plan["due_at"] == plan["created_at"] <= now_ms()


async def test_a_reminder_of_a_message_without_a_plan_follows_the_platform(
    database: Database, app: App, sending: Sending
) -> None:
    message_id = await sending.send(app, BODY, USERS)
    await remind(database, app, message_id)
    assert await plans(database) == []
    decided = ChannelRows(database, CODE)
    await decided.add_gateways("email")
    await decided.set_defaults(["email"])
    await remind(database, app, message_id)
    (plan,) = await plans(database)
    assert (plan["round"], plan["channels"]) == (0, ["email"])


async def test_a_message_for_inboxes_only_is_reminded_of_there(
    database: Database, app: App, decided: ChannelRows, sending: Sending
) -> None:
    message_id = await sending.send(app, BODY, USERS, wish=Wish(channels=()))
    await remind(database, app, message_id)
    (plan,) = await plans(database)
    assert plan["finished_at"] is not None


async def test_rules_are_read_once_and_again_after_their_time(
    database: Database, app: App, decided: ChannelRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read_rules = policy.read_rules

    async def counted(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read_rules(*arguments)

    monkeypatch.setattr(policy, "read_rules", counted)
    now = 0.0
    monkeypatch.setattr("msgcenter.messaging.channels.rules.time.monotonic", lambda: now)
    remembered = ChannelRules(database, waiting_limit=100)
    answers = await asyncio.gather(*(remembered.of(CODE) for _ in range(50)))
    assert reads == 1
    assert {answer.channels for answer in answers if answer is not None} == {("email",)}
    await decided.set_defaults(["push"])
    now = 1.9
    assert await remembered.of(CODE) == answers[0]
    assert await remembered.of("another platform") is None
    assert await remembered.of("another platform") is None
    assert reads == 2
    now = 2.1
    changed = await remembered.of(CODE)
    assert changed is not None
    assert (changed.channels, reads) == (("push",), 3)
