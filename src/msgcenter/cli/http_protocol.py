"""HTTP/1.1 for those who would rather speak HTTP/2."""

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = re.compile(rb"(?i)(?<=\r\n)upgrade(?=: *h2c *\r\n)")


class Http11Protocol(HttpToolsProtocol):
    """Answers requests that offer to go on in HTTP/2 as what they are: requests in HTTP/1.1 (RFC 9110, 7.8).

    Java's HttpClient makes this offer with every first request on a connection without TLS. httptools takes any offer
    for the end of HTTP and drops the body, so it does not get to see this one.
    """

    def data_received(self, data: bytes) -> None:
        """Take what has come in."""
        if b"h2c" in data:
            data = _UPGRADE.sub(b"ignored", data)  # of the same length: no other part of the message moves
        super().data_received(data)
