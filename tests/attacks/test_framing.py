"""Requests whose end is ambiguous, and bytes that are not HTTP: 400 and the end of the connection."""

import pytest

from tests.attacks.sockets import assert_serving, connect, exchange, request
from tests.conftest import Server

POST = "POST /msgCenter/message/sendMsg HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
WRONG = {
    "two content lengths": POST + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two different content lengths": POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a list of content lengths": POST + "Content-Length: 2, 2\r\n\r\n{}",
    "content length, then chunked": POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then content length": POST + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "a signed content length": POST + "Content-Length: +2\r\n\r\n{}",
    "a negative content length": POST + "Content-Length: -2\r\n\r\n{}",
    "a hexadecimal content length": POST + "Content-Length: 0x2\r\n\r\n{}",
    "a content length over 64 bits": POST + "Content-Length: 99999999999999999999\r\n\r\n{}",
    "an empty content length": POST + "Content-Length: \r\n\r\n{}",
    "gzip besides chunked": POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two transfer encodings": POST + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no such transfer encoding": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP 1.0": "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded field": POST + "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a folded first field": "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
    "bare line feeds": "GET /healthz HTTP/1.1\nHost: a\n\n",
    "a bare line feed in the head": "GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare carriage return": "GET /healthz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a NUL in a value": "GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a NUL in a name": "GET /healthz HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n",
    "a NUL in the path": "GET /healthz\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a byte over 127 in the path": "GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a field without a name": "GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "a field without a colon": "GET /healthz HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    "HTTP 0.9": "GET /healthz\r\n\r\n",
    "HTTP 0.9, written out": "GET /healthz HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP 2.0": "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP 1.2": "GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP 2 without an offer": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no such version": "GET /healthz HTTP/x\r\nHost: a\r\n\r\n",
    "http in lower case": "GET /healthz http/1.1\r\nHost: a\r\n\r\n",
    "no such method": "FETCH /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": "get /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL that is none": "GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a chunk size with a sign": CHUNKED + "+2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with 0x": CHUNKED + "0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a space": CHUNKED + "2 \r\n{}\r\n0\r\n\r\n",
    "a chunk size over 64 bits": CHUNKED + "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + "-2\r\n{}\r\n0\r\n\r\n",
    "a chunk that is too long": CHUNKED + "2\r\n{}x\r\n0\r\n\r\n",
    "line feeds around chunks": CHUNKED + "2\n{}\n0\n\n",
    "a line feed in a chunk extension": CHUNKED + "2;a=\nb\r\n{}\r\n0\r\n\r\n",
    "a field without a colon among the trailers": CHUNKED + "2\r\n{}\r\n0\r\nX\r\n\r\n",
}


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG)
def test_an_ambiguous_request_is_refused_and_nothing_after_it_is_read(target: Server, sent: str) -> None:
    smuggled = request("GET", "/healthz")
    with connect(target.url) as connection:
        connection.send(sent.encode("latin-1") + smuggled)
        answer = connection.answer()
        assert answer is not None
        assert answer.status == 400
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.headers["x-request-id"]
        assert answer.envelope["retCode"] == "100003"
        assert connection.answer() is None, "a later request was answered"


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG)
def test_a_refusal_waits_for_the_answer_to_an_earlier_request(target: Server, sent: str) -> None:
    with connect(target.url) as connection:
        connection.send(request("GET", "/readyz") * 3 + sent.encode("latin-1"))
        statuses = [answer.status if (answer := connection.answer()) else None for _ in range(5)]
    assert statuses == [200, 200, 200, 400, None]


def test_refusals_are_not_logged(target: Server) -> None:
    before = len(target.output)
    for sent in WRONG.values():
        exchange(target.url, sent.encode("latin-1"))
    assert_serving(target)
    assert target.output[before:] == []


def test_a_refusal_has_the_clients_request_id(target: Server) -> None:
    answer = exchange(target.url, request("GET", "/healthz", "X-Request-Id: mine", host="a b"))
    assert answer is not None
    assert answer.headers["x-request-id"] == "mine"
