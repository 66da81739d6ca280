"""The API calls about messages, each defined once as a flow.

Their fields: protocol, "modMsgStatus", "sendMsg", "The rest of the app API".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

from msgspec import Meta, Struct, field

from msgcenter_client.audience import Audience, Organisations, audience_fields
from msgcenter_client.channel_answers import DetailChannel, SumsByChannel
from msgcenter_client.errors import MsgCenterError, StateError
from msgcenter_client.fields import Answer, platform_fields
from msgcenter_client.flow import Flow
from msgcenter_client.paging import next_page, page_fields
from msgcenter_client.results import Kind, Message, MessageStatus, OrgStatus, Page, Receipt, StatusResult, UserToken
from msgcenter_client.session import Session
from msgcenter_client.status_batches import Merge, MessageIds, batches
from msgcenter_client.times import Moment, from_ms, to_ms

_MESSAGE = "/msgCenter/message/"
_Digits: TypeAlias = Annotated[str, Meta(pattern="^[0-9]*$")]


class SendOptions(Struct, frozen=True, kw_only=True):
    """The options of a send, besides its audience and content."""

    platform_code: str | None
    approval: bool
    idempotency_key: str | None
    send_at: Moment | None
    expire_at: Moment | None
    sender_name: str | None
    category: str | None
    channels: Iterable[str] | None
    channel_delay: int | None


class Calls:
    """The calls of an app whose users are on `platform_code` (None: the app's own platform)."""

    def __init__(self, session: Session, platform_code: str | None) -> None:
        self._session = session
        self._platform_code = platform_code

    def send(self, audience: Audience, content: Mapping[str, Any], options: SendOptions) -> Flow[str]:
        """Send a message and return its id."""
        key = options.idempotency_key or uuid4().hex
        body = {
            **audience_fields(audience),
            **content,
            **self._platform(options.platform_code),
            "requestId": key,
        }
        if options.approval:
            body["approval"] = True
        if options.send_at is not None:
            body["sendTime"] = to_ms(options.send_at)
        if options.expire_at is not None:
            body["expireTime"] = to_ms(options.expire_at)
        if options.sender_name is not None:
            body["senderName"] = options.sender_name
        if options.category is not None:
            body["category"] = options.category
        if options.channels is not None:
            body["channels"] = list(options.channels)
        if options.channel_delay is not None:
            body["channelDelay"] = options.channel_delay
        try:
            return (yield from self._session.call(_MESSAGE + "sendMsg", body, _SendAnswer)).msg_id
        except MsgCenterError as error:
            error.idempotency_key = key
            raise

    def set_status(
        self,
        recipient: str | None,
        ids: MessageIds,
        *,
        read: bool,
        approver: str | None,
        platform_code: str | None,
    ) -> Flow[StatusResult]:
        """Set any number of messages read or unread, in batches."""
        common: dict[str, Any] = {"isRead": int(read), **self._platform(platform_code)}
        if recipient is not None:
            common["publisherId"] = recipient
        if approver is not None:
            common["approverId"] = approver
        merge = Merge()
        for batch in batches(ids):
            try:
                body = {**common, "msgId": batch}
                answer = yield from self._session.call(_MESSAGE + "modMsgStatus", body, _StatusAnswer)
            except StateError as error:
                merge.add_refused(batch, error)
            else:
                merge.add(answer.invalid_msg_id)
        return merge.result()

    def message_status(
        self,
        message_id: str | int,
        *,
        read: bool | None,
        cursor: str | None,
        page_size: int | None,
        org_id: str | None = None,
        by_org: bool = False,
    ) -> Flow[MessageStatus]:
        """Return a message's counts and one page of its receipts."""
        body: dict[str, Any] = {"msgId": str(message_id), **page_fields(cursor, page_size)}
        if read is not None:
            body["isRead"] = int(read)
        if org_id is not None:
            body["orgId"] = org_id
        if by_org:
            body["groupBy"] = "org"
        answer = yield from self._session.call(_MESSAGE + "getMsgStatus", body, _MessageStatusAnswer)
        return MessageStatus(
            receivers=answer.receivers,
            delivered=answer.delivered,
            read=answer.read,
            unread=answer.unread,
            state=answer.state,
            details=tuple(detail.receipt() for detail in answer.details),
            next_cursor=next_page(answer.next_cursor, cursor),
            version=answer.version,
            updated_at=_moment(answer.update_time),
            recalled_at=_moment(answer.recall_time),
            reminded_at=_moment(answer.remind_time),
            closed_at=_moment(answer.close_time),
            closed_by=answer.closed_by,
            sender_name=answer.sender_name,
            organisations=_organisations(answer.org_ids, answer.roles, answer.include_sub),
            orgs=tuple(OrgStatus(org.org_id, org.name, org.receivers, org.read, org.unread) for org in answer.orgs),
            channels=answer.channels.by_channel(),
        )

    def receipts(
        self,
        message_id: str | int,
        *,
        read: bool | None,
        cursor: str | None,
        page_size: int | None,
        org_id: str | None = None,
    ) -> Flow[Page[Receipt]]:
        """Return one page of a message's receipts."""
        status = yield from self.message_status(
            message_id, read=read, cursor=cursor, page_size=page_size, org_id=org_id
        )
        return Page(status.details, status.next_cursor)

    def messages(self, message_filter: "MessageFilter", cursor: str | None) -> Flow[Page[Message]]:
        """Return one page of the app's messages, newest first."""
        body = {**message_filter.fields, **page_fields(cursor, message_filter.page_size)}
        answer = yield from self._session.call(_MESSAGE + "getMsgList", body, _MessageListAnswer)
        return Page(tuple(entry.message() for entry in answer.messages), next_page(answer.next_cursor, cursor))

    def unread_count(self, recipient: str, *, platform_code: str | None) -> Flow[int]:
        """Return the number of the app's messages that the recipient has not read."""
        body = {"publisherId": recipient, **self._platform(platform_code)}
        return (yield from self._session.call(_MESSAGE + "getUnreadCount", body, _UnreadAnswer)).unread

    def user_token(self, recipient: str, *, ttl: int | None, platform_code: str | None) -> Flow[UserToken]:
        """Return a token that opens the recipient's inbox."""
        body: dict[str, Any] = {"publisherId": recipient, **self._platform(platform_code)}
        if ttl is not None:
            body["ttl"] = ttl
        answer = yield from self._session.call("/msgCenter/user/getUserToken", body, _UserTokenAnswer)
        return UserToken(answer.user_token, from_ms(int(answer.expire_time)))

    def _platform(self, platform_code: str | None) -> dict[str, str]:
        return platform_fields(platform_code, self._platform_code)


class MessageFilter(Struct, frozen=True):
    """The filter of a message list, as getMsgList fields."""

    fields: dict[str, Any]
    page_size: int | None

    @classmethod
    def of(
        cls,
        *,
        business_id: str | None,
        kind: Kind | None,
        start: Moment | None,
        end: Moment | None,
        page_size: int | None,
    ) -> "MessageFilter":
        """Return the filter. Raises ValueError for a datetime without a time zone."""
        fields = {
            "busiId": business_id,
            "msgtype": kind,
            "startTime": None if start is None else to_ms(start),
            "endTime": None if end is None else to_ms(end),
        }
        return cls({name: value for name, value in fields.items() if value is not None}, page_size)


class _SendAnswer(Answer, frozen=True):
    msg_id: str


class _StatusAnswer(Answer, frozen=True):
    invalid_msg_id: tuple[str, ...] = ()


class _UnreadAnswer(Answer, frozen=True):
    unread: int


class _UserTokenAnswer(Answer, frozen=True):
    user_token: str
    expire_time: _Digits


class _Detail(Answer, frozen=True):
    user_id: str
    is_read: bool
    read_time: _Digits | int | None = None
    channels: tuple[DetailChannel, ...] = ()

    def receipt(self) -> Receipt:
        outcomes = tuple(channel.outcome() for channel in self.channels)
        return Receipt(self.user_id, self.is_read, _moment(self.read_time), outcomes)


class _OrgStatus(Answer, frozen=True):
    org_id: str
    name: str
    receivers: int
    read: int
    unread: int


class _MessageStatusAnswer(Answer, frozen=True):
    receivers: int
    delivered: int
    read: int
    unread: int
    state: str
    details: tuple[_Detail, ...] = ()
    next_cursor: str | None = None
    version: int = 1
    update_time: _Digits | None = None
    recall_time: _Digits | None = None
    remind_time: _Digits | None = None
    close_time: _Digits | None = None
    closed_by: str | None = None
    sender_name: str | None = None
    org_ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    include_sub: bool = True
    orgs: tuple[_OrgStatus, ...] = ()
    channels: SumsByChannel = SumsByChannel()


class _ListedMessage(Answer, frozen=True):
    msg_id: str
    body: dict[str, Any]
    create_time: int
    state: str
    receivers: int
    delivered: int
    read: int
    unread: int
    kind: str = field(name="msgtype")
    busi_id: str | None = None
    topic: str | None = None
    to_all: bool = False
    version: int = 1
    sender_name: str | None = None
    org_ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    include_sub: bool = True

    def message(self) -> Message:
        return Message(
            id=self.msg_id,
            kind=self.kind,
            body=self.body,
            business_id=self.busi_id or None,
            created_at=from_ms(self.create_time),
            state=self.state,
            receivers=self.receivers,
            delivered=self.delivered,
            read=self.read,
            unread=self.unread,
            topic=self.topic,
            to_all=self.to_all,
            version=self.version,
            sender_name=self.sender_name,
            organisations=_organisations(self.org_ids, self.roles, self.include_sub),
        )


class _MessageListAnswer(Answer, frozen=True):
    messages: tuple[_ListedMessage, ...]
    next_cursor: str | None = None


def _organisations(ids: tuple[str, ...], roles: tuple[str, ...], include_sub: bool) -> Organisations | None:
    return Organisations(ids, roles, include_sub) if ids else None


def _moment(milliseconds: _Digits | int | None) -> datetime | None:
    return from_ms(int(milliseconds)) if milliseconds else None
