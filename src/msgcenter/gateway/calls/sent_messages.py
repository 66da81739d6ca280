"""The calls under `/msgCenter/message/` that act on messages already sent."""

import msgspec

from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.domain.message_id import parse_message_id
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.answers import MsgVersion, MsgVersions, Reminded
from msgcenter.gateway.wire.bodies import body_or_template
from msgcenter.gateway.wire.requests import GetMsgVersions, RecallMsg, RemindUnread, UpdateMsg


async def recall_msg(sent_messages: SentMessages, caller: Caller, request: RecallMsg) -> None:
    """Recall a message."""
    await sent_messages.recall(caller.app, parse_message_id(request.message_id), by=caller.actor)


async def update_msg(sent_messages: SentMessages, caller: Caller, request: UpdateMsg) -> None:
    """Update a message's content."""
    await sent_messages.update(
        caller.app,
        parse_message_id(request.message_id),
        body_or_template(request),
        reset_read=request.reset_read,
        by=caller.actor,
    )


async def remind_unread(sent_messages: SentMessages, caller: Caller, request: RemindUnread) -> Reminded:
    """Remind the users who have not read a message."""
    message_id = parse_message_id(request.message_id)
    return Reminded(await sent_messages.remind(caller.app, message_id, by=caller.actor))


async def get_msg_versions(sent_messages: SentMessages, caller: Caller, request: GetMsgVersions) -> MsgVersions:
    """List the versions of a message."""
    versions = await sent_messages.versions(caller.app, parse_message_id(request.message_id))
    return MsgVersions(
        [
            MsgVersion(
                version=version.version,
                create_time=str(version.created_at),
                reset_read=version.reset_read,
                msgtype=version.kind,
                body=msgspec.Raw(version.content.encode()),
            )
            for version in versions
        ]
    )
