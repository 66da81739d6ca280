"""Connections to addresses that apps have named: only to those that the rules let through, whatever DNS says next."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpcore

from msgcenter.domain.network import AddressRules

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host name (for a port); raises OSError if it has none."""
_TRIED = 3
"""Addresses of a host that are tried, one after the other."""


class Resolver:
    """Looks up host names, in threads of its own: a name server that does not answer keeps nobody else waiting."""

    def __init__(self, threads: int = 50, *, seconds: float = 10) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="resolver")
        self._seconds = seconds

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, each once, in the order in which they are to be tried. Raises OSError."""
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        looked_up = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        try:
            async with asyncio.timeout(self._seconds):
                return await looked_up
        except TimeoutError:
            raise OSError(f"the name server does not answer for {host}") from None

    def close(self) -> None:
        """Look up nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is no host name") from None
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that it has checked, so a second answer of DNS cannot lead elsewhere.

    TLS still asks for, and checks, the host's name.
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
        """Connect. Raises ForbiddenAddressError, or what httpcore raises for a host that does not answer."""
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise httpcore.ConnectError("the host name is not to be found") from None
        self._rules.check(addresses, encrypted=self._encrypted)
        problem = httpcore.ConnectError("the host has no address")
        for address in addresses[:_TRIED]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                problem = error
        raise problem

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)
