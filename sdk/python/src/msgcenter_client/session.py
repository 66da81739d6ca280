"""Authorised calls with retries: the part that all calls share."""

import copy
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from msgcenter_client.access_token import PATH, Credentials, Token, TokenState
from msgcenter_client.errors import UNKNOWN_CREDENTIAL, IdentityError, MsgCenterError
from msgcenter_client.exchange import Request, Response, read_answer, read_result
from msgcenter_client.flow import Flow, UnderTokenLock, Wait
from msgcenter_client.retry import RetryPolicy

Result = TypeVar("Result")


class _TokenInfo(Struct, frozen=True, rename="camel"):
    access_token: str
    valid_time: int


class _TokenAnswer(Struct, frozen=True, rename="camel"):
    token_info: _TokenInfo


class Session:
    """Authorises, sends and retries the requests of one app. `clock` returns Unix seconds."""

    def __init__(self, credentials: Credentials, retry: RetryPolicy, clock: Callable[[], float] = time.time) -> None:
        self._credentials = credentials
        self._retry = retry
        self._clock = clock
        self._tokens = TokenState()

    def call(self, path: str, body: Mapping[str, Any], result: type[Result]) -> Flow[Result]:
        """Make a call and return its result. A token that the server no longer accepts is replaced once."""
        token = yield from self._token()
        try:
            return (yield from self._attempts(path, body, result, token))
        except IdentityError as error:
            if error.ret_code != UNKNOWN_CREDENTIAL:
                raise
        self._tokens.forget(token)
        token = yield from self._token()
        return (yield from self._attempts(path, body, result, token))

    def _token(self) -> Flow[str]:
        usable = self._tokens.usable(self._now_ms())
        if usable is not None:
            return usable
        token: str = yield UnderTokenLock(self._renew(self._tokens.failures))
        return token

    def _renew(self, failures_seen: int) -> Flow[str]:
        """Get a token, unless another call got one or failed to while this call waited for the lock."""
        usable = self._tokens.usable(self._now_ms())
        if usable is not None:
            return usable
        failure = self._tokens.failure_since(failures_seen)
        if failure is not None:
            # A copy, because one exception raised in two threads would mix their tracebacks.
            raise copy.copy(failure)
        try:
            token = yield from self._fetch_token()
        except MsgCenterError as error:
            self._tokens.keep_failure(copy.copy(error))
            raise
        self._tokens.keep(token)
        return token.value

    def _fetch_token(self) -> Flow[Token]:
        body = self._credentials.token_request(self._now_ms())
        info = (yield from self._attempts(PATH, body, _TokenAnswer)).token_info
        return Token.received(info.access_token, info.valid_time, self._now_ms())

    def _attempts(
        self, path: str, body: Mapping[str, Any], result: type[Result], token: str | None = None
    ) -> Flow[Result]:
        """Send a request until it succeeds or the retries are used up. All attempts share one X-Request-Id."""
        request_id = uuid4().hex
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = Request(path, headers, msgspec.json.encode(body))
        for failed in count(1):
            try:
                response: Response = yield request
                now = datetime.fromtimestamp(self._clock(), UTC)
                return read_result(read_answer(response, request_id=request_id, now=now), result)
            except MsgCenterError as error:
                error.request_id = error.request_id or request_id
                seconds = self._retry.wait(failed, error)
                if seconds is None:
                    raise
            yield Wait(seconds)
        raise AssertionError("count() has no end")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
