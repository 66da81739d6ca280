"""The search in an inbox."""

from collections.abc import Callable
from typing import Any

import msgspec

from msgcenter.domain.content import Kind
from msgcenter.domain.search_text import folded, search_words
from msgcenter.store.mailboxes.mailbox_reads import EntryMessage

_SEARCHED_FIELDS = ("title", "content", "text", "key", "value", "author")


def matcher(kind: Kind | None, text: str | None) -> Callable[[EntryMessage], bool] | None:
    """Return the test of a message's kind and text; None if every message passes.

    `text` is compared as `domain.search_text` says. A text without visible characters is no condition.
    """
    needle = None if text is None else search_words(text)
    if kind is None and needle is None:
        return None

    def matches(message: EntryMessage) -> bool:
        if kind is not None and message.kind != kind:
            return False
        if needle is None:
            return True
        texts = [message.sender_name or "", *_texts(msgspec.json.decode(message.content or "{}"))]
        return any(needle in folded(text) for text in texts)

    return matches


def _texts(value: Any, name: str = "") -> list[str]:
    """Return the readable texts of a body, without URLs and colours. `name` is the field that holds `value`."""
    if isinstance(value, str):
        return [value] if name in _SEARCHED_FIELDS else []
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in _texts(item, key)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, name)]
    return []
