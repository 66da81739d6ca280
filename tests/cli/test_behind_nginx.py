"""Connections between a real nginx and a server are closed by the proxy, never by the server."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from msgcenter.settings import Settings
from tests.attacks.sockets import request
from tests.conftest import Server, running_server
from tests.nginx import documented, running_nginx

CLIENTS = 32
"""The number of server connections that the documented nginx configuration keeps open."""
BUSY_BEFORE = 0.5
"""How many seconds before the end of a pause the server becomes busy."""
_KEPT = re.compile(r"keepalive_timeout (\d+)s;")


async def status_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> int:
    """Send a request and return the status of its answer, 0 if there is none."""
    try:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    return int(head.split()[1])


async def post_repeatedly(url: str, server_url: str, pauses: list[float]) -> Counter[int]:
    """POST from each client once and again after each pause; return the number of answers per status.

    The clients' pauses are a millisecond apart, so that some request meets the closing of a connection if any can.
    The server is busy whenever a pause ends.
    """
    statuses: Counter[int] = Counter()
    sent = request("POST", "/msgCenter/message/getUnreadCount", body=b'{"publisherId":"parent-wang"}')
    clock = asyncio.get_running_loop().time
    connections = [await asyncio.open_connection(*address(url)) for _ in range(CLIENTS)]
    answered = [0.0] * CLIENTS

    async def post(number: int, pause: float) -> None:
        due = answered[number] + pause + (number - 0.6 * CLIENTS) / 1_000
        await asyncio.sleep(max(0.0, due - clock()))
        statuses[await status_of(*connections[number], sent)] += 1
        answered[number] = clock()

    await asyncio.gather(*(post(number, 0.0) for number in range(CLIENTS)))
    for pause in pauses:
        posts = asyncio.gather(*(post(number, pause) for number in range(CLIENTS)))
        await asyncio.sleep(pause - BUSY_BEFORE)
        async with kept_busy(server_url):
            await posts
    for _, writer in connections:
        writer.close()
    return statuses


@asynccontextmanager
async def kept_busy(url: str) -> AsyncIterator[None]:
    """Keep a server busy, so that it checks its timers and connections late."""

    async def request_forever() -> None:
        reader, writer = await asyncio.open_connection(*address(url))
        try:
            while await status_of(reader, writer, request("GET", "/openapi.json")):
                pass
        finally:
            writer.close()

    tasks = [asyncio.create_task(request_forever()) for _ in range(4)]
    yield
    for task in tasks:
        assert not task.done(), "the server has closed a busy connection"
        task.cancel()
    await asyncio.wait(tasks)


def connections_of(server: Server) -> set[int]:
    """Return the client ports of a server's connections."""
    _, port = address(server.url)
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return {
        connection.raddr.port
        for connection in connections
        if connection.laddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    }


def address(url: str) -> tuple[str, int]:
    """Return the host and port of a URL."""
    host, _, port = urlsplit(url).netloc.rpartition(":")
    return host, int(port)


def test_the_documented_proxy_closes_connections_before_the_server_does() -> None:
    kept = _KEPT.search(documented("Behind nginx"))
    assert kept is not None
    assert int(kept[1]) + 10 <= Settings.keep_alive


@pytest.mark.slow
async def test_no_post_is_lost_at_pauses_of_five_seconds(shared_database: str, tmp_path: Path) -> None:
    """Regression: the server once closed connections after five seconds that nginx keeps for sixty."""
    with (
        running_server(shared_database, tmp_path / "data") as server,
        running_nginx(tmp_path, server.url, documented("Behind nginx")) as url,
    ):
        statuses = await post_repeatedly(url, server.url, [5.0] * 6)
        kept = connections_of(server)
        await asyncio.sleep(6)
        assert kept
        assert kept <= connections_of(server)
    assert statuses == {200: 7 * CLIENTS}


@pytest.mark.slow
async def test_no_post_is_lost_near_the_time_limits_of_proxy_and_server(shared_database: str, tmp_path: Path) -> None:
    """Uses shorter time limits in the documented proportion, and pauses as long as either limit."""
    site = _KEPT.sub("keepalive_timeout 4s;", documented("Behind nginx"))
    with (
        running_server(shared_database, tmp_path / "data", KEEP_ALIVE="5") as server,
        running_nginx(tmp_path, server.url, site) as url,
    ):
        statuses = await post_repeatedly(url, server.url, [4.0, 5.0, 4.0, 4.5])
    assert statuses == {200: 5 * CLIENTS}
