"""A gateway over HTTP: a channel renders a request and classifies the answer, the gateway sends."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from msgcenter.channels.face import Outcome, Parcel
from msgcenter.channels.plain import cut, one_line
from msgcenter.domain.network import ForbiddenAddressError
from msgcenter.outbound.http_client import Answer, Header, HttpClient, NoAnswerError
from msgcenter.outbound.network import Network

DOWN_MS = 30_000
"""How long a gateway waits at least that does not answer, or asks for a pause without saying how long."""
WRONG_MS = 600_000
"""How long a gateway waits at least that an operator has to put right, such as a wrong password."""
JSON_TYPE: Header = ("Content-Type", "application/json; charset=utf-8")
TIMEOUT = 15.0
ANSWER_BYTES = 65_536
_REASON_LIMIT = 200


class Request(NamedTuple):
    """A request to a gateway."""

    url: str
    body: bytes = b""
    headers: tuple[Header, ...] = (JSON_TYPE,)
    method: str = "POST"


class HttpChannel(Protocol):
    """What is special about a channel over HTTP."""

    def render(self, parcel: Parcel) -> Request | Outcome:
        """Return the request that sends a parcel, or the outcome if it cannot be sent."""
        ...

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome by an answer."""
        ...


class HttpGateway:
    """A gateway to one host, which operators have named."""

    def __init__(self, channel: HttpChannel, network: Network) -> None:
        self._channel = channel
        self._client = HttpClient(network, timeout=TIMEOUT, answer_bytes=ANSWER_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def send(self, parcel: Parcel) -> Outcome:
        """Send a parcel."""
        request = self._channel.render(parcel)
        if isinstance(request, Outcome):
            return request
        answer = await exchange(self._client, request)
        return answer if isinstance(answer, Outcome) else self._channel.classify(answer)


async def exchange(client: HttpClient, request: Request) -> Answer | Outcome:
    """Return the answer to a request; or the outcome, if there is none or it says that the host is overloaded."""
    try:
        answer = await client.request(request.method, request.url, request.headers, request.body)
    except NoAnswerError as error:
        return Outcome("later", reason(str(error)), pause_ms=DOWN_MS)
    except ForbiddenAddressError as error:
        return Outcome("later", reason(str(error)), pause_ms=WRONG_MS)
    if answer.status >= 500 or answer.status in {408, 429}:
        return Outcome("later", reason(f"HTTP {answer.status}"), pause_ms=max(DOWN_MS, answer.retry_after))
    return answer


def wrong(text: str) -> Outcome:
    """Return the outcome of a mistake in the configuration, which fails all messages until it is corrected."""
    return Outcome("later", reason(text), pause_ms=WRONG_MS)


def reason(text: str) -> str:
    """Return a reason in one line of bounded length."""
    return cut(one_line(text), _REASON_LIMIT)


def json_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer, an empty one if it is none."""
    try:
        content = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def scalar(content: Mapping[str, Any], name: str) -> int | str | None:
    """Return a field of an answer that is a number or a text, None for anything else."""
    value = content.get(name)
    return value if isinstance(value, int | str) else None
