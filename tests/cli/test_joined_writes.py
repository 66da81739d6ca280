"""The head and the body of an answer are sent together, in order, and before the connection closes."""

import asyncio
from collections.abc import Callable

import pytest

from msgcenter.cli.server.joined_writes import JoinedWrites


class _Connection(asyncio.Transport):
    """Notes what reaches the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes | str] = []
        self.is_lost = False

    def is_closing(self) -> bool:
        return self.is_lost

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    def write_eof(self) -> None:
        self.calls.append("eof")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


Writing = Callable[[JoinedWrites], None]


async def _calls_of(*turns: Writing, lingers: bool = False) -> list[bytes | str]:
    connection = _Connection()
    transport = JoinedWrites(connection, asyncio.get_running_loop(), lambda: lingers)
    for turn in turns:
        turn(transport)
        await asyncio.sleep(0)
    return connection.calls


def _write(*parts: bytes) -> Writing:
    def write(transport: JoinedWrites) -> None:
        for part in parts:
            transport.write(part)

    return write


async def test_two_writes_are_sent_as_one() -> None:
    assert await _calls_of(_write(b"head", b"body")) == [b"headbody"]
    assert await _calls_of(_write(b"head", b"body"), _write(b"head2", b"body2")) == [b"headbody", b"head2body2"]


async def test_a_write_alone_is_sent_in_the_next_turn_of_the_loop() -> None:
    assert await _calls_of(_write(b"event 1"), _write(b"event 2")) == [b"event 1", b"event 2"]
    assert await _calls_of(_write(b"head", b"body", b"next head"), _write(b"next body")) == [
        *(b"headbody", b"next head", b"next body")
    ]


async def test_empty_writes_are_not_sent() -> None:
    assert await _calls_of(_write(b"", b""), _write(b"head", b"")) == [b"head"]


@pytest.mark.parametrize(
    ("end", "calls"),
    [
        (JoinedWrites.close, [b"head", "close"]),
        (JoinedWrites.write_eof, [b"head", "eof"]),
        (JoinedWrites.abort, ["abort"]),
    ],
)
async def test_what_is_held_is_sent_before_the_end_unless_aborted(end: Writing, calls: list[bytes | str]) -> None:
    def write_and_end(transport: JoinedWrites) -> None:
        transport.write(b"head")
        end(transport)

    assert await _calls_of(write_and_end) == calls


async def test_a_connection_that_lingers_is_not_closed_at_once() -> None:
    assert await _calls_of(_write(b"head"), JoinedWrites.close, lingers=True) == [b"head"]


async def test_nothing_is_written_to_a_lost_connection() -> None:
    connection = _Connection()
    transport = JoinedWrites(connection, asyncio.get_running_loop(), lambda: False)
    transport.write(b"head")
    connection.is_lost = True
    await asyncio.sleep(0)
    assert connection.calls == []
