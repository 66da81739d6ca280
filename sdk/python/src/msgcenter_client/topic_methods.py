# Generated from async_topic_methods.py by `make generate`. Do not edit.

"""The part of `Client` that manages topics."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgcenter_client.flow import Flow
from msgcenter_client.results import Page
from msgcenter_client.topic_calls import TopicCalls

Result = TypeVar("Result")


class TopicMethods:
    """The calls of `Client` about topics."""

    _topic_calls: TopicCalls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    @abstractmethod
    def _items(self, fetch: Callable[[str | None], Flow[Page[Result]]]) -> Iterator[Result]: ...

    def subscribe(self, topic: str, user_ids: str | Iterable[str], *, platform_code: str | None = None) -> int:
        """Subscribe users to a topic of this app from now on. A new topic is created.

        topic: 1-64 characters. user_ids: one or any number of user ids, sent in batches of 1,000.
        platform_code: the users' platform; None: the client's. A topic belongs to one platform.
        Returns the number of users who were not subscribed before.
        """
        return self._run(self._topic_calls.change("subscribe", topic, user_ids, platform_code))

    def unsubscribe(self, topic: str, user_ids: str | Iterable[str], *, platform_code: str | None = None) -> int:
        """End users' subscriptions; messages they received stay in their mailboxes. For arguments, see `subscribe`.

        Returns the number of users who were subscribed. Also raises StateError (300005: unknown topic).
        """
        return self._run(self._topic_calls.change("unsubscribe", topic, user_ids, platform_code))

    def subscribers(
        self, topic: str, *, platform_code: str | None = None, page_size: int | None = 200
    ) -> Iterator[str]:
        """Iterate over the user ids of a topic's subscribers, in order; pages are fetched when they are needed.

        page_size: user ids per request, 1-200.
        Errors, also StateError (300005: unknown topic), are raised by the iteration.
        """
        return self._items(
            lambda cursor: self._topic_calls.subscribers(
                topic, platform_code=platform_code, cursor=cursor, page_size=page_size
            )
        )
