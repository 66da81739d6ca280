"""E-mail: TLS, STARTTLS and the log-in."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from msgcenter.channels.face import Outcome
from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.outbound.network import Network
from tests.channels.mail_server import MailServer, certificate, mail_server
from tests.channels.notes import parcel, send


@pytest.fixture(scope="module")
def made_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine."""
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def context(made_certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The context of a server whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made_certificate[0]))
    return made_certificate[1]


@pytest.fixture
async def school(context: ssl.SSLContext) -> AsyncIterator[MailServer]:
    """A server with STARTTLS at which users log in."""
    async with mail_server(starttls=context, password="p@ss:word") as running:
        yield running


async def send_by(url: str, network: Network) -> Outcome:
    made: Any = parse_config("email", "", {"smtp": url, "from": "no-reply@school.example"})
    (outcome,) = await send(open_gateway(made, network), parcel("li@home.example"))
    return outcome


async def test_starttls_and_a_log_in(school: MailServer, network: Network) -> None:
    outcome = await send_by(f"smtp://school:p%40ss%3Aword@localhost:{school.port}", network)
    assert outcome.verdict == "accepted"
    assert len(school.mails) == 1


async def test_tls(context: ssl.SSLContext, network: Network) -> None:
    async with mail_server(tls=context) as running:
        assert (await send_by(f"smtps://localhost:{running.port}", network)).verdict == "accepted"


@pytest.mark.parametrize("login", ["school:wrong", "other:p%40ss%3Aword"])
async def test_a_wrong_log_in_pauses_the_gateway(school: MailServer, network: Network, login: str) -> None:
    outcome = await send_by(f"smtp://{login}@localhost:{school.port}", network)
    assert (outcome.verdict, outcome.pause_ms) == ("later", 600_000)
    assert outcome.reason.startswith("the log-in failed: 535")
    assert "wrong" not in outcome.reason


async def test_a_missing_log_in_pauses_the_gateway(school: MailServer, network: Network) -> None:
    outcome = await send_by(f"smtp://localhost:{school.port}", network)
    assert (outcome.verdict, outcome.pause_ms) == ("later", 600_000)


async def test_an_untrusted_certificate_is_refused(
    school: MailServer, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    outcome = await send_by(f"smtp://school:p%40ss%3Aword@localhost:{school.port}", network)
    assert (outcome.verdict, school.mails) == ("later", [])
    assert outcome.pause_ms > 0


async def test_a_server_without_starttls_gets_no_mail(network: Network) -> None:
    async with mail_server() as running:
        outcome = await send_by(f"smtp://school:secret@localhost:{running.port}", network)
        assert (outcome.verdict, outcome.pause_ms, running.mails) == ("later", 600_000, [])
