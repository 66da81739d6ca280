"""Retention removes what channels have stored about old messages, and nothing about others."""

import pytest

from msgcenter.database.database import Database
from msgcenter.domain.channels.codes import DeliveryState
from tests.actions.retention_scene import EVER, NEW, OLD, SHORT, Scene, open_scene
from tests.channel_rows import ChannelRows
from tests.scene import rows


@pytest.fixture
async def scene(database: Database, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return await open_scene(database, monkeypatch)


async def messages_of(scene: Scene, table: str) -> set[int]:
    """Return the ids of the messages that a table knows."""
    return {row["message_id"] for row in await rows(scene.database, f"select message_id from {table}")}


async def test_plans_deliveries_and_params_leave_with_their_messages(scene: Scene) -> None:
    users = ["a", "b"]
    old = await scene.send(SHORT, users, OLD)
    kept = {await scene.send(SHORT, users, NEW), await scene.send(EVER, users, OLD)}
    tables = ("channel_plan", "channel_delivery", "message_params")
    for message_id, code in {old: SHORT, **dict.fromkeys(kept, EVER)}.items():
        platform = scene.platforms[code]
        if message_id in kept and message_id != old:
            (row,) = await rows(scene.database, "select cell, platform_code from message where id = $1", message_id)
            platform = scene.platforms[row["platform_code"]]
        for user in users:
            await ChannelRows(scene.database, code).add_delivery(
                platform, message_id, user, "email", DeliveryState.SENT
            )
        await rows(
            scene.database,
            "insert into channel_plan (cell, message_id, round, urgency, app_number, due_at, created_at, platform_code,"
            " channels) values ($1, $2, 0, 1, 1, 1, 1, $3, '{email}') returning 1",
            platform.first_cell,
            message_id,
            platform.code,
        )
        await rows(
            scene.database,
            "insert into message_params (cell, message_id, template_number, version, params)"
            " values ($1, $2, 1, 1, '{}') returning 1",
            platform.first_cell,
            message_id,
        )
    announced = await scene.run(dry_run=True)
    for table in tables:
        assert await messages_of(scene, table) == {old, *kept}, table
    removed = await scene.run()
    assert announced[SHORT].deliveries == removed[SHORT].deliveries == len(users)
    for table in tables:
        assert await messages_of(scene, table) == kept, table
