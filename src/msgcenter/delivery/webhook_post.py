"""One POST to a webhook: signed, limited in time and size, with the outcome of its answer."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules, ForbiddenAddressError
from msgcenter.domain.webhook import signature_header
from msgcenter.domain.webhook_schedule import Outcome, outcome_of
from msgcenter.outbound.guarded_network import Resolve
from msgcenter.outbound.http_client import HttpClient, NoAnswerError
from msgcenter.outbound.network import Network

_RESPONSE_BYTES = 4_096
"""Maximum bytes of a response that are read."""


class Poster:
    """Posts to webhooks. Use as an async context manager."""

    def __init__(self, resolve: Resolve, rules: AddressRules, *, timeout: float) -> None:
        self._client = HttpClient(Network(resolve, rules), timeout=timeout, answer_bytes=_RESPONSE_BYTES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def post(self, url: str, delivery_id: str, body: bytes, secrets: Sequence[str]) -> Outcome:
        """Post a delivery, signed with each of the secrets, and return its outcome. Raises nothing."""
        timestamp = now_ms() // 1_000
        headers = [
            ("Content-Type", "application/json"),
            ("webhook-id", delivery_id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", signature_header(secrets, delivery_id, timestamp, body)),
        ]
        try:
            answer = await self._client.post(url, headers, body)
        except (NoAnswerError, ForbiddenAddressError) as error:
            return Outcome("failing", error=str(error)[:200])
        return outcome_of(answer.status, answer.text, answer.retry_after)
