"""A transport that sends the head and the body of an answer together.

uvicorn writes them one after the other. uvloop sends each write at once, so an answer would be two system calls, two
packets, and often two reads of the client.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class JoinedWrites(asyncio.Transport):
    """Holds what is written until the next write, or until the event loop's next turn, and sends both together.

    Everything is sent in the order of the writes, and before the transport closes. Wraps the transport of a connection.

    `linger`: called by `close`. It returns whether it closes the connection itself, later.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, linger: Callable[[], bool]
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._linger = linger
        self._held: bytes | bytearray | memoryview = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold the data, or send it with what is held."""
        if self._held:
            data = b"".join((self._held, data))
            self._held = b""
            self._transport.write(data)
        elif data:
            self._held = data
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        data, self._held = self._held, b""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        """Send what is held, and no more."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        if not self._linger():
            self._transport.close()

    def abort(self) -> None:
        """Close without sending what is held."""
        self._held = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether the transport is closed or about to be."""
        return self._transport.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Set another protocol."""
        self._transport.set_protocol(protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the wrapped transport knows about the connection."""
        return self._transport.get_extra_info(name, default)
