"""Requests without a Host header, or with two (RFC 9112, 3.2)."""

import pytest

from tests.attacks.sockets import assert_serving, connect, exchange, request
from tests.conftest import Server


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(request("GET", "/healthz", host=None), id="no host"),
        pytest.param(request("GET", "/healthz", "Host: other.example"), id="two hosts"),
        pytest.param(request("GET", "/healthz", "host: msg.example"), id="the same host twice"),
        pytest.param(request("GET", "/healthz", host="a b"), id="a space in it"),
        pytest.param(request("GET", "/healthz", host="user@msg.example"), id="a user in it"),
        pytest.param(request("GET", "/healthz", host="msg.example/x"), id="a path in it"),
        pytest.param(b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", id="two hosts in HTTP 1.0"),
    ],
)
def test_a_request_without_exactly_one_host_is_refused(target: Server, request_bytes: bytes) -> None:
    with connect(target.url) as connection:
        connection.send(request_bytes)
        answer = connection.answer()
        assert answer is not None
        assert answer.status == 400
        assert answer.headers["connection"] == "close"
        assert answer.envelope["retCode"] == "100003"
        assert "Host" in answer.envelope["retDesc"]
        assert connection.is_ended()
    assert_serving(target)


@pytest.mark.parametrize("host", ["msg.example", "msg.example:8080", "[::1]:8080", "127.0.0.1", "xn--fiqs8s", ""])
def test_a_request_with_one_host_is_answered(target: Server, host: str) -> None:
    answer = exchange(target.url, request("GET", "/healthz", host=host))
    assert answer is not None
    assert answer.status == 200


def test_clients_of_http_1_0_need_no_host(target: Server) -> None:
    answer = exchange(target.url, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answer is not None
    assert answer.status == 200
