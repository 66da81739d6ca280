"""Lists that come in pages."""

from typing import Any

from msgcenter_client.errors import TransportError


def page_fields(cursor: str | None, page_size: int | None) -> dict[str, Any]:
    """Return the fields that ask for a page."""
    asked = {"cursor": cursor, "pageSize": page_size}
    return {name: value for name, value in asked.items() if value is not None}


def next_page(next_cursor: str | None, cursor: str | None) -> str | None:
    """Return the cursor of the next page. Raises TransportError for one that would never come to an end."""
    if next_cursor and next_cursor == cursor:
        raise TransportError("the server's cursor stands still")
    return next_cursor or None
