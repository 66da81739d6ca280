"""Deliveries are sent once, as the message is then, to those who have not read it."""

from msgcenter.database.database import Database
from tests.channel_scene import address_of, channel_scene
from tests.smtp_sink import smtp_sink

USERS = tuple(f"user-{number:02}" for number in range(12))


async def test_an_unread_message_is_mailed_once(database: Database) -> None:
    with smtp_sink() as sink:
        async with channel_scene(database) as scene:
            await scene.add_gateway(sink.port)
            await scene.add_contacts(USERS[:10])
            message_id = await scene.send(USERS)
            await scene.read(USERS[0], message_id)
            await scene.plan_all()
            await scene.send_all()
            assert sink.by_recipient == dict.fromkeys(map(address_of, USERS[1:10]), 1)
            assert await scene.outcomes() == {(2, None): 9}
            assert await scene.skipped(message_id) == {"email": {"read": 1, "noAddress": 2}}
