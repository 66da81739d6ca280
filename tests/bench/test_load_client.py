"""The load client: what it sends, and from when it measures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.load import run
from bench.load_client import NUMBER, Plan

HOLD_SECONDS = 0.5
GET = b"GET /%b HTTP/1.1\r\n\r\n"


@asynccontextmanager
async def echo_server(*, hold_first: float = 0) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield the port of a server and the paths that it receives. It answers each with its path."""
    paths: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(1 << 16):
            path = head.split()[1]
            if not paths:
                await asyncio.sleep(hold_first)
            paths.append(path)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], paths


async def test_a_numbered_call_contains_its_number() -> None:
    async with echo_server() as (port, paths):
        requests = [GET % (b"a/" + NUMBER), GET % b"b"]
        plan = Plan(
            host="127.0.0.1", port=port, requests=requests, connections=1, expect=(b"/",), start=8, numbered=True
        )
        await run(plan)
    assert paths == [b"/a/00000008", b"/b"]


async def test_the_requests_of_a_call_count_once_and_each_has_its_own_expected_answer() -> None:
    async with echo_server() as (port, paths):
        requests = [GET % path for path in (b"list/1", b"counts/1", b"list/2", b"list/2")]
        expect = (b"/list", b"/counts")
        outcome = await run(Plan(host="127.0.0.1", port=port, requests=requests, connections=1, expect=expect))
    assert (outcome.sent, outcome.counted, outcome.bodies) == (2, 2, paths)
    assert outcome.errors == 1
    assert outcome.first_error.endswith(b"/list/2")


async def test_at_a_fixed_rate_latency_counts_from_when_a_call_was_due() -> None:
    async with echo_server(hold_first=HOLD_SECONDS) as (port, paths):
        plan = Plan(
            host="127.0.0.1",
            port=port,
            requests=[GET % b"paced"],
            connections=1,
            expect=(b"/paced",),
            seconds=HOLD_SECONDS / 2,
            rate=100,
        )
        outcome = await run(plan)
    # All calls were due in the first half of the time in which the server answered none.
    assert outcome.sent == len(paths) == outcome.counted == 25
    assert outcome.p50_ms >= HOLD_SECONDS / 2 * 1_000
