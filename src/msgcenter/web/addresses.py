"""What no URL of ours contains: looked at before a request is taken apart."""

from urllib.parse import unquote_to_bytes, urlsplit

from starlette.types import Scope

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed

MAX_PARAMETERS = 100
"""Parameters of a query, and cookies: taking thousands apart costs more than answering."""
_NUL = Phrase("不能含有U+0000字符", "must not contain the character U+0000")
_MOST = Phrase(f"最多{MAX_PARAMETERS}个", f"at most {MAX_PARAMETERS}")


def check_address(scope: Scope) -> None:
    """Refuse a request whose URL or cookies cannot be meant.

    Refuses with FIELD_MALFORMED U+0000 in the path or the query (no id contains it and PostgreSQL cannot store it) and
    a Host that is none; with TOO_MANY_ITEMS more than 100 parameters or cookies.
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
            raise malformed("Host", "须为主机名,例如msg.example.org", "must be a host, like msg.example.org")
    if cookies > MAX_PARAMETERS:
        raise Refusal(Reason.TOO_MANY_ITEMS, field="cookie", rule=_MOST)


def without_address(scope: Scope) -> Scope:
    """Return the scope of a request that was refused for its URL, Host or cookies: with none of them."""
    headers = [(name, value) for name, value in scope["headers"] if name not in {b"cookie", b"host"}]
    return {**scope, "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}


def _parameter_with_nul(query: bytes) -> str:
    """Return the name of the first parameter that has U+0000 in its value; "query" if it is in a name."""
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if b"\0" in unquote_to_bytes(value) and name.isalnum():
            return name.decode("ascii", "replace")[:30]
    return "query"


def _is_host(value: bytes) -> bool:
    """Tell whether a Host can stand in a URL: not one with half a bracket, or with a port that is no number."""
    try:
        return urlsplit(b"//" + value).port != 0
    except ValueError:
        return False
