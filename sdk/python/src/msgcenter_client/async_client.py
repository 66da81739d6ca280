"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from msgcenter_client.access_token import Credentials
from msgcenter_client.async_sent_methods import AsyncSentMethods
from msgcenter_client.async_topic_methods import AsyncTopicMethods
from msgcenter_client.async_webhook_methods import AsyncWebhookMethods
from msgcenter_client.audience import Audience
from msgcenter_client.calls import Calls, MessageFilter, SendOptions
from msgcenter_client.content import link_fields, oa_fields, text_fields
from msgcenter_client.errors import MsgCenterError
from msgcenter_client.exchange import Request
from msgcenter_client.flow import Effect, Flow, UnderTokenLock, Wait
from msgcenter_client.results import Kind, Message, MessageStatus, Page, Receipt, StatusResult, UserToken
from msgcenter_client.retry import RetryPolicy
from msgcenter_client.sent_calls import SentCalls
from msgcenter_client.session import Session
from msgcenter_client.status_batches import MessageIds
from msgcenter_client.times import Moment
from msgcenter_client.topic_calls import TopicCalls
from msgcenter_client.transport import Language, read_response, setup, transport_error
from msgcenter_client.webhook_calls import WebhookCalls

Result = TypeVar("Result")


class AsyncClient(AsyncSentMethods, AsyncTopicMethods, AsyncWebhookMethods):
    """A MsgCenter app's connection to its gateway.

    Tasks of one event loop may share one; make it once and keep it.

    Every call fetches or renews the access token if it has to, and is repeated where that may help.
    Every call can raise: InvalidRequestError (a field is wrong), IdentityError (app, key or permission),
    LimitError (rate or quota), ServerError, TransportError (no usable answer); all are MsgCenterError.
    Only what a call raises besides is said at the call.
    """

    def __init__(
        self,
        base_url: str,
        app_id: str,
        app_key: str,
        *,
        platform_code: str | None = None,
        timeout: float | httpx.Timeout = 10.0,
        retries: int = 3,
        language: Language = "zh",
        transport: httpx.AsyncBaseTransport | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        base_url: where the gateway is, such as `https://msg.example.org`; a path prefix is kept.
        app_id, app_key: the app's credentials from the portal. The key itself is never sent.
        platform_code: the users' platform for all calls (1-32 characters); None: the app's own.
        timeout: seconds to wait for a connection, and for each part of an answer.
        retries: how often a call is repeated at most; 0 turns repeating off.
        language: of the texts in exceptions.
        transport: replaces httpx's own, for tests or special TLS and proxy settings.
        user_agent: replaces `msgcenter-client/VERSION`.
        Raises ValueError for a base_url without http(s) or negative retries.
        """
        session = Session(Credentials(app_id, app_key), RetryPolicy(retries))
        self._calls = Calls(session, platform_code)
        self._sent_calls = SentCalls(session)
        self._topic_calls = TopicCalls(session, platform_code)
        self._webhook_calls = WebhookCalls(session)
        options = setup(base_url, timeout=timeout, language=language, user_agent=user_agent)
        self._http = httpx.AsyncClient(**options, transport=transport)
        self._token_lock = asyncio.Lock()

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- Sending (protocol, "sendMsg") ---------------------------------------------------------------

    async def send_text(
        self,
        recipients: Audience,
        content: str,
        *,
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a plain text. Returns the message id; the message is durable by then.

        recipients: one user id, up to 10,000 of them (1-64 characters each), a `Topic`, or `EVERYONE`.
        content: 1-4,096 characters.
        platform_code: the recipients' platform, instead of the client's.
        approval: a pending approval, a to-do until `set_status` closes it; not for topics or everyone.
        send_at: when to send it, at most 90 days ahead; None: now. An aware datetime or ms since 1970.
        expire_at: when it leaves every inbox; None: the server's retention. As above, after `send_at`.
        idempotency_key: 1-64 characters. Within 24 hours, the same key and message are sent once and return
            the same id, also across processes. None: a new one for each call, used for its repetitions.
        Raises also StateError (key reused for another message, no such topic or receiver), ValueError for a
        datetime without a time zone.
        """
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
        )
        return await self._run(self._calls.send(recipients, text_fields(content), options))

    async def send_link(
        self,
        recipients: Audience,
        *,
        title: str,
        content: str,
        business_id: str,
        pc_url: str = "",
        app_url: str = "",
        image_url: str | None = None,
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a titled link. Returns the message id; the message is durable by then.

        title: 1-255 characters. content: the description, 1-4,096 characters.
        business_id: the id of the matter in your own system, 1-64 characters; `messages` finds it again.
        pc_url, app_url: where a click leads on a desktop and in the mobile app; http or https, at most 2,048
            characters, for app_url also the platform's allowed app schemes. One of them is enough: it is then opened
            on every screen.
        image_url: a JPG or PNG, best 640x320 or 80x80 pixels; None: no picture.
        Everything else, and what is raised: see `send_text`.
        """
        link = link_fields(
            title=title,
            content=content,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            image_url=image_url,
        )
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
        )
        return await self._run(self._calls.send(recipients, link, options))

    async def send_oa(
        self,
        recipients: Audience,
        head: str,
        *,
        business_id: str,
        pc_url: str = "",
        app_url: str = "",
        bg_color: str | None = None,
        title: str | None = None,
        content: str | None = None,
        image_url: str | None = None,
        file_count: int | str | None = None,
        author: str | None = None,
        form: Iterable[tuple[str, str]] = (),
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send an office card. Returns the message id; the message is durable by then.

        head: the text of the coloured head, 1-255 characters, together with `bg_color`.
        business_id, pc_url, app_url: see `send_link`.
        bg_color: the head's colour, AARRGGBB as 8 hex digits; None: FFCC0000.
        title: at most 255 characters. content: at most 4,096. author: at most 64.
        image_url: a picture in the body. file_count: the number of attachments, only shown.
        form: up to 6 rows of (key, value), at most 64 and 255 characters.
        Everything else, and what is raised: see `send_text`.
        """
        card = oa_fields(
            head=head,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            bg_color=bg_color,
            title=title,
            content=content,
            image_url=image_url,
            file_count=file_count,
            author=author,
            form=form,
        )
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
        )
        return await self._run(self._calls.send(recipients, card, options))

    # --- Read states (protocol, "modMsgStatus" and "The rest of the app API") --------------------------

    async def set_status(
        self,
        recipient: str | None,
        message_ids: MessageIds,
        *,
        read: bool = True,
        approver: str | None = None,
        platform_code: str | None = None,
    ) -> StatusResult:
        """Set messages of a recipient read or unread. Repeating it changes nothing more.

        recipient: the user id, 1-64 characters. None: the ids are pending approvals of this app, which are
            closed (read) or reopened (unread) for all their approvers.
        message_ids: one id or any number of them, as the sends returned them. They go out in batches of 50,
            one after the other; if one fails, those before it stay changed. No ids: nothing is sent.
        read: False sets them unread.
        approver: who has decided the approvals, 1-64 characters; None: the app itself. Only without a recipient.
        platform_code: the recipient's platform, instead of the client's.
        Returns the ids that were not changed because they are unknown, beside others that were.
        Raises also StateError: none of all ids is known (300001, `invalid_ids` lists them), or without a
        recipient one is not a pending approval (300002; nothing of its batch is changed).
        """
        return await self._run(
            self._calls.set_status(recipient, message_ids, read=read, approver=approver, platform_code=platform_code)
        )

    async def message_status(
        self,
        message_id: str | int,
        *,
        read: bool | None = None,
        cursor: str | None = None,
        page_size: int | None = None,
    ) -> MessageStatus:
        """Return how many receivers a message of this app has and reached, and a page of who has read it.

        read: only receipts that are read (True) or unread (False); None: all. The counts are always of all.
        cursor: the `next_cursor` of the page before; None: the first page.
        page_size: receipts per page, 1-200; None: 50.
        Raises also StateError (300001: no such message). To go through all receipts, see `receipts`.
        """
        return await self._run(self._calls.message_status(message_id, read=read, cursor=cursor, page_size=page_size))

    def receipts(
        self, message_id: str | int, *, read: bool | None = None, page_size: int | None = 200
    ) -> AsyncIterator[Receipt]:
        """Iterate over all receipts of a message of this app; pages are fetched as they are needed.

        read: only those that are read (True) or unread (False); None: all.
        page_size: receipts per request, 1-200.
        What it raises (also StateError, 300001: no such message) comes from the iteration.
        """
        return self._items(
            lambda cursor: self._calls.receipts(message_id, read=read, cursor=cursor, page_size=page_size)
        )

    def messages(
        self,
        *,
        business_id: str | None = None,
        kind: Kind | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Message]:
        """Iterate over the messages that this app sent, newest first; pages are fetched as they are needed.

        business_id: only those of this matter. kind: only texts, links or oa cards.
        start, end: only those of this time; aware datetimes or ms since 1970.
        page_size: messages per request, 1-200; None: 50.
        What it raises comes from the iteration, but ValueError (a datetime without a time zone) at once.
        """
        chosen = MessageFilter.of(business_id=business_id, kind=kind, start=start, end=end, page_size=page_size)
        return self._items(lambda cursor: self._calls.messages(chosen, cursor))

    async def unread_count(self, recipient: str, *, platform_code: str | None = None) -> int:
        """Return how many messages of this app the recipient has not read.

        recipient: the user id, 1-64 characters.
        platform_code: the recipient's platform, instead of the client's.
        """
        return await self._run(self._calls.unread_count(recipient, platform_code=platform_code))

    async def user_token(
        self, recipient: str, *, ttl: int | None = None, platform_code: str | None = None
    ) -> UserToken:
        """Return a token that opens the recipient's inbox in a browser: hand it to `<msg-inbox>` or the inbox page.

        recipient: the user id, 1-64 characters.
        ttl: how long it is good for, 60-86,400 seconds; None: as the operator has set it.
        platform_code: the recipient's platform, instead of the client's.
        """
        return await self._run(self._calls.user_token(recipient, ttl=ttl, platform_code=platform_code))

    # --- Carrying out flows ------------------------------------------------------------------------------

    async def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> AsyncIterator[Result]:
        cursor = None
        while True:
            page = await self._run(fetch(cursor))
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _run(self, flow: Flow[Result]) -> Result:
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = await self._perform(effect)
                except MsgCenterError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as end:
            result: Result = end.value
            return result

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Request(path=path, headers=headers, content=content):
                try:
                    return read_response(await self._http.post(path, headers=headers, content=content))
                except httpx.HTTPError as problem:
                    raise transport_error(problem) from problem
            case Wait(seconds=seconds):
                await asyncio.sleep(seconds)
                return None
            case UnderTokenLock(flow=flow):
                async with self._token_lock:
                    return await self._run(flow)
