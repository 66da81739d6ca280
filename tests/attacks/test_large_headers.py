"""Endless and too large heads: 431, constant memory, linear time."""

from collections.abc import Callable

import pytest

from tests.attacks.sockets import MIB, Cost, RawConnection, assert_serving, connect, exchange, flood, measured, request
from tests.conftest import Server

START = b"GET /healthz HTTP/1.1\r\nHost: msg.example\r\n"
FLOOD = 64 * MIB
PIECE = 1 << 16
Attack = Callable[[RawConnection], int]


def endless_fields(connection: RawConnection) -> int:
    connection.send(START)
    return flood(connection, b"X-Filler: " + b"a" * 90 + b"\r\n" + b"Y: b\r\n" * 600, FLOOD)


def one_value(connection: RawConnection) -> int:
    connection.send(START + b"X-Filler: ")
    return flood(connection, b"a" * PIECE, FLOOD)


def one_name(connection: RawConnection) -> int:
    connection.send(START)
    return flood(connection, b"a" * PIECE, FLOOD)


def one_url(connection: RawConnection) -> int:
    connection.send(b"GET /")
    return flood(connection, b"a" * PIECE, FLOOD)


def one_query_full_of_h2c(connection: RawConnection) -> int:
    connection.send(b"GET /?")
    return flood(connection, b"h2c" * 20_000, FLOOD)


def upgrades_without_end(connection: RawConnection) -> int:
    connection.send(START + b"Upgrade:")
    return flood(connection, b" " * 60_000 + b"h2c", FLOOD)


def empty_lines(connection: RawConnection) -> int:
    return flood(connection, b"\r\n" * 30_000, FLOOD)


@pytest.mark.parametrize(
    "attack",
    [endless_fields, one_value, one_name, one_url, one_query_full_of_h2c, upgrades_without_end, empty_lines],
    ids=lambda attack: attack.__name__,
)
def test_a_head_of_64_mib(target: Server, attack: Attack) -> None:
    costs: list[Cost] = []
    with measured(target.process.pid, costs), connect(target.url) as connection:
        attack(connection)
        answer = connection.answer()
        assert connection.is_ended()
        assert_serving(target)
    assert answer is not None
    assert answer.status == 431
    assert answer.headers["connection"] == "close"
    assert answer.envelope["retCode"] == "100004"
    assert "32 KiB" in answer.envelope["retDesc"]
    assert costs[0].memory < 8 * MIB
    assert costs[0].cpu < 1


def test_twenty_endless_heads_at_once(target: Server) -> None:
    costs: list[Cost] = []
    with measured(target.process.pid, costs):
        connections = [connect(target.url) for _ in range(20)]
        for connection in connections:
            connection.send(START + b"X: ")
            connection.send(b"a" * 30_000)
        assert_serving(target)
        for connection in connections:
            connection.close()
    assert costs[0].memory < 16 * MIB


def test_the_limit_is_32_kib(target: Server) -> None:
    def of(size: int) -> bytes:
        head = START + b"X-Filler: \r\n\r\n"
        return head.replace(b"X-Filler: ", b"X-Filler: " + b"a" * (size - len(head)))

    fits = exchange(target.url, of(32_000))
    assert fits is not None
    assert fits.status == 200
    for size in (33_000, 100_000, 300_000):
        refused = exchange(target.url, of(size))
        assert refused is not None
        assert refused.status == 431


def test_the_limit_holds_for_heads_in_small_pieces(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(START + b"X: ")
        for _ in range(34):
            connection.send(b"a" * 1_024)
        answer = connection.answer()
    assert answer is not None
    assert answer.status == 431


@pytest.mark.parametrize(("fields", "status"), [(100, 200), (101, 431), (5_000, 431)])
def test_a_hundred_fields_are_enough(target: Server, fields: int, status: int) -> None:
    filler = [f"X-{number}: a" for number in range(fields - 1)]  # and Host
    answer = exchange(target.url, request("GET", "/healthz", *filler))
    assert answer is not None
    assert answer.status == status


def test_the_refusal_speaks_the_clients_language(target: Server) -> None:
    filler = [f"X-{number}: a" for number in range(200)]
    chinese = exchange(target.url, request("GET", "/healthz", *filler))
    english = exchange(target.url, request("GET", "/healthz", "Accept-Language: en", *filler))
    assert chinese is not None
    assert english is not None
    assert "请求头" in chinese.envelope["retDesc"]
    assert "at most 32 KiB" in english.envelope["retDesc"]


def test_a_large_head_after_an_ordinary_request_waits_for_its_answer(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(request("GET", "/healthz") + START + b"X: " + b"a" * 70_000)
        first, second = connection.answer(), connection.answer()
        assert connection.is_ended()
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (200, 431)
