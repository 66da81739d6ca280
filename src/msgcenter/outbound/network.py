"""The way to other hosts: how their names are looked up, and which of their addresses are allowed."""

import asyncio
import socket
from typing import NamedTuple

from msgcenter.domain.network import AddressRules
from msgcenter.outbound.guarded_network import TRIED_ADDRESSES, Resolve


class Network(NamedTuple):
    """A resolver of host names, and the rules for addresses."""

    resolve: Resolve
    rules: AddressRules

    async def connect(self, host: str, port: int, *, encrypted: bool, timeout: float) -> socket.socket:
        """Return a connected socket for a protocol other than HTTP, after at most `timeout` seconds.

        All addresses of the host are checked first. Raises ForbiddenAddressError; TimeoutError and other OSErrors.
        """
        async with asyncio.timeout(timeout):
            addresses = await self.resolve(host, port)
            self.rules.check(addresses, encrypted=encrypted)
            error = OSError("the host has no address")
            for address in addresses[:TRIED_ADDRESSES]:
                try:
                    return await _connect(address, port)
                except OSError as failure:
                    error = failure
            raise error


async def _connect(address: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    ((family, kind, protocol, _, target), *_) = await loop.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await loop.sock_connect(connection, target)
    except BaseException:
        connection.close()
        raise
    return connection
