"""Deliveries are sent once, as the message is then, to those who have not read it then."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from msgcenter.channels.face import Outcome
from msgcenter.database.database import Connection, Database
from msgcenter.delivery.channels.attempt import storable
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.domain.audience import Everyone
from msgcenter.domain.channels.codes import Urgency
from msgcenter.domain.content import Link, Text
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import COMMAND
from msgcenter.domain.webhook import CHANNEL_FAILED, CHANNEL_SENT
from msgcenter.store.apps.apps import find_app
from msgcenter.store.webhooks import webhooks
from tests.channel_scene import (
    PUBLIC,
    QUICK,
    ZONE,
    ChannelScene,
    add_contacts,
    add_smtp_gateway,
    address_of,
    channel_scene,
    linked_message,
    slower,
    until,
    until_rows,
)
from tests.scene import add_app, find_platform, rows
from tests.smtp_sink import SmtpSink, smtp_sink

USERS = tuple(f"user-{number:02}" for number in range(12))
FIRST = address_of(USERS[0])


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server."""
    with smtp_sink() as running:
        yield running


@pytest.fixture
async def scene(database: Database, sink: SmtpSink) -> AsyncIterator[ChannelScene]:
    """A platform with one cell, whose gateway is the mail server; ten of its twelve users have an address."""
    async with channel_scene(database) as opened:
        await opened.add_gateway(sink.port)
        await opened.add_contacts(USERS[:10])
        yield opened


def minute_now(shift: int) -> int:
    """Return the minute of the day in some minutes, in the time zone of the tests."""
    local = datetime.now(ZONE)
    return (local.hour * 60 + local.minute + shift) % 1_440


async def test_an_unread_message_is_mailed_once(scene: ChannelScene, sink: SmtpSink) -> None:
    message_id = await scene.send(
        USERS, Link(title="Trip", busi_id="1", content="Bring a coat", pc_url="https://a.example/")
    )
    await scene.read(USERS[0], message_id)
    await scene.plan_all()
    await scene.send_all()
    assert sink.by_recipient == dict.fromkeys(map(address_of, USERS[1:10]), 1)
    assert await scene.outcomes() == {(2, None): 9}
    assert await scene.skipped(message_id) == {"email": {"read": 1, "noAddress": 2}}
    assert sink.mails[0].message["Subject"] == "Trip"
    assert "Bring a coat" in sink.mails[0].text
    assert f"{PUBLIC}/inbox#link=" in sink.mails[0].text
    assert linked_message(sink.mails[0].text) == message_id
    counted = await rows(scene.database, "select channel, outcome, deliveries from channel_count")
    assert [tuple(row) for row in counted] == [("email", "sent", 9)]


async def test_what_happens_between_plan_and_dispatch_decides(scene: ChannelScene, sink: SmtpSink) -> None:
    kept = await scene.send(USERS[:2], Text("old text"))
    recalled = await scene.send(USERS[:2], Text("recalled"))
    expired = await scene.send(USERS[:2], Text("expired"))
    broadcast = await scene.send(Everyone(), Text("recalled as well"))  # nobody has pulled it
    deleted = await scene.send(USERS[:1], Text("deleted"))
    await scene.plan_all()
    await scene.read(USERS[1], kept)
    await scene.sent.update(scene.app, kept, Text("new text"), reset_read=False, by=COMMAND)
    for message_id in (recalled, broadcast):
        await scene.sent.recall(scene.app, message_id, by=COMMAND)
    await scene.execute("update message set expires_at = $2 where id = $1", expired, now_ms() - 1)
    await scene.execute("update mailbox_page set hidden_ids = array[$1::bigint]", deleted)
    await scene.send_all()
    assert [(mail.to, "new text" in mail.text) for mail in sink.mails] == [(FIRST, True)]
    assert await scene.outcomes() == {(2, None): 1, (4, "read"): 1, (4, "gone"): 7}


async def test_a_snoozed_message_is_sent_when_it_wakes(scene: ChannelScene, sink: SmtpSink) -> None:
    message_id = await scene.send(USERS[:1])
    await scene.plan_all()
    wakes_at = now_ms() + 3_600_000
    await scene.execute(
        """
        update mailbox_page
        set hidden_ids = array[$1::bigint], snoozed_ids = array[$1], snoozed_until = array[$2::bigint]
        """,
        message_id,
        wakes_at,
    )
    await scene.send_all()
    (delivery,) = await scene.deliveries()
    assert (delivery["state"], delivery["due_at"], delivery["first_due_at"]) == (0, wakes_at, wakes_at)
    assert sink.mails == []


async def test_mutes_and_choices_count_unless_the_type_is_mandatory(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.execute(
        """
        insert into message_type (platform_code, code, name_zh, name_en, created_at, mandatory)
        values ('channels', 'news', '新闻', 'News', 1, false), ('channels', 'alarm', '警报', 'Alarm', 1, true)
        """
    )
    await scene.prefer(USERS[0], channels_off=["email"])
    await scene.prefer(USERS[1], channels_off=["type:news:email"])
    await scene.prefer(USERS[2], channels_off=["app:app:email"])
    await scene.prefer(USERS[3], channels_off=["type:other:email", "app:another:email", "sms"])
    news = await scene.send(USERS[:5], type_code="news")
    await scene.execute("update mailbox set muted_apps = array[$2::int] where user_id = $1", USERS[4], scene.app.number)
    await scene.plan_all()
    assert await scene.skipped(news) == {"email": {"off": 3, "muted": 1}}
    await scene.execute("update user_preference set channels_off = '{email}'")
    await scene.send(USERS[:5], Text("alarm"), type_code="alarm")
    await scene.plan_all()
    await scene.send_all()
    assert {mail.to for mail in sink.mails if "alarm" in mail.text} == set(map(address_of, USERS[:5]))
    assert await scene.outcomes() == {(2, None): 5, (4, "off"): 1}


async def test_quiet_hours_delay_what_is_not_urgent(scene: ChannelScene, sink: SmtpSink) -> None:
    end = minute_now(60)
    await scene.settings(quiet_from=minute_now(-10), quiet_until=end)
    await scene.prefer(USERS[0], quiet_from=0, quiet_until=0)
    await scene.send(USERS[:2], Text("normal"))
    await scene.send(USERS[:2], Text("urgent"), urgency=Urgency.URGENT)
    await scene.plan_all()
    await scene.send_all()
    assert sorted((mail.to, "urgent" in mail.text) for mail in sink.mails) == [
        (FIRST, False),
        (FIRST, True),
        (address_of(USERS[1]), True),
    ]
    (waiting,) = [row for row in await scene.deliveries() if row["state"] == 0]
    local = datetime.fromtimestamp(waiting["due_at"] / 1_000, UTC).astimezone(ZONE)
    assert local.hour * 60 + local.minute == end


async def test_quiet_hours_that_begin_after_the_plan_delay_as_well(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.send(USERS[:1])
    await scene.plan_all()
    await scene.settings(quiet_from=minute_now(-10), quiet_until=minute_now(60))
    await scene.send_all()
    assert sink.mails == []
    assert await scene.outcomes() == {(0, None): 1}


async def test_many_messages_of_low_urgency_become_one_digest(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.settings(digest_after=2)
    await scene.prefer(USERS[1], digest="off")
    ids = []
    for number in range(6):
        ids.append(await scene.send(USERS[:2], Text(f"news {number}"), urgency=Urgency.LOW))
        await scene.plan_all()
    await scene.read(USERS[0], ids[5])
    await scene.send_all()
    assert sink.by_recipient == {FIRST: 2, address_of(USERS[1]): 6}
    assert [row["is_digest"] for row in await scene.deliveries()][:6] == [False, False, True, True, True, True]
    sink.mails.clear()
    await scene.execute("update channel_delivery set due_at = 1 where state = 0")
    await scene.send_all()
    (digest,) = sink.mails
    assert all((f"news {number}" in digest.text) == (number in {2, 3, 4}) for number in range(6))
    assert await scene.outcomes() == {(2, None): 11, (4, "read"): 1}


async def test_a_bad_address_is_disabled_and_others_go_on(scene: ChannelScene, sink: SmtpSink) -> None:
    sink.answer_to = lambda address: "550 5.1.1 no such user" if address == FIRST else "250 accepted"
    await scene.send(USERS[:3])
    await scene.plan_all()
    await scene.send_all()
    assert sink.by_recipient == {address_of(USERS[1]): 1, address_of(USERS[2]): 1}
    (failed,) = [row for row in await scene.deliveries() if row["state"] == 3]
    assert failed["user_id"] == USERS[0]
    assert "no such user" in failed["reason"]
    second = await scene.send(USERS[:3])
    await scene.plan_all()
    assert await scene.skipped(second) == {"email": {"noAddress": 1}}


async def test_webhooks_hear_what_was_sent_and_what_has_failed(scene: ChannelScene, sink: SmtpSink) -> None:
    sink.answer_to = lambda address: "550 5.1.1 no such user" if address == FIRST else "250 accepted"
    await scene.database.in_transaction(add_channel_webhook, scene.app.number)
    message_id = await scene.send(USERS[:2])
    await scene.plan_all()
    await scene.send_all()
    events = await rows(scene.database, "select kind, data from webhook_event order by kind")
    told = [(row["kind"], msgspec.json.decode(row["data"])) for row in events]
    data = {"msgId": str(message_id), "platformCode": "channels", "channel": "email"}
    assert [kind for kind, _ in told] == ["channel.failed", "channel.sent"]
    assert told[1][1] == {**data, "userId": USERS[1]}
    assert {**data, "userId": USERS[0]}.items() <= told[0][1].items()
    assert "no such user" in told[0][1]["reason"]


async def add_channel_webhook(connection: Connection, app_number: int) -> None:
    """Register a webhook for the events of channels; nothing is there to answer it."""
    await webhooks.insert_webhook(
        connection,
        app_number=app_number,
        webhook_id="wh_1",
        url="https://a.invalid/",
        events=[CHANNEL_SENT, CHANNEL_FAILED],
        secret_sealed=b"",
        limit=10,
        now=1,
    )


async def test_a_refused_mail_is_tried_again_with_the_same_key(scene: ChannelScene, sink: SmtpSink) -> None:
    seen: list[str] = []

    def busy_twice(mail: object) -> str:
        seen.append(mail.message_id)  # type: ignore[attr-defined]
        return "451 4.3.0 busy" if len(seen) < 3 else "250 accepted"

    sink.answer = busy_twice
    await scene.send(USERS[:1])
    await scene.plan_all()
    async with scene.dispatching():
        await until_rows(scene.database, "select from channel_delivery where state = 2", 1)
    assert len(set(seen)) == 1
    assert (await scene.deliveries())[0]["attempts"] == 3


@pytest.mark.parametrize(
    ("rate", "readers", "schedule"),
    [
        pytest.param(20, USERS, QUICK, id="fast"),
        pytest.param(0.5, USERS[:3], slower(start_within=1_500), id="further apart than a claim allows for a start"),
    ],
)
async def test_a_gateway_is_never_ahead_of_its_rate(
    database: Database, sink: SmtpSink, rate: float, readers: Sequence[str], schedule: Schedule
) -> None:
    async with channel_scene(database) as scene:
        await scene.add_gateway(sink.port, rate=rate)
        await scene.add_contacts(readers)
        await scene.send(readers, Text("text"))
        await scene.plan_all()
        began = time.monotonic()
        await scene.send_all(schedule)
    assert len(sink.mails) == len(readers)
    for number, mail in enumerate(sink.mails, 1):
        assert mail.at - began > number / rate - 0.01


def test_answers_that_the_database_cannot_store_are_cleaned() -> None:
    outcome = storable(Outcome("never", "a\0b\ud800" + "x" * 999, provider_id="\0"))
    assert outcome.reason == ("ab?" + "x" * 999)[:300]
    assert outcome.provider_id == ""


async def test_a_daily_limit_is_not_exceeded(database: Database, sink: SmtpSink) -> None:
    async with channel_scene(database) as scene:
        await scene.add_gateway(sink.port, daily_limit=5)
        await scene.add_contacts(USERS)
        await scene.send(USERS[:3])
        await scene.plan_all()
        await scene.send_all()
        await scene.send(USERS[3:])
        await scene.plan_all()
        await scene.send_all()
        assert len(sink.mails) == 5
        assert await scene.outcomes() == {(2, None): 5, (4, "overQuota"): 7}


async def test_a_gateway_that_is_down_pauses_and_another_goes_on(scene: ChannelScene, sink: SmtpSink) -> None:
    with smtp_sink() as other:
        port = other.port
    await scene.add_gateway(port)
    with smtp_sink() as working:
        other_scene = await _other_platform(scene, working.port)
        await scene.send(USERS[:3])
        async with scene.planning(), scene.dispatching():
            paused = "select from channel_gateway where paused_until > $1 and failures = 1 and last_error is not null"
            await until_rows(scene.database, paused, 1)
            await other_scene.send(["reader"])
            await until(lambda: len(working.mails) == 1)
            await until_rows(scene.database, "select from channel_delivery where state = 0", 3)
        # It works again, and the pause is over.
        with smtp_sink(port) as back:
            await scene.execute("update channel_gateway set paused_until = 1 where paused_until is not null")
            await scene.send_all()
            assert sum(back.by_recipient.values()) == 3
    (gateway,) = await rows(
        scene.database,
        "select failures, last_error, paused_until from channel_gateway where platform_code = 'channels'",
    )
    assert tuple(gateway) == (0, None, None)


async def _other_platform(scene: ChannelScene, port: int) -> ChannelScene:
    """Return another platform with a gateway and a reader with an address, in the same database."""
    await add_app(scene.database, "other-app", "other")
    platform = await find_platform(scene.database, "other")
    async with scene.database.connection() as connection:
        record = await find_app(connection, "other-app")
    assert record is not None
    await add_smtp_gateway(scene.database, "other", port)
    await add_contacts(scene.database, platform, ["reader"])
    return ChannelScene(scene.database, platform, record.app, scene.sending)


async def test_a_channel_that_is_turned_off_sends_nothing(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.send(USERS[:2])
    await scene.plan_all()
    await scene.execute("update channel_gateway set disabled_at = 1")
    late = await scene.send(USERS[:2])
    await scene.plan_all()
    await scene.send_all()
    assert sink.mails == []
    assert await scene.outcomes() == {(4, "noGateway"): 2}
    assert await scene.skipped(late) == {"email": {"noGateway": 2}}


async def test_two_dispatchers_send_nothing_twice(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.add_contacts(USERS)
    for number in range(10):
        await scene.send(USERS, Text(f"text {number}"))
    schedule = slower(batch=3, linger=0, lease=60_000, claim=60_000)  # none ends because this process is slow
    async with (
        Database(scene.database.url) as second,
        scene.planning(),
        scene.dispatching(schedule) as one,
        scene.dispatching(schedule, second) as two,
    ):
        await until_rows(scene.database, "select from channel_delivery where state = 2", 120)
    assert len({mail.message_id for mail in sink.mails}) == len(sink.mails) == 120
    assert one.counts["email", "sent"] + two.counts["email", "sent"] == 120
    assert one.counts["email", "repeated"] + two.counts["email", "repeated"] == 0


async def test_one_process_at_a_time_works_on_a_gateway(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.send(USERS[:2])
    await scene.plan_all()
    sink.delay = 0.5
    schedule = slower(lease=60_000)  # none ends because this process is slow
    async with scene.dispatching(schedule), scene.dispatching(schedule):
        holders: set[str] = set()
        async with asyncio.timeout(30):
            while len(sink.mails) < 2:
                leased = await rows(scene.database, "select lease_holder from channel_gateway")
                holders |= {row["lease_holder"] for row in leased if row["lease_holder"]}
                await asyncio.sleep(0.05)
    assert len(holders) == 1


async def test_a_claim_that_has_ended_is_sent_again_and_counted(scene: ChannelScene, sink: SmtpSink) -> None:
    await scene.send(USERS[:2])
    await scene.plan_all()
    await scene.execute("update channel_delivery set state = 1, claimed_until = $1", now_ms() + 2_000)
    async with scene.dispatching() as dispatcher:
        await until_rows(scene.database, "select from channel_delivery where state = 2", 2)
    claimed_until = now_ms()
    assert dispatcher.counts["email", "repeated"] == 2
    assert all(row["settled_at"] <= claimed_until for row in await scene.deliveries())
    assert len(sink.mails) == 2


async def test_a_reminder_waits_for_nothing_that_is_still_on_its_way(scene: ChannelScene, sink: SmtpSink) -> None:
    message_id = await scene.send(USERS[:2])
    await scene.plan_all()
    await scene.plan(message_id, round_number=1)
    await scene.plan_all()
    assert len(await scene.deliveries()) == 2
    await scene.send_all()
    await scene.plan(message_id, round_number=2)
    await scene.plan_all()
    await scene.send_all()
    assert sink.by_recipient == {FIRST: 2, address_of(USERS[1]): 2}
