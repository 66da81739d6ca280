"""A gateway over HTTP that needs an access token: it is kept, and fetched again when it ends."""

import asyncio
import time
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.face import Outcome, Parcel
from msgcenter.channels.http_gateway import (
    ANSWER_BYTES,
    DOWN_MS,
    TIMEOUT,
    Request,
    exchange,
    json_object,
    scalar,
    wrong,
)
from msgcenter.outbound.http_client import Answer, HttpClient
from msgcenter.outbound.network import Network

TOKEN_REFUSED = Outcome("later", "the access token is not accepted", pause_ms=DOWN_MS)
"""What `classify` returns for a token that has ended: the parcel is sent once more, with a new one."""
_MARGIN = 300
"""Seconds before its end that a token is fetched again."""


class Token(NamedTuple):
    """An access token and its lifetime in seconds."""

    value: str
    lifetime: int


class TokenChannel(Protocol):
    """What is special about a channel over HTTP with access tokens."""

    def token_request(self) -> Request:
        """Return the request for a token."""
        ...

    def read_token(self, answer: Answer) -> Token | Outcome:
        """Return the token of an answer, or the outcome of all parcels if there is none."""
        ...

    def render(self, parcel: Parcel, token: str) -> Request | Outcome:
        """Return the request that sends a parcel, or the outcome if it cannot be sent."""
        ...

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome by an answer, TOKEN_REFUSED if the token has ended."""
        ...


class TokenGateway:
    """A gateway to one host, which operators have named. Its parcels share one token."""

    def __init__(self, channel: TokenChannel, network: Network) -> None:
        self._channel = channel
        self._client = HttpClient(network, timeout=TIMEOUT, answer_bytes=ANSWER_BYTES)
        self._turn = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, parcel: Parcel) -> Outcome:
        """Send a parcel."""
        token = await self._current_token()
        if isinstance(token, Outcome):
            return token
        outcome = await self._send(parcel, token)
        if outcome is not TOKEN_REFUSED:
            return outcome
        token = await self._current_token(refused=token)
        return token if isinstance(token, Outcome) else await self._send(parcel, token)

    async def _send(self, parcel: Parcel, token: str) -> Outcome:
        request = self._channel.render(parcel, token)
        if isinstance(request, Outcome):
            return request
        answer = await exchange(self._client, request)
        return answer if isinstance(answer, Outcome) else self._channel.classify(answer)

    async def _current_token(self, *, refused: str = "") -> str | Outcome:
        """Return the token, a new one if it ends soon or is the `refused` one. Waiting parcels share the request."""
        async with self._turn:
            if self._token not in {"", refused} and time.monotonic() < self._renew_at:
                return self._token
            answer = await exchange(self._client, self._channel.token_request())
            token = answer if isinstance(answer, Outcome) else self._channel.read_token(answer)
            if isinstance(token, Outcome):
                return token
            self._token = token.value
            self._renew_at = time.monotonic() + max(token.lifetime - _MARGIN, token.lifetime // 2)
            return self._token


def token_of(answer: Answer, codes: AnswerCodes, *, code: str, text: str, value: str, lifetime: str) -> Token | Outcome:
    """Return the token of an answer, or the outcome of all parcels if there is none.

    The last arguments are the names of its fields: the code (0 after success) and its text, the token and its lifetime.
    """
    content = json_object(answer)
    token, seconds = content.get(value), content.get(lifetime)
    if scalar(content, code) == 0 and isinstance(token, str) and isinstance(seconds, int):
        return Token(token, seconds)
    why = f"no access token: {content.get(text) or f'HTTP {answer.status}'}"
    refused = scalar(content, code)
    return codes.outcome(refused, why) if refused in codes.busy else wrong(f"{refused} {why}")
