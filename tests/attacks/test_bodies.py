"""Bodies in chunks: endless extensions and trailers, tiny chunks, fields that come after the body."""

import json
from collections.abc import Iterator

import pytest

from tests.attacks.sockets import MIB, Answer, Cost, RawConnection, assert_serving, connect, flood, measured, request
from tests.conftest import Credentials, Server

CHUNKED = b"POST /msgCenter/message/sendMsg HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = "/apigateway/getAccessToken"


def refused(connection: RawConnection) -> Answer:
    """Return the refusal, after which the server must end the connection."""
    answer = connection.answer()
    assert answer is not None
    assert connection.is_ended()
    return answer


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"2;", id="an extension"),
        pytest.param(b"2;name=", id="the value of an extension"),
        pytest.param(b'2;name="', id="a quoted extension"),
        pytest.param(b"0\r\nX: ", id="a trailer"),
        pytest.param(b"0\r\n", id="the name of a trailer"),
    ],
)
def test_64_mib_without_content_are_not_buffered(target: Server, start: bytes) -> None:
    costs: list[Cost] = []
    with measured(target.process.pid, costs), connect(target.url) as connection:
        connection.send(CHUNKED + start)
        flood(connection, b"a" * (1 << 16), 64 * MIB)
        answer = refused(connection)
        assert_serving(target)
    # The call may have been answered before the flood was noticed: a missing token is refused without the body.
    assert answer.status in {200, 400}
    assert answer.envelope["retCode"] in {"200001", "100004"}
    assert costs[0].memory < 8 * MIB
    assert costs[0].cpu < 1


def test_endless_extensions_of_small_chunks(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(CHUNKED.replace(b"/msgCenter/message/sendMsg", TOKEN.encode()))
        sent = flood(connection, (b"1;" + b"a" * 1_000 + b"\r\nx\r\n") * 60, 32 * MIB)
        answer = refused(connection)
    assert answer.status == 400
    assert answer.envelope["retCode"] == "100004"
    assert sent < 32 * MIB


def test_endless_trailer_fields(target: Server) -> None:
    costs: list[Cost] = []
    with measured(target.process.pid, costs), connect(target.url) as connection:
        connection.send(CHUNKED.replace(b"/msgCenter/message/sendMsg", TOKEN.encode()) + b"0\r\n")
        flood(connection, b"X: a\r\n" * 10_000, 32 * MIB)
        answer = refused(connection)
    assert answer.status == 400
    assert costs[0].memory < 8 * MIB


def test_a_body_of_tiny_chunks_is_read(target: Server) -> None:
    content = json.dumps({"appId": "a" * 50_000}).encode()
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
    costs: list[Cost] = []
    with measured(target.process.pid, costs), connect(target.url) as connection:
        connection.send(CHUNKED.replace(b"/msgCenter/message/sendMsg", TOKEN.encode()) + body)
        answer = connection.answer()
        connection.send(request("GET", "/healthz"))
        after = connection.answer()
    assert answer is not None
    assert answer.status == 200
    assert answer.envelope["retCode"].startswith("1")
    assert after is not None
    assert after.status == 200
    assert costs[0].cpu < 1


def test_others_are_served_during_a_flood_of_tiny_chunks(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(CHUNKED.replace(b"/msgCenter/message/sendMsg", TOKEN.encode()))
        connection.send(b"1\r\nx\r\n" * 200_000)
        assert_serving(target)


def tokens_and_trailers(app: Credentials) -> Iterator[bytes]:
    """Return a token request in chunks, with trailers that would change its answer if they were read as headers."""
    form = f"grant_type=client_credentials&client_id={app.app_id}&client_secret={app.app_key}".encode()
    yield b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    yield b"X-Request-Id: mine\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield b"%x\r\n%b\r\n0\r\n" % (len(form), form)
    yield b"X-Request-Id: smuggled\r\nAuthorization: Basic eDp5\r\nHost: b\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"


@pytest.mark.parametrize("is_split", [False, True])
def test_trailers_do_not_become_headers(target: Server, app: Credentials, *, is_split: bool) -> None:
    pieces = list(tokens_and_trailers(app))
    with connect(target.url) as connection:
        for piece in pieces if is_split else [b"".join(pieces)]:
            connection.send(piece)
        answer = connection.answer()
    assert answer is not None
    assert answer.headers["x-request-id"] == "mine"
    assert json.loads(answer.body)["access_token"]


def test_a_body_may_continue_after_its_answer_up_to_a_limit(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(request("POST", TOKEN, "Content-Length: 999999999999"))
        sent = flood(connection, b" " * (1 << 16), 128 * MIB)
        assert sent < 128 * MIB
    assert_serving(target)


EARLY = "/msgCenter/message/sendMsg"
"""Without a token, its requests are answered before their bodies are read."""


@pytest.mark.parametrize(("path", "sent", "code"), [(EARLY, 7 * MIB, "200001"), (TOKEN, 9 * MIB, "100004")])
def test_an_answer_before_the_end_of_a_long_body_closes_the_connection(
    target: Server, path: str, sent: int, code: str
) -> None:
    with connect(target.url) as connection:
        connection.send(request("POST", path, f"Content-Length: {12 * MIB}") + b" ")
        assert flood(connection, b" " * (1 << 16), sent) == sent, "the answer is lost if bytes are not read"
        answer = refused(connection)
    assert answer.envelope["retCode"] == code
    assert answer.headers["connection"] == "close"


def test_an_answer_before_the_end_of_a_body_in_chunks_closes_the_connection(target: Server) -> None:
    with connect(target.url) as connection:
        connection.send(CHUNKED + b"2\r\n{}\r\n")
        answer = refused(connection)
    assert answer.envelope["retCode"] == "200001"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", [EARLY, TOKEN])
def test_a_connection_goes_on_after_a_body_that_was_received_whole(target: Server, path: str) -> None:
    short = request("POST", path, body=b" " * 3 * MIB)
    chunks = CHUNKED.replace(b"/msgCenter/message/sendMsg", path.encode()) + b"2\r\n{}\r\n0\r\n\r\n"
    with connect(target.url) as connection:
        for sent in (short, chunks, short):
            connection.send(sent)
            answer = connection.answer()
            assert answer is not None
            assert "connection" not in answer.headers
