"""The pages about gateways of channels."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from msgcenter.store.apps.platforms import ensure_platform
from tests.conftest import SharedConnections
from tests.portal.conftest import Visitor
from tests.portal.test_directory import text_of
from tests.smtp_sink import SmtpSink, smtp_sink

HOME = "/operator/channels"
PASSWORD = "correct horse"


@pytest.fixture
def platform(shared_connections: SharedConnections) -> str:
    """A platform."""
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(shared_connections.database.in_transaction(ensure_platform, code, code, 1, cells=1))
    return code


@pytest.fixture
def mail() -> Iterator[SmtpSink]:
    """A mail server on this machine."""
    with smtp_sink() as sink:
        yield sink


def path(platform: str, page: str = "/gateway", channel: str = "email", **query: str) -> str:
    """Return the path of a page about a gateway."""
    return f"{HOME}{page}?{urlencode({'platform': platform, 'channel': channel, **query})}"


def fields(**more: str) -> dict[str, str]:
    """Return the fields of the form."""
    values = {"host": "127.0.0.1", "port": "25", "security": "none", "from": "no-reply@s.example", "reply_to": ""}
    values |= {"user": "", "password": ""}
    limits = {name: more.pop(name) for name in ("rate", "daily_limit") if name in more}
    return (
        {f"field-{name}": value for name, value in (values | more).items()} | {"rate": "5", "daily_limit": ""} | limits
    )


def test_a_gateway_is_set_up_tested_turned_off_and_removed(operator: Visitor, platform: str, mail: SmtpSink) -> None:
    assert "Not set up" in operator.get(f"{HOME}?platform={platform}").text
    page = path(platform)
    saved = operator.post(page, **fields(port=str(mail.port)))
    assert saved.status_code == 303
    answer = operator.post(path(platform, "/test"), page=page, address="wang@school.example")
    assert "The gateway has accepted the test message" in answer.text
    assert [it.to for it in mail.mails] == ["wang@school.example"]
    mail.answer_to = lambda _: "550 5.1.1 no such user"
    answer = operator.post(path(platform, "/test"), page=page, address="wang@school.example")
    assert "no such user" in answer.text
    assert "Last problem" in operator.get(f"{HOME}?platform={platform}").text
    assert operator.post(path(platform, "/off"), page=page, off="1").status_code == 303
    assert "Turn on" in operator.get(page).text
    assert operator.post(path(platform, "/remove"), page=page).status_code == 303
    assert "Not set up" in operator.get(f"{HOME}?platform={platform}").text
    log = text_of(operator.get(f"/operator/audit?q={platform}").text)
    assert "Gateway of a channel removed" in log


def test_a_secret_is_not_shown_and_an_empty_one_keeps_it(operator: Visitor, platform: str) -> None:
    page = path(platform)
    assert operator.post(page, **fields(user="school", password=PASSWORD)).status_code == 303
    shown = operator.get(page).text
    assert PASSWORD not in shown
    assert "Set; leave it empty to keep it" in shown
    assert operator.post(page, **fields(user="school", reply_to="it@s.example")).status_code == 303
    assert "Set; leave it empty to keep it" in operator.get(page).text
    refused = operator.post(page, **fields(user="school", host="elsewhere.example"))
    assert refused.status_code == 422
    assert "must be entered again" in refused.text
    assert PASSWORD not in refused.text


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"port": "0"}, "wrong-field-port"),
        ({"from": "nobody"}, "wrong-field-from"),
        ({"host": ""}, "wrong-field-host"),
        ({"rate": "fast"}, "wrong-rate"),
        ({"rate": "0"}, "wrong-rate"),
        ({"daily_limit": "some"}, "wrong-daily_limit"),
    ],
)
def test_a_wrong_field_is_named_beside_it(operator: Visitor, platform: str, more: dict[str, str], rule: str) -> None:
    page = path(platform)
    refused = operator.post(page, **fields(**more))
    assert refused.status_code == 422
    assert f'id="{rule}"' in refused.text
    assert "Not set up" in operator.get(f"{HOME}?platform={platform}").text


def test_a_wrong_address_of_a_test_is_named(operator: Visitor, platform: str) -> None:
    page = path(platform)
    operator.post(page, **fields())
    refused = operator.post(path(platform, "/test"), page=page, address="nobody")
    assert refused.status_code == 422
    assert 'id="wrong-address"' in refused.text


@pytest.mark.parametrize("query", ["platform=nowhere&channel=email", "channel=email", "platform={}&channel=fax"])
def test_an_unknown_platform_or_channel_is_not_found(operator: Visitor, platform: str, query: str) -> None:
    assert operator.get(f"{HOME}/gateway?{query.format(platform)}").status_code == 404


@pytest.mark.parametrize("page", ["", "/gateway"])
def test_developers_see_no_gateways(developer: Visitor, platform: str, page: str) -> None:
    assert developer.get(path(platform, page)).status_code in {403, 404}
    assert developer.post(path(platform, "/gateway"), page="/account", **fields()).status_code in {403, 404}
