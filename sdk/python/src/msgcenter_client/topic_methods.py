# Generated from async_topic_methods.py by `make generate`. Do not edit.

"""The calls about topics, as `Client` has them."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgcenter_client.flow import Flow
from msgcenter_client.results import Page
from msgcenter_client.topic_calls import TopicCalls

Result = TypeVar("Result")


class TopicMethods:
    """The part of `Client` that is about topics."""

    _topic_calls: TopicCalls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    @abstractmethod
    def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> Iterator[Result]: ...

    def subscribe(self, topic: str, user_ids: str | Iterable[str], *, platform_code: str | None = None) -> int:
        """Subscribe users to a topic of this app from now on, which is made if it is new.

        topic: 1-64 characters. user_ids: one or any number; they go out 1,000 at a time.
        platform_code: the users' platform, instead of the client's. A topic belongs to one platform.
        Returns how many were not subscribed before.
        """
        return self._run(self._topic_calls.change("subscribe", topic, user_ids, platform_code))

    def unsubscribe(self, topic: str, user_ids: str | Iterable[str], *, platform_code: str | None = None) -> int:
        """End users' subscriptions; what they got stays with them. Arguments: see `subscribe`.

        Returns how many were subscribed. Raises also StateError (300005: no such topic).
        """
        return self._run(self._topic_calls.change("unsubscribe", topic, user_ids, platform_code))

    def subscribers(
        self, topic: str, *, platform_code: str | None = None, page_size: int | None = 200
    ) -> Iterator[str]:
        """Iterate over a topic's subscribers by user id; pages are fetched as they are needed.

        page_size: user ids per request, 1-200.
        What it raises (also StateError, 300005: no such topic) comes from the iteration.
        """
        return self._items(
            lambda cursor: self._topic_calls.subscribers(
                topic, platform_code=platform_code, cursor=cursor, page_size=page_size
            )
        )
