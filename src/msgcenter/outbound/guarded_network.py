"""Connections to hosts that apps have named, limited to addresses that the rules allow."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpcore

from msgcenter.domain.network import AddressRules

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host name for a port. Raises OSError if there are none."""
TRIED_ADDRESSES = 3
"""Addresses of a host that are tried, one after the other."""


class Resolver:
    """Looks up host names in its own threads, so that an unresponsive name server delays nothing else."""

    def __init__(self, threads: int = 50, *, seconds: float = 10) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._seconds = seconds

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the distinct addresses of a host, in the order to try them. Raises OSError."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        lookup = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        try:
            async with asyncio.timeout(self._seconds):
                return await lookup
        except TimeoutError:
            raise OSError(f"the name server does not answer for {host}") from None

    def close(self) -> None:
        """Cancel waiting look-ups and accept no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is not a host name") from None
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in infos))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Checks all addresses of a host, then connects to one of them, so a second DNS answer cannot lead elsewhere.

    TLS still requests and verifies the host name.
    """

    def __init__(self, resolve: Resolve, rules: AddressRules, *, encrypted: bool) -> None:
        self._resolve = resolve
        self._rules = rules
        self._encrypted = encrypted
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. Raises ForbiddenAddressError, or ConnectError if the host is unknown or does not answer."""
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise httpcore.ConnectError("the host name was not found") from None
        self._rules.check(addresses, encrypted=self._encrypted)
        last_error = httpcore.ConnectError("the host has no address")
        for address in addresses[:TRIED_ADDRESSES]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                last_error = error
        raise last_error

    async def sleep(self, seconds: float) -> None:
        """Sleep, as httpcore's interface requires."""
        await asyncio.sleep(seconds)
