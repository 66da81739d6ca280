"""The calls about topics, each defined once as a flow (protocol, "Topics")."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from msgcenter_client.fields import Answer, platform_fields
from msgcenter_client.flow import Flow
from msgcenter_client.paging import next_page, page_fields
from msgcenter_client.results import Page
from msgcenter_client.session import Session

_TOPIC = "/msgCenter/topic/"
BATCH = 1_000
"""User ids per call (protocol, "subscribe")."""


class TopicCalls:
    """The calls about an app's topics on `platform_code` (None: the app's own platform)."""

    def __init__(self, session: Session, platform_code: str | None) -> None:
        self._session = session
        self._platform_code = platform_code

    def change(self, call: str, topic: str, user_ids: Iterable[str], platform_code: str | None) -> Flow[int]:
        """Subscribe or unsubscribe any number of users, in batches; return the number of changed subscriptions."""
        unique_ids = iter(dict.fromkeys([user_ids] if isinstance(user_ids, str) else user_ids))
        changed = 0
        while batch := list(islice(unique_ids, BATCH)):
            body = {"topic": topic, "userIds": batch, **self._platform(platform_code)}
            changed += (yield from self._session.call(_TOPIC + call, body, _ChangedAnswer)).changed
        return changed

    def subscribers(
        self, topic: str, *, platform_code: str | None, cursor: str | None, page_size: int | None
    ) -> Flow[Page[str]]:
        """Return one page of a topic's subscribers."""
        body: dict[str, Any] = {"topic": topic, **self._platform(platform_code), **page_fields(cursor, page_size)}
        answer = yield from self._session.call(_TOPIC + "getSubscribers", body, _SubscribersAnswer)
        return Page(answer.user_ids, next_page(answer.next_cursor, cursor))

    def _platform(self, platform_code: str | None) -> dict[str, str]:
        return platform_fields(platform_code, self._platform_code)


class _ChangedAnswer(Answer, frozen=True):
    changed: int


class _SubscribersAnswer(Answer, frozen=True):
    user_ids: tuple[str, ...]
    next_cursor: str | None = None
