"""Attempts are counted by subscriber: an IPv4 address, or the first 64 bits of an IPv6 address."""

import pytest

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.portal.logins import Browser, Logins
from msgcenter.database.database import Database
from msgcenter.domain.person import LoginError, ThrottledError
from tests.conftest import SECRET_KEY


async def test_sign_ups_from_one_network_are_counted_together(database: Database) -> None:
    logins = Logins(database, KeyRing(SECRET_KEY))
    for number in range(60):
        await logins.count_sign_up(f"2001:db8:0:1::{number:x}")
    with pytest.raises(ThrottledError):
        await logins.count_sign_up("2001:db8:0:1:ffff::")
    await logins.count_sign_up("2001:db8:0:2::1")


async def test_an_ipv4_address_written_as_ipv6_is_not_counted_with_all_others(database: Database) -> None:
    logins = Logins(database, KeyRing(SECRET_KEY))
    for _ in range(60):
        await logins.count_sign_up("::ffff:192.0.2.1")
    for address in ("192.0.2.1", "::ffff:192.0.2.1"):
        with pytest.raises(ThrottledError):
            await logins.count_sign_up(address)
    await logins.count_sign_up("::ffff:192.0.2.2")


async def test_logins_from_one_network_are_counted_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msgcenter.actions.portal.logins._TRIES_OF_ADDRESS", 3)
    logins = Logins(database, KeyRing(SECRET_KEY))
    for number in range(3):
        with pytest.raises(LoginError):
            await logins.login(f"nobody-{number}", "wrong", Browser(f"2001:db8:0:1::{number}", "", ""))
    with pytest.raises(ThrottledError):
        await logins.login("nobody-4", "wrong", Browser("2001:db8:0:1::ff", "", ""))
