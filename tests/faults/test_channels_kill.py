"""Every unread message is mailed although the server is killed again and again; twice only what a kill interrupted.

What a killed process holds, others take over when its leases and claims have ended: after up to a minute. The test does
not wait for that. It moves their ends, as if the time had passed (`tests/delivery/channels` waits for shorter ones).
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate
from msgcenter.delivery.channels.schedule import Schedule
from msgcenter.domain.message_id import now_ms
from tests.channel_scene import ChannelScene, address_of, channel_scene, linked_message
from tests.conftest import Server, running_server
from tests.scene import rows
from tests.smtp_sink import SmtpSink, smtp_sink

KILLS = 20
MESSAGES = 30
READERS = tuple(f"reader-{number:02}" for number in range(25))
RATE = 60
_PATIENCE_SECONDS = 240


@pytest.mark.kill
@pytest.mark.slow
@pytest.mark.timeout(1_500)
async def test_every_mail_is_sent_although_the_server_is_killed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(11)
    with embedded_postgres(tmp_path / "data") as url, smtp_sink() as sink, ExitStack() as leaving:
        await migrate(url)
        sink.delay = 0.01
        async with Database(url) as database, channel_scene(database, cells=2) as scene:
            await scene.add_gateway(sink.port, rate=RATE)
            await scene.add_contacts(READERS)
            interrupted: Counter[tuple[str, int]] = Counter()
            server = await started(leaving, url, tmp_path)
            message_ids = [await scene.send(READERS, in_ms=number * 500) for number in range(MESSAGES)]
            for _ in range(KILLS):
                seen = len(sink.mails)
                await until_mails(sink, min(seen + dice.randrange(1, 40), len(READERS) * MESSAGES), scene)
                await asyncio.sleep(dice.uniform(0, 0.1))
                os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait(60)
                interrupted.update(await claimed(database))
                await end_leases(scene)
                server = await started(leaving, url, tmp_path)
            await until_settled(scene)
            assert server.process.poll() is None
        expected = {(address_of(reader), message_id) for reader in READERS for message_id in message_ids}
        sent = Counter((mail.to, linked_message(mail.text)) for mail in sink.mails)
        assert sent.keys() == expected, "nothing is missing, and nothing else was sent"
        doubles = sent.total() - len(expected)
        print(f"mails: {len(expected)}, sent twice: {doubles}, claimed at a kill: {interrupted.total()}")
        record_property("doubles", doubles)
        allowed = Counter(expected) + Counter(
            {(address_of(user), number): n for (user, number), n in interrupted.items()}
        )
        assert sent <= allowed, "a kill may double only what was claimed"
        assert doubles <= KILLS, "mails are sent one by one, so a kill may double one of them"


async def claimed(database: Database) -> list[tuple[str, int]]:
    """Return the deliveries that were claimed when the server was killed, by user and message."""
    listed = await rows(database, "select user_id, message_id from channel_delivery where state = 1")
    return [(row["user_id"], row["message_id"]) for row in listed]


async def end_leases(scene: ChannelScene) -> None:
    """Let as much time pass for what the killed server holds as it may hold it."""
    schedule = Schedule()
    await scene.execute("update channel_gateway set lease_until = lease_until - $1", schedule.lease)
    await scene.execute("update channel_plan set lease_until = lease_until - $1", schedule.lease)
    await scene.execute("update channel_delivery set claimed_until = claimed_until - $1", schedule.claim)


async def started(leaving: ExitStack, url: str, data_dir: Path) -> Server:
    """Start a server that runs until `leaving` is closed."""
    server: Server = await asyncio.to_thread(leaving.enter_context, running_server(url, data_dir))
    return server


async def until_mails(sink: SmtpSink, count: int, scene: ChannelScene) -> None:
    """Wait until a number of mails has come, or nothing is left to send."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(sink.mails) < count and await _is_busy(scene):
            await asyncio.sleep(0.05)


async def until_settled(scene: ChannelScene) -> None:
    """Wait until all plans are finished and nothing is on its way."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await _is_busy(scene):
            await asyncio.sleep(0.2)


async def _is_busy(scene: ChannelScene) -> bool:
    open_plans = await rows(scene.database, "select from channel_plan where finished_at is null")
    waiting = await rows(scene.database, "select from channel_delivery where state < 2 and due_at <= $1", now_ms())
    return bool(open_plans or waiting)
