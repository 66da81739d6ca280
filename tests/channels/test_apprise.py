"""Apprise: a real service of it, an HTTP server with JSON."""

import pytest

from msgcenter.channels.registry import label_of, open_gateway, parse_config
from msgcenter.domain.refusal import Refusal
from msgcenter.outbound.network import Network
from tests.channels.fake_server import FakeServer, reply
from tests.channels.notes import parcel, send


async def test_a_note_reaches_each_service(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply({})
    made = parse_config("apprise", "", {"urls": f"json://{server.host}/a  json://{server.host}/b"})
    (outcome,) = await send(open_gateway(made, network), parcel(""))
    assert outcome.verdict == "accepted"
    assert sorted(server.paths()) == ["/a", "/b"]
    content = server.calls[0].json
    assert (content["title"], content["message"].splitlines()[-1]) == (
        "放假通知",
        "https://msg.example/inbox#link=abc&x=1",
    )


async def test_a_service_that_refuses_is_tried_later(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply({}, 500)
    made = parse_config("apprise", "", {"urls": f"json://{server.host}/a"})
    (outcome,) = await send(open_gateway(made, network), parcel(""))
    assert (outcome.verdict, outcome.pause_ms, outcome.reason != "") == ("later", 30_000, True)


def test_the_label_has_no_secrets() -> None:
    made = parse_config("apprise", "", {"urls": "json://user:secret@host.example/token"})
    assert label_of(made) == "json://…"
    assert "secret" not in repr(made)


@pytest.mark.parametrize("urls", ["", "x", "https", "nonsense://x", "json://a " * 21])
def test_wrong_urls_are_refused(urls: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("apprise", "", {"urls": urls})
    assert refused.value.data["field"] == "urls"
