"""The calls under `/msgCenter/topic/`."""

from msgspec import UNSET

from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.answers import Changed, Subscribers
from msgcenter.gateway.wire.fields import text_of, value_or_none
from msgcenter.gateway.wire.requests import GetSubscribers, Subscribe, Unsubscribe


async def subscribe(topics: Topics, caller: Caller, request: Subscribe) -> Changed:
    """Subscribe users to a topic."""
    changed = await topics.subscribe(
        caller.app,
        str(request.topic),
        map(str, request.user_ids),
        platform_code=text_of(request.platform_code),
        by=caller.actor,
    )
    return Changed(changed)


async def unsubscribe(topics: Topics, caller: Caller, request: Unsubscribe) -> Changed:
    """Unsubscribe users from a topic."""
    changed = await topics.unsubscribe(
        caller.app,
        str(request.topic),
        map(str, request.user_ids),
        platform_code=text_of(request.platform_code),
        by=caller.actor,
    )
    return Changed(changed)


async def get_subscribers(topics: Topics, caller: Caller, request: GetSubscribers) -> Subscribers:
    """List the subscribers of a topic."""
    page = await topics.subscribers(
        caller.app,
        str(request.topic),
        platform_code=text_of(request.platform_code),
        cursor=value_or_none(request.cursor),
        limit=request.page_size,
    )
    return Subscribers(list(page.items), page.next_cursor or UNSET)
