"""The calls under `/msgCenter/message/`."""

from typing import TypedDict, cast

import msgspec
from msgspec import UNSET, UnsetType

from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.messages.message_status import MessageStatus, MessageStatuses
from msgcenter.actions.messages.org_reports import OrgCounts
from msgcenter.actions.messages.sending import Sending
from msgcenter.domain.audience import EVERYONE, Audience, Everyone, Organisations, Receivers, Topic
from msgcenter.domain.channels.policy import Wish
from msgcenter.domain.list_page import parse_cursor
from msgcenter.domain.message_id import first_id_at, parse_message_id, parse_message_ids
from msgcenter.domain.refusal import Reason, Refusal, contradiction, malformed
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.answers import (
    Detail,
    InvalidIds,
    ListedMsg,
    MsgList,
    MsgStatus,
    OrgStatus,
    Sent,
    UnreadCount,
)
from msgcenter.gateway.wire.bodies import body_or_template
from msgcenter.gateway.wire.channel_outcomes import channels_of, sums_by_channel
from msgcenter.gateway.wire.fields import number_of, requested_kind, text_of, value_or_none
from msgcenter.gateway.wire.requests import GetMsgList, GetMsgStatus, GetUnreadCount, ModMsgStatus, SendMsg
from msgcenter.store.messages.messages import MessageFilter

_MAX_KEY = 64


async def mod_msg_status(statuses: Statuses, caller: Caller, request: ModMsgStatus) -> InvalidIds | None:
    """Set up to 50 messages of one receiver read or unread."""
    parsed = parse_message_ids(request.message_ids)
    caller.exchange.status_ids = len(parsed)
    ids = frozenset(parsed)
    known = cast("frozenset[int]", ids - {None} if None in ids else ids)
    read = request.is_read in {1, "1"}
    platform_code = text_of(request.platform_code)
    user_id = text_of(request.publisher_id)
    if user_id is not None:
        missing = await statuses.set_status(caller.app, user_id, known, read=read, platform_code=platform_code)
    else:
        caller.app.platform_for(platform_code)
        missing = await statuses.decide_approvals(
            caller.app, known, closed=read, approver_id=text_of(request.approver_id)
        )
    if not missing and known is ids:
        return None
    pairs = zip(request.message_ids, parsed, strict=True)
    invalid = list(dict.fromkeys(str(text) for text, number in pairs if number is None or number in missing))
    if missing == known:
        raise Refusal(Reason.MESSAGE_UNKNOWN, result={"invalidMsgId": invalid})
    return InvalidIds(invalid)


async def send_msg(sending: Sending, caller: Caller, request: SendMsg) -> Sent:
    """Send a message."""
    audience = _audience(request)
    message_id = await sending.send(
        caller.app,
        body_or_template(request),
        audience,
        platform_code=text_of(request.platform_code),
        approval=request.approval,
        request_id=idempotency_key(request.request_id, caller),
        send_at=number_of(request.send_time),
        expires_at=number_of(request.expire_time),
        sender_name=value_or_none(request.sender_name),
        wish=_wish(request),
    )
    return Sent(str(message_id))


def _wish(request: SendMsg) -> Wish:
    channels = value_or_none(request.channels)
    return Wish(
        value_or_none(request.category),
        None if channels is None else tuple(channels),
        value_or_none(request.channel_delay),
    )


def _audience(request: SendMsg) -> Audience:
    """Return the audience of a message. Refuses requests that name none or more than one."""
    ways = {
        "receiverIds": request.receiver_ids,
        "topic": request.topic,
        "toAll": request.to_all,
        "orgIds": request.org_ids,
    }
    used = [name for name, value in ways.items() if value is not UNSET]
    if not used:
        raise Refusal(Reason.FIELD_MISSING, field="receiverIds")
    if len(used) > 1:
        raise contradiction("/".join(used), "只能选择一种接收方式", "only one way of addressing may be used")
    for name, value in (("roles", request.roles), ("includeSub", request.include_sub)):
        if value is not UNSET and request.org_ids is UNSET:
            raise contradiction(f"{name}/{used[0]}", f"{name}须与orgIds同用", f"{name} needs orgIds")
    if request.to_all is False:
        raise malformed("toAll", "只能取true", "must be true")
    if request.receiver_ids is not UNSET:
        return Receivers.of(request.user_ids())
    if request.approval:
        raise contradiction(f"approval/{used[0]}", "待审批消息须用receiverIds", "an approval needs receiverIds")
    if not isinstance(request.org_ids, UnsetType):
        include_sub = value_or_none(request.include_sub)
        return Organisations.of(
            map(str, request.org_ids),
            value_or_none(request.roles),
            include_sub=True if include_sub is None else include_sub,
        )
    topic = text_of(request.topic)
    return Everyone() if topic is None else Topic(topic)


def idempotency_key(request_id: str | int | UnsetType, caller: Caller) -> str | None:
    """Return the key of a send, from its `requestId` or its header; None without one.

    Refuses with FIELD_MALFORMED or FIELDS_CONTRADICT.
    """
    in_body = text_of(request_id)
    in_header = caller.exchange.header(b"idempotency-key").strip() or None
    if in_header is not None and (len(in_header) > _MAX_KEY or not in_header.isprintable()):
        raise malformed("Idempotency-Key", f"须为1–{_MAX_KEY}个可见字符", f"must be 1-{_MAX_KEY} printable characters")
    if in_body is not None and in_header is not None and in_body != in_header:
        raise contradiction("requestId/Idempotency-Key", "两者取值须一致", "both must be the same")
    return in_body if in_header is None else in_header


async def get_msg_status(message_statuses: MessageStatuses, caller: Caller, request: GetMsgStatus) -> MsgStatus:
    """Return a message's delivery and read status, with a page of receipts."""
    is_read = value_or_none(request.is_read)
    org_id = text_of(request.org_id)
    page = await message_statuses.receipts(
        caller.app,
        parse_message_id(request.message_id),
        read=None if is_read is None else is_read in {1, "1"},
        cursor=value_or_none(request.cursor),
        limit=request.page_size,
        org_id=org_id,
    )
    report = page.status
    message = report.message
    sums = await message_statuses.channels.sums(message)
    outcomes = {}
    if sums:
        user_ids = [receipt.user_id for receipt in page.receipts]
        outcomes = await message_statuses.channels.of_users(message, user_ids)
    by_org = None if request.group_by is UNSET else await message_statuses.org_counts(message, org_id)
    return MsgStatus(
        receivers=report.counts.receivers,
        delivered=report.counts.delivered,
        read=report.counts.read,
        unread=report.counts.delivered - report.counts.read,
        state=report.state,
        details=[
            Detail(
                receipt.user_id,
                0 if receipt.read_at is None else 1,
                "" if receipt.read_at is None else str(receipt.read_at),
                channels_of(outcomes.get(receipt.user_id, ())),
            )
            for receipt in page.receipts
        ],
        next_cursor=page.next_cursor or UNSET,
        version=message.version if message.updated_at is not None else UNSET,
        update_time=_time(message.updated_at),
        recall_time=_time(message.recalled_at),
        remind_time=_time(message.reminded_at),
        close_time=_time(message.closed_at),
        closed_by=message.closed_by or UNSET,
        **_organisations(report),
        orgs=UNSET if by_org is None else [_org_status(counts) for counts in by_org],
        sender_name=message.sender_name or UNSET,
        channels=sums_by_channel(sums if request.cursor is UNSET else {}),
    )


class _OrganisationFields(TypedDict, total=False):
    org_ids: list[str]
    roles: list[str]
    include_sub: bool


def _organisations(report: MessageStatus) -> _OrganisationFields:
    """Return the fields about the organisations that a message is addressed to, as in its request."""
    organisations = report.organisations
    if organisations is None:
        return {}
    fields: _OrganisationFields = {
        "org_ids": list(organisations.org_ids),
        "include_sub": organisations.include_sub,
    }
    if organisations.roles is not None:
        fields["roles"] = list(organisations.roles)
    return fields


def _org_status(counted: OrgCounts) -> OrgStatus:
    org, counts = counted
    return OrgStatus(org.org_id, org.name, counts.receivers, counts.read, counts.delivered - counts.read)


def _time(at: int | None) -> str | UnsetType:
    return UNSET if at is None else str(at)


async def get_msg_list(message_statuses: MessageStatuses, caller: Caller, request: GetMsgList) -> MsgList:
    """List messages that the app sent."""
    start, end = number_of(request.start_time), number_of(request.end_time)
    if start is not None and end is not None and start >= end:
        raise contradiction("startTime/endTime", "startTime须早于endTime", "startTime must be before endTime")
    query = MessageFilter(
        app_number=caller.app.number,
        business_id=text_of(request.busi_id),
        kind=requested_kind(request.msgtype, request.msg_type),
        first_id=0 if start is None else first_id_at(start),
    )
    bounds = [
        bound
        for bound in (parse_cursor(value_or_none(request.cursor)), None if end is None else first_id_at(end))
        if bound is not None
    ]
    if bounds:
        query = query._replace(before_id=min(bounds))
    page = await message_statuses.list_messages(query, request.page_size)
    return MsgList(
        messages=[_listed(report) for report in page.items],
        next_cursor=UNSET if page.next_cursor is None else str(page.next_cursor),
    )


def _listed(report: MessageStatus) -> ListedMsg:
    message, counts = report.message, report.counts
    return ListedMsg(
        msg_id=str(message.id),
        msgtype=message.kind,
        body=msgspec.Raw(message.content.encode()),
        create_time=str(message.created_at),
        state=report.state,
        receivers=counts.receivers,
        delivered=counts.delivered,
        read=counts.read,
        unread=counts.delivered - counts.read,
        busi_id=message.business_id or UNSET,
        topic=report.topic or UNSET,
        to_all=True if message.topic_number == EVERYONE else UNSET,
        **_organisations(report),
        version=message.version if message.updated_at is not None else UNSET,
        sender_name=message.sender_name or UNSET,
    )


async def get_unread_count(message_statuses: MessageStatuses, caller: Caller, request: GetUnreadCount) -> UnreadCount:
    """Return the number of the app's messages that a user has not read."""
    return UnreadCount(
        await message_statuses.unread_count(
            caller.app, str(request.publisher_id), platform_code=text_of(request.platform_code)
        )
    )
