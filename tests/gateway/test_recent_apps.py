"""A status call may begin with its app as it was a moment ago; what changed in between counts all the same.

Each test calls once, so that the server knows the app, and changes the app in the database, as another process does.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.conftest import SECRET_KEY, Credentials, Raw, wait_for
from tests.gateway.calls import envelope
from tests.receiver import receiving

Result = TypeVar("Result")
MOD = "modMsgStatus"
BODIES: dict[str, Callable[[str, str], object]] = {
    "known ids": lambda user, known: {"publisherId": user, "msgId": [known]},
    "unread": lambda user, known: {"publisherId": user, "msgId": [known], "isRead": 0},
    "some unknown ids": lambda user, known: {"publisherId": user, "msgId": [known, "17"]},
    "unknown ids": lambda user, _: {"publisherId": user, "msgId": ["17"]},
    "no ids at all": lambda user, _: {"publisherId": user, "msgId": ["x"]},
    "no user": lambda _, known: {"msgId": [known]},
    "a user id that nobody may have": lambda user, known: {"publisherId": f" {user}", "msgId": [known]},
    "another platform": lambda user, known: {"publisherId": user, "msgId": [known], "platformCode": "elsewhere"},
    "a malformed field": lambda user, known: {"publisherId": user, "msgId": [known], "isRead": 7},
    "no JSON": lambda _user, _known: b"{",
}


async def disable(database: Database, app: Credentials) -> None:
    await Apps(database, KeyRing(SECRET_KEY)).set_disabled(app.app_id, disabled=True)


async def rotate(database: Database, app: Credentials) -> None:
    await Apps(database, KeyRing(SECRET_KEY)).rotate_key(app.app_id)


def elsewhere(url: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do something in the database, as another process."""

    async def run() -> Result:
        async with Database(url, connections=2) as database:
            return await work(database)

    return wait_for(run())


def ret_code(raw: Raw, body: object) -> str:
    """Return the retCode of a status call."""
    code: str = envelope(raw.post(MOD, body))["retCode"]
    return code


def unread(url: str, user: str) -> int:
    """Return how many messages a user has not read."""

    async def read(database: Database) -> int:
        async with database.connection() as connection:
            count: int = await connection.fetchval("select sum(unread) from mailbox_page where user_id = $1", user)
            return count

    return elsewhere(url, read)


@pytest.mark.parametrize(("end", "refusal"), [(disable, "200006"), (rotate, "200002")])
@pytest.mark.parametrize("kind", BODIES)
def test_an_ended_token_is_refused_before_anything_else(
    raw: Raw,
    client: Client,
    app: Credentials,
    user: str,
    shared_database: str,
    kind: str,
    end: Callable[[Database, Credentials], Awaitable[None]],
    refusal: str,
) -> None:
    one, other = client.send_text(user, "one"), client.send_text(user, "other")
    is_known, body = {"publisherId": user, "msgId": [other]}, BODIES[kind](user, one)
    assert ret_code(raw, is_known) == "000000"
    elsewhere(shared_database, lambda database: end(database, app))
    assert ret_code(raw, body) == refusal
    assert ret_code(raw, is_known) == refusal
    assert unread(shared_database, user) == 1


def test_an_apps_new_settings_count_at_once(
    raw: Raw, client: Client, app: Credentials, user: str, shared_database: str
) -> None:
    one = client.send_text(user, "one")
    read, set_unread = ({"publisherId": user, "msgId": [one], "isRead": is_read} for is_read in (1, 0))
    assert ret_code(raw, read) == "000000"
    elsewhere(shared_database, lambda database: AppSettings(database).set_live(app.app_id, live=False))
    assert ret_code(raw, set_unread) == "200007"
    assert unread(shared_database, user) == 0
    elsewhere(shared_database, lambda database: AppSettings(database).set_live(app.app_id, live=True))
    assert ret_code(raw, set_unread) == "000000"
    elsewhere(shared_database, lambda database: AppSettings(database).set_limits(app.app_id, {MOD: 7}, None))
    assert raw.post(MOD, read).headers["ratelimit-limit"] == "7"
    assert unread(shared_database, user) == 0


def test_a_webhook_hears_of_the_first_change_after_it_was_made(raw: Raw, client: Client, user: str) -> None:
    one = client.send_text(user, "one")
    read, set_unread = ({"publisherId": user, "msgId": [one], "isRead": is_read} for is_read in (1, 0))
    assert ret_code(raw, read) == "000000"
    with receiving() as receiver:
        client.create_webhook(receiver.url, ["message.unread"])
        assert ret_code(raw, set_unread) == "000000"
        receiver.until(lambda _: len(receiver.events("message.unread")) == 1)


def test_an_answer_has_the_headers_of_the_limit_once(
    raw: Raw, client: Client, app: Credentials, user: str, shared_database: str
) -> None:
    one = client.send_text(user, "one")
    elsewhere(shared_database, lambda database: AppSettings(database).set_limits(app.app_id, {MOD: 1_000}, None))
    assert ret_code(raw, {"publisherId": user, "msgId": [one]}) == "000000"
    for kind in ("known ids", "unknown ids", "a malformed field", "no JSON"):
        answer = raw.post(MOD, BODIES[kind](user, one))
        assert [value for name, value in answer.headers.multi_items() if name == "ratelimit-limit"] == ["1000"], kind
