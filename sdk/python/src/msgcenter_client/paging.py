"""Lists in pages."""

from typing import Any

from msgcenter_client.errors import TransportError


def page_fields(cursor: str | None, page_size: int | None) -> dict[str, Any]:
    """Return the request fields of a page."""
    fields = {"cursor": cursor, "pageSize": page_size}
    return {name: value for name, value in fields.items() if value is not None}


def next_page(next_cursor: str | None, cursor: str | None) -> str | None:
    """Return the cursor of the next page. Raises TransportError if it equals `cursor`: paging would never end."""
    if next_cursor and next_cursor == cursor:
        raise TransportError("the server returned the same cursor again")
    return next_cursor or None
