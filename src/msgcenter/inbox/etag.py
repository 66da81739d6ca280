"""Entity tags of lists: whether a list is still the one that a client has (RFC 9110, section 8.8.3).

A tag is a hash of everything that the answer shows, with the version of each message in place of its content, which
changes only with the version. So it is known before contents are read.
"""

from hashlib import blake2b

import msgspec
from msgspec.structs import astuple

from msgcenter import __version__
from msgcenter.actions.mailboxes.inbox_views import InboxList

_HEADERS = ((b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Origin"))


def etag_of(listed: InboxList, *, with_counts: bool) -> str:
    """Return the tag of a list. Another version of the program may show the same list in another way."""
    page, counts = listed.page, listed.counts
    messages = [astuple(shown.message)[:-1] for shown in page.items]
    names = {shown.message.app_number: shown.app for shown in page.items}
    shown = (__version__, page.next_cursor, counts if with_counts else None, messages, list(names.values()))
    return f'"{blake2b(msgspec.msgpack.encode(shown), digest_size=16).hexdigest()}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Return whether a client has the tag, by its header If-None-Match.

    >>> is_known('"a"', 'W/"b", "a"'), is_known('"a"', "*"), is_known('"a"', '"b"')
    (True, True, False)
    """
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in if_none_match.split(","))


def headers_of(etag: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of a list with this tag: only the client may keep it, and asks before it uses it again."""
    return [(b"etag", etag.encode()), *_HEADERS]
