"""An API call (request, answer, handler) and the ASGI application around it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from msgcenter.actions.apps.tokens import Tokens
from msgcenter.domain.account import App, AppChangedError
from msgcenter.domain.language import Phrase
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import SUCCESS, Reason, Refusal
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.call_record import CallRecord, Observer
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.rate_limit import NO_CALL, RateLimit
from msgcenter.gateway.wire import envelope
from msgcenter.gateway.wire.dialect import USUAL, Spoken
from msgcenter.web.decode import decode
from msgcenter.web.edge import BodyTooLargeError, ClientGoneError, refusal_of

Action = TypeVar("Action")
Request = TypeVar("Request", bound=Struct)
_BEARER = "bearer "


@dataclass(slots=True)
class Gateway:
    """What all calls share. `closing` is set when the server shuts down; `observers` get a record of every call."""

    tokens: Tokens
    rate_limit: RateLimit
    observers: list[Observer] = field(default_factory=list)
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """The app that makes a call, and the HTTP exchange of the call."""

    app: App
    exchange: Exchange

    @property
    def actor(self) -> Actor:
        """The app as the actor in the audit log."""
        return Actor("app", self.app.app_id, self.exchange.client_address)


Respond = Callable[[Gateway, Exchange], Awaitable[bytes | None]]
"""Returns the envelope to answer with, or None if it has sent the answer itself."""


@dataclass(frozen=True)
class Endpoint(Generic[Action, Request]):
    """One call of the app API.

    `request` is decoded from the body; `answer` has the keys that follow retCode and retDesc, None if there are none.
    `uses` picks the action that `handle` gets; `handle` returns an `answer`, or None for a plain success.

    With `compares_version`, `handle` may get an app that was read a moment before, and compares its version where it
    changes something. That saves nearly every call the look-up of its token (docs/decisions/0003-no-token-cache.md).
    """

    path: str
    summary: Phrase
    request: type[Request]
    answer: type[Struct] | None
    uses: Callable[[CallActions], Action]
    handle: Callable[[Action, Caller, Request], Awaitable[Struct | None]]
    compares_version: bool = False

    @cached_property
    def name(self) -> str:
        """The name of the call: the last part of its path."""
        return self.path.rpartition("/")[2]

    def responder(self, actions: CallActions) -> Respond:
        """Return the function that authenticates, counts, decodes and handles a request. It raises refusals."""
        action = self.uses(actions)

        async def respond(gateway: Gateway, exchange: Exchange) -> bytes:
            app = await self._authenticated(gateway, exchange)
            return await self._handled(gateway, exchange, action, app)

        async def respond_to_recent(gateway: Gateway, exchange: Exchange) -> bytes:
            recent = _recent(gateway, exchange)
            if recent is None:
                return await respond(gateway, exchange)
            try:
                return await self._handled(gateway, exchange, action, recent)
            except Exception as problem:
                if isinstance(problem, Refusal) and problem.reason is Reason.DATABASE_UNAVAILABLE:
                    raise
                # A token that has ended since is refused before anything else.
                headers = exchange.forget_caller()
                app = await self._authenticated(gateway, exchange)
                has_changed = isinstance(problem, Refusal) and app != replace(recent, version=None)
                if has_changed or isinstance(problem, AppChangedError):
                    return await self._handled(gateway, exchange, action, app)
                exchange.app, exchange.extra_headers = app, headers
                raise

        return respond_to_recent if self.compares_version else respond

    async def _handled(self, gateway: Gateway, exchange: Exchange, action: Action, app: App) -> bytes:
        exchange.app = app
        await gateway.rate_limit.hit(exchange, self.name, app)
        request = decode(await exchange.json_body(), self.request)
        result = await self.handle(action, Caller(app, exchange), request)
        return envelope.success(exchange.language, result, SUCCESS)

    async def _authenticated(self, gateway: Gateway, exchange: Exchange) -> App:
        try:
            return await gateway.tokens.authenticate(access_token(exchange))
        except Exception as problem:
            if isinstance(problem, Refusal) and problem.reason is not Reason.DATABASE_UNAVAILABLE:
                # Guesses of tokens are limited by network address.
                await gateway.rate_limit.hit(exchange, self.name)
            else:
                await gateway.rate_limit.add_headers(exchange)
            raise


class EndpointApp:
    """The ASGI application of one call. It accepts POST only, and every answer is an envelope."""

    def __init__(self, gateway: Gateway, path: str, respond: Respond, spoken: Spoken = USUAL) -> None:
        self._gateway = gateway
        self._spoken = spoken
        self._api = path.rpartition("/")[2]
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        exchange.spoken = self._spoken
        began = perf_counter()
        try:
            await self._answer(exchange)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            self._tell_observers(exchange, perf_counter() - began)
            raise
        self._tell_observers(exchange, perf_counter() - began)

    def _tell_observers(self, exchange: Exchange, seconds: float) -> None:
        record = CallRecord(
            self._api, exchange.app, exchange.ret_code, seconds, exchange.status_ids, exchange.request_id
        )
        for observe in self._gateway.observers:
            observe(record)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            if self._gateway.closing:
                await self._gateway.rate_limit.add_headers(exchange)
                raise Refusal(Reason.SHUTTING_DOWN)
            if exchange.method != "POST":
                await self._gateway.rate_limit.hit(exchange, NO_CALL)
                await refuse_method(exchange, "POST")
                return
            answer = await self._respond(self._gateway, exchange)
        except BodyTooLargeError:
            await refuse(exchange, too_large(), 413)
        except ClientGoneError:
            raise
        except asyncio.CancelledError:
            # The grace period of the shutdown has ended before this call.
            await self._gateway.rate_limit.add_headers(exchange)
            await refuse(exchange, Refusal(Reason.SHUTTING_DOWN))
            raise
        except Exception as error:
            await refuse(exchange, refusal_of(error, "a call failed", exchange.path))
        else:
            if answer is not None:
                await exchange.answer(answer)


class PlainApp:
    """The ASGI application of a page outside the protocol. It accepts `methods`, or any method if none is named."""

    def __init__(self, respond: Callable[[Exchange], Awaitable[None]], *methods: str) -> None:
        self._respond = respond
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send)
        if self._methods and exchange.method not in self._methods:
            await refuse_method(exchange, ", ".join(self._methods))
            return
        try:
            await exchange.body()
        except BodyTooLargeError:
            await refuse(exchange, too_large(), 413)
        except ClientGoneError:
            return
        else:
            await self._respond(exchange)


async def refuse(exchange: Exchange, refusal: Refusal, status: int | None = None) -> None:
    """Answer with a refusal's envelope."""
    exchange.ret_code = refusal.reason.ret_code
    status = envelope.status_of(refusal) if status is None else status
    headers = {b"retry-after": b"1", b"connection": b"close"} if status == 503 else retry_after(refusal)
    await exchange.answer(envelope.failure(exchange.language, refusal, exchange.spoken), status, headers)


def retry_after(refusal: Refusal) -> dict[bytes, bytes]:
    """Return the Retry-After header of a refusal that ends with time, else nothing."""
    seconds = refusal.data.get("seconds")
    return {} if seconds is None else {b"retry-after": str(seconds).encode()}


async def refuse_method(exchange: Exchange, allowed: str) -> None:
    """Answer 405."""
    rule = Phrase(f"须为{allowed}", f"must be {allowed}")
    refusal = Refusal(Reason.FIELD_MALFORMED, field="method", rule=rule)
    exchange.ret_code = refusal.reason.ret_code
    await exchange.answer(
        envelope.failure(exchange.language, refusal, exchange.spoken), 405, {b"allow": allowed.encode()}
    )


def too_large() -> Refusal:
    """Return the refusal of a body that is larger than the limit."""
    return Refusal(Reason.TOO_MANY_ITEMS, field="body", rule=Phrase("请求体最大1 MiB", "at most 1 MiB"))


def _recent(gateway: Gateway, exchange: Exchange) -> App | None:
    try:
        return gateway.tokens.recent(access_token(exchange))
    except Refusal:
        return None


def access_token(exchange: Exchange) -> str:
    """Return the call's token, from the query, `Authorization: Bearer` or the header `accessToken`.

    Refuses with TOKEN_MISSING.
    """
    token = exchange.query("accessToken")
    if not token:
        authorization = exchange.header(b"authorization")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            token = authorization[len(_BEARER) :].strip()
        else:
            token = exchange.header(b"accesstoken").strip()
    if not token:
        raise Refusal(Reason.TOKEN_MISSING)
    return token


AnyEndpoint = Endpoint[Any, Any]
