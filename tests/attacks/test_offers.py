"""Requests that offer another protocol are answered in HTTP/1.1, however their heads are split."""

import pytest

from tests.attacks.sockets import connect, request
from tests.conftest import Server

OFFERS = {
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk"),
    "websocket": ("Connection: keep-alive, Upgrade", "upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "h2c without a space": ("Connection:upgrade", "UPGRADE:h2c"),
    "something": ("Upgrade: something/1, h2c", "Connection: upgrade"),
}
BODY = b'{"appId":"nobody","timeStamp":"1","keyInfo":"\\u0041"}\r\nUpgrade: h2c\r\n'
FOLLOWS = request("GET", "/healthz")


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_body_is_read_and_the_connection_continues(
    target: Server, offer: tuple[str, ...], *, is_chunked: bool
) -> None:
    if is_chunked:
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
        sent = request("POST", "/apigateway/getAccessToken", *offer, "Transfer-Encoding: chunked") + chunks
    else:
        sent = request("POST", "/apigateway/getAccessToken", *offer, body=BODY)
    with connect(target.url) as connection:
        for _ in range(2):
            connection.send(sent + FOLLOWS)
            first, second = connection.answer(), connection.answer()
            assert first is not None
            assert first.envelope["retCode"].startswith("1")  # text in the body
            assert second is not None
            assert second.status == 200


def test_an_offer_split_in_two_at_every_byte(target: Server) -> None:
    sent = request("POST", "/apigateway/getAccessToken", *OFFERS["h2c"], body=b'{"appId":1}')
    with connect(target.url) as connection:
        for cut in range(1, len(sent)):
            connection.send(sent[:cut])
            connection.send(sent[cut:])
            answer = connection.answer()
            assert answer is not None
            assert answer.envelope["retCode"] in {"100002", "100003"}


def test_an_offer_that_comes_byte_by_byte(target: Server) -> None:
    sent = request("POST", "/apigateway/getAccessToken", *OFFERS["h2c"], body=b'{"appId":1}')
    with connect(target.url) as connection:
        for byte in sent:
            connection.send(bytes([byte]))
        answer = connection.answer()
    assert answer is not None
    assert answer.envelope["retCode"] in {"100002", "100003"}


def test_a_text_that_looks_like_an_offer_is_a_text(target: Server) -> None:
    """A body is never changed."""
    form = b"grant_type=x\r\nUpgrade: h2c\r\n&client_id=y"
    with connect(target.url) as connection:
        connection.send(request("POST", "/oauth2/token", "Accept-Language: en", body=form))
        answer = connection.answer()
    assert answer is not None
    assert b"ignored" not in answer.body
