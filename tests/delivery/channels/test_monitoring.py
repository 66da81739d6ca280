"""Metrics, health and `msgcenter doctor` show what waits, and which gateways fail."""

from pathlib import Path

from msgcenter.database.database import Database
from msgcenter.domain.message_id import now_ms
from msgcenter.store.channels import gateways
from msgcenter.store.health import health
from tests.channel_scene import channel_scene, until_rows
from tests.cli.program import Shell
from tests.conftest import running_server
from tests.monitor.test_metrics import TOKEN, scraped, total
from tests.smtp_sink import smtp_sink

USERS = ("user-1", "user-2", "user-3")


async def test_what_waits_for_a_paused_gateway_is_shown(database: Database, tmp_path: Path) -> None:
    async with channel_scene(database) as scene:
        await scene.add_gateway(1)
        await scene.add_contacts(USERS)
        message_id = await scene.send(USERS)
        await scene.read(USERS[0], message_id)
        await scene.plan_all()
        now = now_ms()
        async with database.connection() as connection:
            (gateway,) = await gateways.list_gateways(connection)
            await gateways.pause(connection, gateway, until=now + 600_000, error="no connection", now=now)
            channels = (await health(connection, now_ms() + 60_000)).channels
        assert (channels.gateways, channels.paused) == (1, 1)
        assert [queue[:2] for queue in channels.queues] == [("email", 2)]
        assert channels.oldest_due is not None
        assert channels.oldest_due <= now
        outcome = Shell(database.url, tmp_path).run("doctor")
        assert "channels email: failures in a row: 1, no connection" in outcome.out
        assert "msgcenter channel test channels email" in outcome.out


async def test_deliveries_are_counted_by_outcome(database: Database, tmp_path: Path) -> None:
    with smtp_sink() as sink:
        sink.answer_to = lambda address: "550 5.1.1 no" if address.startswith("user-3") else "250 accepted"
        async with channel_scene(database) as scene:
            await scene.add_gateway(sink.port)
            await scene.add_contacts(USERS)
            with running_server(database.url, tmp_path, METRICS_TOKEN=TOKEN) as server:
                await scene.send(USERS)
                await until_rows(database, "select from channel_delivery where state > 1", 3)
                samples = scraped(server.url, TOKEN)
    assert total(samples, "msgcenter_channel_deliveries_total", channel="email", outcome="sent") == 2
    assert total(samples, "msgcenter_channel_deliveries_total", channel="email", outcome="failed") == 1
    assert total(samples, "msgcenter_channel_gateways", state="well") == 1
    assert total(samples, "msgcenter_channel_waiting") == 0
    assert samples["msgcenter_channel_oldest_due_seconds", ()] == 0
