"""E-mail: the conversation with a real SMTP server, and the meaning of its answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.outbound.network import Network
from tests.channels.mail_server import DROP, OK, MailServer, mail_server
from tests.channels.notes import parcel, send


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A server without encryption."""
    async with mail_server() as running:
        yield running


def config(server: MailServer, **fields: str) -> Any:
    values = {"from": "学校 <no-reply@school.example>", "security": "none", "host": "127.0.0.1", **fields}
    return parse_config("email", "smtp", {**values, "port": str(server.port)})


async def test_a_mail_is_delivered(server: MailServer, network: Network) -> None:
    server.data_answer = lambda _: "250 2.0.0 OK queued as 4bXq17"
    (outcome,) = await send(open_gateway(config(server), network), parcel("li@home.example"))
    assert outcome == ("accepted", "", "2.0.0 OK queued as 4bXq17", 0, False)
    (mail,) = server.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("no-reply@school.example", ["li@home.example"])


async def test_many_mails_use_one_connection(server: MailServer, network: Network) -> None:
    parcels = [parcel(f"user{number}@home.example", f"k{number}") for number in range(20)]
    outcomes = await send(open_gateway(config(server), network), *parcels)
    assert {outcome.verdict for outcome in outcomes} == {"accepted"}
    assert (len(server.mails), server.connections) == (20, 1)


async def test_mails_at_the_same_time_take_turns(server: MailServer, network: Network) -> None:
    async with open_gateway(config(server), network) as gateway:
        await asyncio.gather(*(gateway.send(parcel(f"user{number}@home.example")) for number in range(10)))
    assert (len(server.mails), server.connections) == (10, 1)


async def test_a_refused_address_does_not_end_the_connection(server: MailServer, network: Network) -> None:
    server.rcpt_answer = lambda address: "550 5.1.1 unknown" if address.startswith("bad") else OK
    parcels = [parcel(f"{name}@home.example") for name in ("a", "bad", "b", "bad2", "c")]
    outcomes = await send(open_gateway(config(server), network), *parcels)
    assert [outcome.verdict for outcome in outcomes] == ["accepted", "never", "accepted", "never", "accepted"]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("450 4.2.0 greylisted", ("later", 0, False)),
        ("452 4.2.2 mailbox full", ("later", 0, False)),
        ("421 4.7.0 too many", ("later", 30_000, False)),
        ("550 5.1.1 no such user", ("never", 0, True)),
        ("550 no such user here", ("never", 0, True)),
        ("553 5.1.3 bad syntax", ("never", 0, True)),
        ("554 5.2.1 mailbox disabled", ("never", 0, True)),
        ("552 5.2.2 mailbox full", ("never", 0, False)),
        ("550 5.7.1 blocked by policy", ("never", 0, False)),
        ("530 5.7.0 log in first", ("later", 600_000, False)),
        (DROP, ("later", 30_000, False)),
    ],
)
async def test_an_answer_about_the_address_is_classified(
    server: MailServer, network: Network, answer: str, expected: tuple[str, int, bool]
) -> None:
    server.rcpt_answer = lambda _: answer
    (outcome,) = await send(open_gateway(config(server), network), parcel("li@home.example"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected
    assert answer == DROP or outcome.reason == f"the address was refused: {answer}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 4.3.0 try again", ("later", 0, False)),
        ("421 4.3.2 shutting down", ("later", 30_000, False)),
        ("554 5.7.1 spam", ("never", 0, False)),
        ("552 5.3.4 too large", ("never", 0, False)),
        (DROP, ("later", 30_000, False)),
    ],
)
async def test_an_answer_about_the_mail_is_classified(
    server: MailServer, network: Network, answer: str, expected: tuple[str, int, bool]
) -> None:
    server.data_answer = lambda _: answer
    (outcome,) = await send(open_gateway(config(server), network), parcel("li@home.example"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


@pytest.mark.parametrize(
    ("answer", "pause"), [("550 5.1.8 sender unknown", 600_000), ("451 4.3.0 busy", 30_000), (DROP, 30_000)]
)
async def test_a_refused_sender_pauses_the_gateway(
    server: MailServer, network: Network, answer: str, pause: int
) -> None:
    server.mail_answer = lambda _: answer
    (outcome,) = await send(open_gateway(config(server), network), parcel("li@home.example"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == ("later", pause, False)


@pytest.mark.parametrize("answer", ["421 4.7.0 too many mails in this connection", DROP])
async def test_a_connection_that_the_server_closes_is_renewed(
    server: MailServer, network: Network, answer: str
) -> None:
    server.mail_answer = lambda number: answer if number == 2 else OK
    parcels = [parcel(f"user{number}@home.example") for number in range(4)]
    outcomes = await send(open_gateway(config(server), network), *parcels)
    assert [outcome.verdict for outcome in outcomes] == ["accepted"] * 4
    assert (len(server.mails), server.connections) == (4, 2)


async def test_a_connection_breaks_off_and_the_next_mail_has_a_new_one(server: MailServer, network: Network) -> None:
    server.data_answer = lambda number: DROP if number == 0 and server.connections == 1 else OK
    outcomes = await send(open_gateway(config(server), network), parcel("a@home.example"), parcel("b@home.example"))
    assert [outcome.verdict for outcome in outcomes] == ["later", "accepted"]


async def test_an_idle_connection_is_tried_before_it_is_used(
    server: MailServer, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msgcenter.channels.smtp._IDLE_SECONDS", 0)
    outcomes = await send(open_gateway(config(server), network), *[parcel("a@home.example")] * 3)
    assert {outcome.verdict for outcome in outcomes} == {"accepted"}
    assert server.connections == 1


async def test_a_connection_is_renewed_after_many_mails(
    server: MailServer, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msgcenter.channels.smtp._MAILS_PER_CONNECTION", 2)
    await send(open_gateway(config(server), network), *[parcel("a@home.example")] * 5)
    assert (len(server.mails), server.connections) == (5, 3)


async def test_a_cancelled_mail_leaves_no_half_conversation(server: MailServer, network: Network) -> None:
    waiting = asyncio.Event()

    def slow(number: int) -> str:
        waiting.set()
        return "450 4.0.0 wait" if number else OK

    server.data_answer = slow
    async with open_gateway(config(server), network) as gateway:
        task = asyncio.create_task(gateway.send(parcel("a@home.example")))
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
        server.data_answer = lambda _: OK
        assert (await gateway.send(parcel("b@home.example"))).verdict == "accepted"
    assert server.mails[-1].rcpt_tos == ["b@home.example"]


async def test_a_server_that_is_down_pauses_the_gateway(network: Network) -> None:
    made = parse_config("email", "", {"smtp": "smtp://127.0.0.1:9?security=none", "from": "a@school.example"})
    (outcome,) = await send(open_gateway(made, network), parcel("li@home.example"))
    assert (outcome.verdict, outcome.pause_ms) == ("later", 30_000)


async def test_a_server_that_refuses_everybody_pauses_the_gateway(network: Network) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 no service here\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        made = parse_config("email", "", {"smtp": f"smtp://127.0.0.1:{port}?security=none", "from": "a@school.example"})
        (outcome,) = await send(open_gateway(made, network), parcel("li@home.example"))
    assert (outcome.verdict, outcome.pause_ms) == ("later", 30_000)
    assert "no service here" in outcome.reason


async def test_a_server_that_says_nothing_times_out(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msgcenter.channels.smtp._TIMEOUT", 0.3)

    is_over = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        is_over.set()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        made = parse_config("email", "", {"smtp": f"smtp://127.0.0.1:{port}?security=none", "from": "a@school.example"})
        (outcome,) = await send(open_gateway(made, network), parcel("li@home.example"))
        await is_over.wait()
    assert outcome == ("later", "the mail server does not answer", "", 30_000, False)


async def test_a_server_on_this_machine_is_not_called(server: MailServer, public_network: Network) -> None:
    (outcome,) = await send(open_gateway(config(server), public_network), parcel("li@home.example"))
    assert outcome == ("later", "the host's address is not public", "", 600_000, False)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "li",
        "li@",
        "@home.example",
        "li@home.example\r\nRCPT TO:<x@y>",
        "李@home.example",
        "a@b, c@d",
        "x" * 251 + "@a.b",
    ],
)
async def test_what_is_no_address_is_not_sent(server: MailServer, network: Network, address: str) -> None:
    (outcome,) = await send(open_gateway(config(server), network), parcel(address))
    assert outcome == ("never", "not a mail address", "", 0, True)
    assert server.peers == []
