"""Whom an app may reach, by the rights that it has now.

Rights can be withdrawn at any time, also after a message was stored. So everything that makes users see something of an
app checks its rights when it takes effect: a send, a scheduled message that is due, an update, a reminder.
"""

from msgcenter.database.database import Connection
from msgcenter.domain.account import App, Platform
from msgcenter.domain.audience import EVERYONE
from msgcenter.domain.language import Phrase
from msgcenter.domain.message import Message
from msgcenter.domain.message_id import bucket_of
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store.mailboxes import topics
from msgcenter.store.messages import audiences


async def check_topic(connection: Connection, app: App, platform: Platform, topic_number: int) -> None:
    """Refuse with NOT_AUTHORISED if the app may not reach all subscribers of a topic of a platform, or everyone
    (`EVERYONE`).

    An app that is not live may use topics whose subscribers are all sandbox users of it.
    """
    if topic_number == EVERYONE:
        if not (app.broadcasts and app.live):
            raise Refusal(Reason.NOT_AUTHORISED, rule=Phrase("不可群发给所有人", "it may not send to everyone"))
    elif not app.live and (
        outsider := await topics.subscriber_outside_sandbox(
            connection, topic_number, platform.all_cells, app.sandbox_user
        )
    ):
        app.check_receivers([outsider])


async def check_message(connection: Connection, app: App, message: Message) -> None:
    """Refuse with APP_DISABLED or NOT_AUTHORISED if the app may not reach a message's whole audience any more."""
    if app.disabled:
        raise Refusal(Reason.APP_DISABLED)
    app.platform_for(message.platform_code)
    if message.topic_number is not None:
        await check_topic(connection, app, message.platform, message.topic_number)
    elif not app.live:
        chunks = await audiences.read_chunks(connection, bucket_of(message.id), message.audience)
        app.check_receivers(user_id for user_ids in chunks.values() for user_id in user_ids)
