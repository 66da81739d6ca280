"""Lists that are read page by page: a page and the cursor for the next one."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from msgcenter.domain.message_id import parse_message_id
from msgcenter.domain.refusal import malformed

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")


class ListPage(NamedTuple, Generic[Item, Cursor]):
    """Some items of a list, and where the next page starts; `next_cursor` is None on the last page."""

    items: Sequence[Item]
    next_cursor: Cursor | None


def cut_page(
    items: Sequence[Item], limit: int, cursor_of: Callable[[Item], Cursor], *, rest: Cursor | None = None
) -> ListPage[Item, Cursor]:
    """Return the first `limit` of up to `limit` + 1 items.

    If there are more, the next page starts after the last item shown, whose cursor `cursor_of` returns; else at `rest`.
    """
    shown = items[:limit]
    return ListPage(shown, cursor_of(shown[-1]) if len(items) > limit else rest)


def parse_cursor(text: str | None, field: str = "cursor") -> int | None:
    """Return the bound of a `nextCursor`, None without one. Refuses an invalid cursor with FIELD_MALFORMED."""
    bound = None if text is None else parse_message_id(text)
    if text is not None and bound is None:
        raise malformed(field, "须为上一页返回的nextCursor", "must be nextCursor of the page before")
    return bound
