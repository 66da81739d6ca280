"""Access tokens: issued for a proof, checked, expired."""

import asyncio
import hmac
from contextlib import suppress
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from msgcenter.actions.apps import tokens as tokens_module
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing, token_digest
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.maintenance import clean_up
from msgcenter.database.database import Database
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import Reason, Refusal
from tests.conftest import PLATFORM, SECRET_KEY

TTL, WINDOW = 7_200, 600
RING = KeyRing(SECRET_KEY)


@dataclass
class Desk:
    """The tokens, an app that requests them, and the register of apps."""

    tokens: Tokens
    apps: Apps
    app_id: str
    app_key: str
    database: Database

    def proof(self, timestamp: int, key: str | None = None) -> str:
        app_key = key or self.app_key
        text = f"{self.app_id}{app_key}{timestamp}"
        return hmac.new(app_key.encode(), text.encode(), "sha1").hexdigest().upper()

    async def issue(self, timestamp: int | None = None) -> tokens_module.IssuedToken:
        at = now_ms() if timestamp is None else timestamp
        return await self.tokens.issue(self.app_id, str(at), self.proof(at))

    async def refused(self, token: str) -> Reason:
        with pytest.raises(Refusal) as refused:
            await self.tokens.authenticate(token)
        return refused.value.reason


@pytest.fixture
async def desk(database: Database) -> Desk:
    apps = Apps(database, RING)
    app, key = await apps.create("Test app", PLATFORM)
    tokens = Tokens(database, RING, ttl=TTL, clock_window=WINDOW, waiting_limit=100)
    return Desk(tokens, apps, app.app_id, key, database)


async def test_a_token_belongs_to_its_app(desk: Desk) -> None:
    issued = await desk.issue()
    assert abs(issued.expires_at - now_ms() - TTL * 1_000) < 5_000
    assert (await desk.tokens.authenticate(issued.token)).app_id == desk.app_id == issued.app.app_id


async def test_a_repeated_request_gets_the_same_token_and_end(desk: Desk) -> None:
    at = now_ms()
    first = await desk.issue(at)
    assert await desk.issue(at) == first
    assert (await desk.issue(at + 1)).token != first.token


async def test_an_older_token_stays_valid(desk: Desk) -> None:
    first, second = await desk.issue(now_ms() - 1), await desk.issue()
    assert first.token != second.token
    for issued in (first, second):
        assert (await desk.tokens.authenticate(issued.token)).app_id == desk.app_id


@pytest.mark.parametrize("off", [-WINDOW + 5, WINDOW - 5])
async def test_a_clock_may_be_off_within_the_window(desk: Desk, off: int) -> None:
    await desk.issue(now_ms() + off * 1_000)


@pytest.mark.parametrize("off", [-WINDOW - 5, WINDOW + 5, -1_700_000_000])
async def test_a_clock_outside_the_window_is_refused(desk: Desk, off: int) -> None:
    with pytest.raises(Refusal) as refused:
        await desk.issue(now_ms() + off * 1_000)
    assert refused.value.reason is Reason.TIMESTAMP_OUTSIDE_WINDOW
    assert "10" in refused.value.describe("en")


async def test_at_most_11_digits_are_seconds(desk: Desk) -> None:
    issued = await desk.issue(now_ms() // 1_000)
    assert (await desk.tokens.authenticate(issued.token)).app_id == desk.app_id
    with pytest.raises(Refusal) as refused:
        await desk.issue(100_000_000_000)
    assert refused.value.reason is Reason.TIMESTAMP_OUTSIDE_WINDOW


async def test_wrong_proofs_and_unknown_apps_are_refused(desk: Desk) -> None:
    at = now_ms()
    for app_id, proof, reason in (
        (desk.app_id, desk.proof(at, "another key"), Reason.KEY_INFO_WRONG),
        (desk.app_id, desk.proof(at - 1), Reason.KEY_INFO_WRONG),
        ("nobody", desk.proof(at), Reason.APP_UNKNOWN),
    ):
        with pytest.raises(Refusal) as refused:
            await desk.tokens.issue(app_id, str(at), proof)
        assert refused.value.reason is reason


async def test_client_credentials_get_a_new_token_each_time(desk: Desk) -> None:
    first = await desk.tokens.issue_for_secret(desk.app_id, desk.app_key)
    second = await desk.tokens.issue_for_secret(desk.app_id, desk.app_key)
    assert first.token != second.token
    assert (await desk.tokens.authenticate(second.token)).app_id == desk.app_id


@pytest.mark.parametrize("token", ["", "0" * 32, "x", "令牌", "\0"])
async def test_an_unknown_token_is_refused(desk: Desk, token: str) -> None:
    assert await desk.refused(token) is Reason.TOKEN_UNKNOWN


async def test_a_new_key_ends_all_tokens_and_the_old_key(desk: Desk) -> None:
    at = now_ms()
    issued = await desk.issue(at)
    old_key = desk.app_key
    desk.app_key = (await desk.apps.rotate_key(desk.app_id)).app_key
    assert await desk.refused(issued.token) is Reason.TOKEN_UNKNOWN
    with pytest.raises(Refusal) as refused:
        await desk.tokens.issue(desk.app_id, str(at), desk.proof(at, old_key))
    assert refused.value.reason is Reason.KEY_INFO_WRONG
    renewed = await desk.issue(at)
    assert (await desk.tokens.authenticate(renewed.token)).app_id == desk.app_id


async def test_a_disabled_app_gets_no_token_and_starts_again_when_enabled(desk: Desk) -> None:
    at = now_ms()
    issued = await desk.issue(at)
    await desk.apps.set_disabled(desk.app_id, disabled=True)
    assert await desk.refused(issued.token) is Reason.APP_DISABLED
    with pytest.raises(Refusal) as refused:
        await desk.issue(at)
    assert refused.value.reason is Reason.APP_DISABLED
    with pytest.raises(Refusal) as refused:
        await desk.tokens.issue_for_secret(desk.app_id, desk.app_key)
    assert refused.value.reason is Reason.APP_DISABLED

    await desk.apps.set_disabled(desk.app_id, disabled=False)
    assert await desk.refused(issued.token) is Reason.TOKEN_UNKNOWN
    renewed = await desk.issue(at)
    assert (await desk.tokens.authenticate(renewed.token)).app_id == desk.app_id


async def test_a_disabled_app_with_a_wrong_key_learns_nothing(desk: Desk) -> None:
    await desk.apps.set_disabled(desk.app_id, disabled=True)
    with pytest.raises(Refusal) as refused:
        await desk.tokens.issue_for_secret(desk.app_id, "another key")
    assert refused.value.reason is Reason.KEY_INFO_WRONG


async def test_an_expired_token_is_refused_and_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    issued, other = await desk.issue(now_ms() - 1), await desk.issue()
    async with desk.database.connection() as connection:
        await connection.execute(
            "update access_token set expires_at = $1 where digest = $2", now_ms() - 1, token_digest(issued.token)
        )
    assert await desk.refused(issued.token) is Reason.TOKEN_UNKNOWN
    assert await clean_up(desk.database) == 1
    assert (await desk.tokens.authenticate(other.token)).app_id == desk.app_id


async def test_the_app_of_a_token_is_known_for_a_moment(desk: Desk) -> None:
    issued = await desk.issue()
    assert desk.tokens.recent(issued.token) is None
    app = await desk.tokens.authenticate(issued.token)
    recent = desk.tokens.recent(issued.token)
    assert app.version is None
    if recent is not None:  # else a second has passed
        assert recent.version is not None
        assert replace(recent, version=None) == app
    async with asyncio.timeout(10):
        while desk.tokens.recent(issued.token) is not None:
            await asyncio.sleep(0.05)


async def test_nothing_is_known_of_tokens_that_are_unknown_disabled_or_about_to_expire(desk: Desk) -> None:
    issued, ends = await desk.issue(), now_ms() + 500
    async with desk.database.connection() as connection:
        await connection.execute("update access_token set expires_at = $1", ends)
    with suppress(Refusal):  # if it has expired already
        await desk.tokens.authenticate(issued.token)
    while now_ms() < ends:
        await asyncio.sleep(0.05)
    assert desk.tokens.recent(issued.token) is None
    await desk.apps.set_disabled(desk.app_id, disabled=True)
    for token in (issued.token, "unknown"):
        await desk.refused(token)
        assert desk.tokens.recent(token) is None


async def test_the_database_holds_neither_token_nor_key(desk: Desk) -> None:
    issued = await desk.issue()
    async with desk.database.connection() as connection:
        stored = await connection.fetch("select t::text from access_token t union all select a::text from app a")
    text = "\n".join(row[0] for row in stored)
    for secret in (issued.token, desk.app_key):
        assert secret not in text
        assert secret.encode().hex() not in text
