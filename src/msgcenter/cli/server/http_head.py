"""Checks of a request head: its size, version, host and transfer encoding."""

import re
from collections.abc import Sequence

from msgcenter.cli.server import http_edge
from msgcenter.cli.server.http_edge import FIELD_LIMIT, HEAD_LIMIT, EdgeRefusal

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


class RefusedRequestError(Exception):
    """Ends the parsing of a request."""

    def __init__(self, refusal: EdgeRefusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def check_head(url: bytes, headers: Sequence[tuple[bytes, bytes]], version: str, *, received: int) -> None:
    """Raise RefusedRequestError for a head that is too large or ambiguous, which could smuggle requests.

    `headers`: names in lower case. `received`: bytes since the head began, an upper bound of its size.
    """
    if len(headers) > FIELD_LIMIT:
        raise RefusedRequestError(http_edge.HEAD_TOO_LARGE)
    if received > HEAD_LIMIT:
        size = len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > HEAD_LIMIT:
            raise RefusedRequestError(http_edge.HEAD_TOO_LARGE)
    names = [name for name, _ in headers]
    if version not in {"1.1", "1.0"}:
        raise RefusedRequestError(http_edge.WRONG_VERSION)
    hosts = names.count(b"host")
    if hosts > 1:
        raise RefusedRequestError(http_edge.TWO_HOSTS)
    if hosts:
        if not _HOST.fullmatch(headers[names.index(b"host")][1]):
            raise RefusedRequestError(http_edge.WRONG_HOST)
    elif version == "1.1":
        raise RefusedRequestError(http_edge.NO_HOST)
    if b"transfer-encoding" in names:
        values = [value.lower() for name, value in headers if name == b"transfer-encoding"]
        if values != [b"chunked"] or version != "1.1":
            raise RefusedRequestError(http_edge.WRONG_ENCODING)
