"""Checks of a request's URL, Host and cookies, before it is parsed."""

import re
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.web.base_path import root_of

MAX_PARAMETERS = 100
"""Maximum of query parameters, and of cookies: parsing thousands would cost more than the answer."""
_HOST = re.compile(rb"(\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~-]*)(:(?P<port>[0-9]{1,5})?)?")
_NUL = Phrase("不能含有U+0000字符", "must not contain the character U+0000")
_MOST = Phrase(f"最多{MAX_PARAMETERS}个", f"at most {MAX_PARAMETERS}")


def check_address(scope: Scope) -> None:
    """Check the URL, Host and cookies of a request.

    Refuses with FIELD_MALFORMED U+0000 in the path or query (no id contains it, and PostgreSQL cannot store it) and an
    invalid Host; with TOO_MANY_ITEMS more than 100 parameters or cookies.
    """
    if "\0" in scope["path"]:
        raise malformed("path", *_NUL)
    query: bytes = scope["query_string"]
    if query.count(b"&") >= MAX_PARAMETERS:
        raise Refusal(Reason.TOO_MANY_ITEMS, field="query", rule=_MOST)
    if b"%00" in query or b"\0" in query:
        raise malformed(_parameter_with_nul(query), *_NUL)
    cookies = 0
    for name, value in scope["headers"]:
        if name == b"cookie":
            cookies += value.count(b";") + 1
        elif name == b"host" and not _is_host(value):
            raise malformed("Host", "须为主机名,例如msg.example.org", "must be a host such as msg.example.org")
    if cookies > MAX_PARAMETERS:
        raise Refusal(Reason.TOO_MANY_ITEMS, field="cookie", rule=_MOST)


def without_address(scope: Scope) -> Scope:
    """Return the scope of a request without URL, Host and cookies, to answer one that was refused because of them."""
    headers = [(name, value) for name, value in scope["headers"] if name not in {b"cookie", b"host"}]
    return {
        **scope,
        "path": f"{root_of(scope)}/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": headers,
    }


def _parameter_with_nul(query: bytes) -> str:
    """Return the name of the first parameter with U+0000 in its value, "query" if only a name contains it."""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if b"\0" in unquote_to_bytes(value) and name.isalnum():
            return name.decode("ascii", "replace")[:30]
    return "query"


def _is_host(value: bytes) -> bool:
    """Return whether a Host is a name, an IPv4 address or an IPv6 address in brackets, each with an optional port."""
    match = _HOST.fullmatch(value)
    if match is None or int(match["port"] or 0) > 65_535:
        return False
    if match["ipv6"] is None:
        return True
    try:
        IPv6Address(match["ipv6"].decode())
    except ValueError:
        return False
    return True
