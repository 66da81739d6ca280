"""Clients that send nothing or very little, or do not read their answers."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from msgcenter.cli.server.http_edge import CLOSING_LIMIT
from tests.attacks.sockets import assert_serving, connect, exchange, request, wait_until_serving
from tests.conftest import SERVE, Server, running_program, running_server, server_environment

HEADER, BODY, KEEP_ALIVE = 2, 3, 4
LATE = 15
"""How late a limit may take effect, in seconds: a busy machine is slow, but the defaults of the limits are longer."""
LIMIT = 40
CHUNKED = b"POST /apigateway/getAccessToken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with short limits for headers and bodies."""
    times = {"HEADER_TIMEOUT": str(HEADER), "BODY_TIMEOUT": str(BODY)}
    with running_server(shared_database, tmp_path_factory.mktemp("hasty"), **times) as started:
        yield started


@pytest.fixture(scope="module")
def small(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that accepts few connections. Those that are never used outlast what a test does meanwhile."""
    limits = {"CONNECTION_LIMIT": str(LIMIT), "HEADER_TIMEOUT": "10", "KEEP_ALIVE": str(KEEP_ALIVE)}
    with running_server(shared_database, tmp_path_factory.mktemp("small"), **limits) as started:
        yield started


def test_a_connection_that_is_never_used_ends_without_an_answer(hasty: Server) -> None:
    began = time.monotonic()
    with connect(hasty.url) as connection:
        assert connection.answer() is None
    assert HEADER - 0.2 < time.monotonic() - began < HEADER + LATE


@pytest.mark.parametrize("before", [b"", request("GET", "/healthz")], ids=["first request", "second request"])
def test_a_header_that_trickles_in_is_408(hasty: Server, before: bytes) -> None:
    began = time.monotonic()
    with connect(hasty.url) as connection:
        if before:
            connection.send(before)
            assert connection.answer() is not None
            time.sleep(HEADER + 0.5)  # an idle connection between requests has the keep-alive limit only
            began = time.monotonic()
        connection.trickle(request("GET", "/healthz", "X: " + "a" * 1_000), 0.2)
        took = time.monotonic() - began
        answer = connection.answer()
    assert HEADER - 0.2 < took < HEADER + LATE
    assert answer is not None
    assert answer.status == 408
    assert answer.envelope["retCode"] == "100003"
    assert str(HEADER) in answer.envelope["retDesc"]


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(request("POST", "/apigateway/getAccessToken", "Content-Length: 9"), id="none of it"),
        pytest.param(request("POST", "/apigateway/getAccessToken", "Content-Length: 9") + b"{", id="a part of it"),
        pytest.param(CHUNKED + b"9\r\n{", id="a part of a chunk"),
        pytest.param(CHUNKED + b"1\r\n{\r\n0\r\n", id="all but the end"),
    ],
)
def test_a_body_that_does_not_come_is_408(hasty: Server, start: bytes) -> None:
    began = time.monotonic()
    with connect(hasty.url) as connection:
        connection.send(start)
        answer = connection.answer()
        took = time.monotonic() - began
        assert connection.is_ended()
    assert answer is not None
    assert answer.status == 408
    assert answer.envelope["retCode"] == "100003"
    assert BODY - 0.2 < took < BODY + LATE


def test_bytes_without_content_are_no_progress(hasty: Server) -> None:
    with connect(hasty.url) as connection:
        connection.send(CHUNKED + b"9;")
        took = connection.trickle(b"a" * 1_000, 0.2)
        answer = connection.answer()
    assert took < BODY + LATE
    assert answer is not None
    assert answer.status == 408


def test_a_slow_body_that_continues_is_read(hasty: Server) -> None:
    body = json.dumps({"appId": 1}).encode()
    with connect(hasty.url) as connection:
        connection.send(request("POST", "/apigateway/getAccessToken", f"Content-Length: {len(body)}"))
        began = time.monotonic()
        for start in range(0, len(body), 2):
            time.sleep(BODY / 4)
            connection.send(body[start : start + 2])
        assert time.monotonic() - began > BODY
        answer = connection.answer()
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["no body", "a body after the answer"])
def test_a_connection_rests_for_as_long_as_the_setting_says(small: Server, body: bytes) -> None:
    with connect(small.url) as connection:
        began = time.monotonic()
        connection.send(request("PUT", "/msgCenter/message/sendMsg", f"Content-Length: {len(body)}"))
        assert connection.answer() is not None
        connection.send(body)
        assert connection.is_ended(KEEP_ALIVE + LATE)
        assert time.monotonic() - began > KEEP_ALIVE - 0.2


def test_line_ends_do_not_keep_a_connection(hasty: Server) -> None:
    with connect(hasty.url) as connection:
        connection.send(request("GET", "/healthz"))
        assert connection.answer() is not None
        assert connection.trickle(b"\r\n" * 500, 0.2) < HEADER + LATE


def test_a_client_that_does_not_read_its_answers_is_disconnected(hasty: Server) -> None:
    with connect(hasty.url) as connection:
        connection.send(request("GET", "/openapi.json") * 99)
        began = time.monotonic()
        while connection.send(b"\r\n"):
            time.sleep(0.2)
            assert time.monotonic() - began < 3 * BODY + LATE
    assert_serving(hasty)


def test_connections_over_the_limit_get_an_answer_and_one_log_line(small: Server) -> None:
    held = [connect(small.url) for _ in range(LIMIT)]
    try:
        for _ in range(3 * LIMIT):
            with connect(small.url) as connection:
                connection.send(request("GET", "/healthz"))
                answer = connection.answer()
                assert answer is not None
                assert answer.status == 503
                assert answer.headers["connection"] == "close"
                assert answer.headers["retry-after"]
                assert answer.envelope["retCode"] == "500004"
    finally:
        for connection in held:
            connection.close()
    wait_until_serving(small.url)
    lines = [line for line in small.output if "all connections are in use" in line]
    assert len(lines) == 1
    assert "MSGCENTER_CONNECTION_LIMIT" in lines[0]


def test_silent_connections_make_room_in_time(small: Server) -> None:
    held = [connect(small.url) for _ in range(2 * LIMIT)]
    wait_until_serving(small.url)
    for connection in held:
        connection.close()


def test_connections_that_are_turned_away_do_not_pile_up(small: Server) -> None:
    held = [connect(small.url) for _ in range(1_000)]
    sockets = psutil.Process(small.process.pid).net_connections("tcp")
    assert len(sockets) < LIMIT + CLOSING_LIMIT + 20  # some are connections to the database
    for connection in held:
        connection.close()
    wait_until_serving(small.url)


@contextmanager
def limited_server(database_url: str, folder: Path, files: str, **settings: str) -> Iterator[Server]:
    """Run a server with a limit of open files: `soft:hard`, or one number for both."""
    environment = server_environment(database_url, folder, settings)
    with running_program(["prlimit", f"--nofile={files}", *SERVE], environment) as started:
        yield started


def test_1100_silent_connections_do_not_use_up_1024_files(shared_database: str, tmp_path: Path) -> None:
    with limited_server(shared_database, tmp_path, "1024", HEADER_TIMEOUT="10") as server:
        assert sum("ulimit -n is too low" in line and "LimitNOFILE" in line for line in server.output) == 1
        held = [connect(server.url) for _ in range(1_100)]
        answer = exchange(server.url, request("GET", "/healthz"))
        assert answer is not None
        assert answer.status == 503
        assert answer.envelope["retCode"] == "500004"
        wait_until_serving(server.url)
        for silent in held:
            silent.close()
        assert sum("all connections are in use" in line for line in server.output) == 1


def test_a_server_uses_the_allowed_number_of_open_files(shared_database: str, tmp_path: Path) -> None:
    with limited_server(shared_database, tmp_path, "256:2000", CONNECTION_LIMIT="1000") as server:
        assert psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (1_274, 2_000)
        assert not any("ulimit" in line for line in server.output)
        held = [connect(server.url) for _ in range(500)]
        assert_serving(server)
        for silent in held:
            silent.close()
