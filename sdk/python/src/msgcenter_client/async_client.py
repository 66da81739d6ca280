"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from msgcenter_client.access_token import Credentials
from msgcenter_client.async_directory_methods import AsyncDirectoryMethods
from msgcenter_client.async_send_methods import AsyncSendMethods
from msgcenter_client.async_sent_methods import AsyncSentMethods
from msgcenter_client.async_topic_methods import AsyncTopicMethods
from msgcenter_client.async_webhook_methods import AsyncWebhookMethods
from msgcenter_client.calls import Calls, MessageFilter
from msgcenter_client.directory_calls import DirectoryCalls
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


class AsyncClient(AsyncDirectoryMethods, AsyncSendMethods, AsyncSentMethods, AsyncTopicMethods, AsyncWebhookMethods):
    """A client for the API of a MsgCenter server, acting as one app.

    Create one client per app and keep it. Tasks of one event loop may share a client.

    Every call gets or renews the access token when needed, and is retried when a retry can help.
    Every call can raise InvalidRequestError (a field is wrong), IdentityError (app, key or permission),
    LimitError (rate or quota), ServerError and TransportError (no usable answer). All are MsgCenterError.
    The calls document only what they raise in addition.
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
        """Create a client. Nothing is sent until the first call.

        base_url: the server's URL, such as `https://msg.example.org`; a path prefix is kept.
        app_id, app_key: the app's credentials from the portal. The key itself is never sent.
        platform_code: the users' platform for all calls (1-32 characters); None: the app's own platform.
        timeout: seconds to wait for a connection, and for each part of an answer.
        retries: the maximum number of retries per call; 0 turns retrying off.
        language: the language of the texts in exceptions.
        transport: replaces httpx's transport, for tests or for special TLS and proxy settings.
        user_agent: replaces `msgcenter-client/VERSION`.
        Raises ValueError if base_url is not an http(s) URL or retries is negative.
        """
        session = Session(Credentials(app_id, app_key), RetryPolicy(retries))
        self._calls = Calls(session, platform_code)
        self._sent_calls = SentCalls(session)
        self._topic_calls = TopicCalls(session, platform_code)
        self._webhook_calls = WebhookCalls(session)
        self._directory_calls = DirectoryCalls(session, platform_code)
        options = setup(base_url, timeout=timeout, language=language, user_agent=user_agent)
        self._http = httpx.AsyncClient(**options, transport=transport)
        self._token_lock = asyncio.Lock()

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used after that."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

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
        """Set messages of a recipient read or unread. Idempotent.

        recipient: the user id, 1-64 characters. None: the ids are pending approvals of this app, which are
            closed (read) or reopened (unread) for all approvers.
        message_ids: one id or any number of ids, as the send calls returned them. They are sent in batches of 50,
            one after the other; if a batch fails, earlier batches stay changed. Without ids, nothing is sent.
        read: False sets the messages unread.
        approver: the user id of the approver who decided, 1-64 characters; None: the app itself. Only without a
            recipient.
        platform_code: the recipient's platform; None: the client's.
        Returns the ids that are unknown and were not changed; the other ids were.
        Also raises StateError if every id is unknown (300001, `invalid_ids` lists them), or if, without a
        recipient, an id is not a pending approval (300002; its batch is not changed).
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
        org_id: str | None = None,
        by_org: bool = False,
    ) -> MessageStatus:
        """Return a message's delivery and read counts, and one page of its receipts.

        read: only read (True) or unread (False) receipts; None: all. The counts always cover all recipients.
        cursor: the `next_cursor` of the previous page; None: the first page.
        page_size: receipts per page, 1-200; None: 50.
        org_id: only receipts of members of this organisation and of those below it.
        by_org: True also counts by organisation: those just below `org_id`, or (None) those that were addressed.
        Also raises StateError (300001: unknown message). To iterate over all receipts, use `receipts`.
        """
        return await self._run(
            self._calls.message_status(
                message_id, read=read, cursor=cursor, page_size=page_size, org_id=org_id, by_org=by_org
            )
        )

    def receipts(
        self,
        message_id: str | int,
        *,
        read: bool | None = None,
        page_size: int | None = 200,
        org_id: str | None = None,
    ) -> AsyncIterator[Receipt]:
        """Iterate over the receipts of a message; pages are fetched when they are needed.

        read: only read (True) or unread (False) receipts; None: all.
        page_size: receipts per request, 1-200.
        org_id: only receipts of members of this organisation and of those below it.
        Errors, also StateError (300001: unknown message), are raised by the iteration.
        """
        return self._items(
            lambda cursor: self._calls.receipts(
                message_id, read=read, cursor=cursor, page_size=page_size, org_id=org_id
            )
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
        """Iterate over the messages that this app sent, newest first; pages are fetched when they are needed.

        business_id: only messages with this business object id. kind: only texts, links or oa cards.
        start, end: only messages sent in this period; aware datetimes, or Unix milliseconds.
        page_size: messages per request, 1-200; None: 50.
        Raises ValueError at once for a datetime without a time zone. Other errors are raised by the iteration.
        """
        message_filter = MessageFilter.of(business_id=business_id, kind=kind, start=start, end=end, page_size=page_size)
        return self._items(lambda cursor: self._calls.messages(message_filter, cursor))

    async def unread_count(self, recipient: str, *, platform_code: str | None = None) -> int:
        """Return the number of this app's messages that the recipient has not read.

        recipient: the user id, 1-64 characters.
        platform_code: the recipient's platform; None: the client's.
        """
        return await self._run(self._calls.unread_count(recipient, platform_code=platform_code))

    async def user_token(
        self, recipient: str, *, ttl: int | None = None, platform_code: str | None = None
    ) -> UserToken:
        """Return a token that opens the recipient's inbox in `<msg-inbox>` or on the inbox page.

        recipient: the user id, 1-64 characters.
        ttl: the token's lifetime, 60-86,400 seconds; None: the server's default.
        platform_code: the recipient's platform; None: the client's.
        """
        return await self._run(self._calls.user_token(recipient, ttl=ttl, platform_code=platform_code))

    # --- Running flows ---------------------------------------------------------------------------------

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
