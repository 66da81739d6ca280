"""Many requests at once on one connection."""

import pytest

from tests.attacks.sockets import MIB, Cost, assert_serving, connect, flood, measured, request
from tests.conftest import Server


def test_a_hundred_pipelined_requests_are_answered_in_order(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(b"".join(request("GET", "/healthz", f"X-Request-Id: {number}") for number in range(100)))
        answers = [connection.answer() for _ in range(100)]
    assert [answer.headers["x-request-id"] if answer else None for answer in answers] == list(map(str, range(100)))


@pytest.mark.parametrize("filler", [b"", b"{}" * 200])
def test_requests_with_bodies_follow_each_other(target: Server, filler: bytes) -> None:
    plain = request("POST", "/msgCenter/message/sendMsg", body=filler or b"{}")
    chunks = (
        b"POST /msgCenter/message/sendMsg HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    with connect(target.url) as connection:
        connection.send((plain + chunks) * 40)
        answers = [connection.answer() for _ in range(80)]
    assert {answer.envelope["retCode"] if answer else None for answer in answers} == {"200001"}


def test_a_flood_of_requests_whose_answers_are_not_read(target: Server) -> None:
    costs: list[Cost] = []
    with measured(target.process.pid, costs), connect(target.url) as connection:
        connection.socket.settimeout(5)  # it does not take more
        flood(connection, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n" * 3_000, 64 * MIB)
        assert_serving(target, 5)
    assert costs[0].memory < 32 * MIB
