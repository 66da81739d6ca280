"""Links in mails and other channels: to the inbox, and to turn a channel off."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.channels.forget import forget_user
from msgcenter.domain.account import Platform, Recipient
from msgcenter.domain.channels import signed_links
from msgcenter.domain.channels.signed_links import SignedLinks
from msgcenter.domain.person import COMMAND
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import preferences
from msgcenter_client import Client
from tests.conftest import PLATFORM, SECRET_KEY, Server, SharedConnections
from tests.inbox.conftest import Browser
from tests.inbox.test_push import subscription
from tests.scene import rows

LINKS = SignedLinks("https://msg.example", KeyRing(SECRET_KEY))


@pytest.fixture
def recipient(shared_connections: SharedConnections, user: str, browser: Browser) -> Recipient:
    """The user of `browser`, as links know them."""
    platforms = shared_connections.run(_platforms(shared_connections))
    return platforms[PLATFORM].recipient(user)


async def _platforms(shared: SharedConnections) -> dict[str, Platform]:
    async with shared.database.connection() as connection:
        return await find_platforms(connection)


def token_of(url: str) -> str:
    """Return the token in the fragment of a link to the inbox."""
    page, _, fragment = url.partition("#")
    assert page == "https://msg.example/inbox"
    return parse_qs(fragment)["link"][0]


def follow(server: Server, link: str) -> httpx.Response:
    return httpx.post(f"{server.url}/inbox/v1/link", json={"link": link}, trust_env=False)


def test_a_link_opens_the_inbox_of_its_person_at_its_message(
    server: Server, client: Client, user: str, recipient: Recipient
) -> None:
    message_id = client.send_text(user, "hello")
    client.send_text(user, "newer")
    answer = follow(server, token_of(LINKS.message(recipient, int(message_id), None))).json()
    assert answer["msgId"] == message_id
    with Browser(server, answer["token"]) as opened:
        assert opened.get(f"/messages/{message_id}")["body"]["content"] == "hello"
    whole = follow(server, token_of(LINKS.inbox(recipient, None))).json()
    assert whole["msgId"] is None
    with Browser(server, whole["token"]) as opened:
        assert len(opened.ids()) == 2


def test_a_link_to_a_message_that_is_gone_opens_the_inbox(
    server: Server, client: Client, user: str, recipient: Recipient
) -> None:
    gone = client.send_text(user, "gone")
    client.send_text(user, "still there")
    client.recall(gone)
    answer = follow(server, token_of(LINKS.message(recipient, int(gone), None)))
    assert answer.status_code == 200


def test_a_link_ends_after_a_week(
    server: Server, client: Client, user: str, recipient: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = int(client.send_text(user, "hello"))
    monkeypatch.setattr(signed_links, "LINK_MS", -1)
    answer = follow(server, token_of(LINKS.message(recipient, message_id, None)))
    assert (answer.status_code, answer.json()["code"]) == (410, "link_ended")


def test_only_this_installations_links_open_something(
    server: Server, client: Client, user: str, recipient: Recipient
) -> None:
    message_id = int(client.send_text(user, "hello"))
    good = token_of(LINKS.message(recipient, message_id, None))
    others = SignedLinks("https://msg.example", KeyRing("another secret key, of another installation"))
    unsubscribe = urlsplit(LINKS.unsubscribe(recipient, "email")).query.removeprefix("t=")
    changed = good[:-2] + ("AA" if good[-2:] != "AA" else "BB")
    for link in (changed, good[:-1], "x", "ü", token_of(others.message(recipient, message_id, None)), unsubscribe):
        assert follow(server, link).status_code == 410
    for body in ({}, {"link": ""}, {"link": "x" * 1_001}, {"link": 7}):
        assert httpx.post(f"{server.url}/inbox/v1/link", json=body, trust_env=False).status_code == 400
    assert httpx.get(f"{server.url}/inbox/v1/link", trust_env=False).status_code == 405


def test_a_platform_with_an_inbox_of_its_own_gets_its_links(recipient: Recipient) -> None:
    assert LINKS.message(recipient, 17, "https://school.example/m/{msgId}") == "https://school.example/m/17"
    assert LINKS.inbox(recipient, "https://school.example/m/{msgId}") == "https://school.example/m/"


def unsubscribe_url(server: Server, recipient: Recipient) -> str:
    return LINKS.unsubscribe(recipient, "email").replace("https://msg.example", server.url)


def test_opening_the_page_to_unsubscribe_changes_nothing(
    server: Server, browser: Browser, recipient: Recipient
) -> None:
    url = unsubscribe_url(server, recipient)
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, url, headers={"accept-language": "en"}, trust_env=False)
        assert answer.status_code == 200
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert (
        "Stop being told about messages by e-mail?"
        in httpx.get(url, headers={"accept-language": "en"}, trust_env=False).text
    )
    assert "不再通过邮件接收消息提醒" in httpx.get(url, headers={"accept-language": "zh"}, trust_env=False).text


def test_one_click_turns_the_channel_off_and_leaves_other_choices(
    server: Server, shared_connections: SharedConnections, recipient: Recipient
) -> None:
    url = unsubscribe_url(server, recipient)
    for _ in range(2):
        answer = httpx.post(url, data={"List-Unsubscribe": "One-Click"}, trust_env=False)  # RFC 8058, section 3.2
        assert answer.status_code == 200
    assert shared_connections.run(_off(shared_connections, recipient)) == {"email"}


async def _off(shared: SharedConnections, recipient: Recipient) -> frozenset[str]:
    async with shared.database.connection() as connection:
        chosen = await preferences.read(connection, recipient.cell, [recipient.user_id])
    return chosen[recipient.user_id].channels_off


async def _entries(shared: SharedConnections, recipient: Recipient) -> list[tuple[str, str, str]]:
    """Return what the audit log has of a user's own changes: action, platform, detail."""
    listed = await rows(
        shared.database,
        "select action, subject, detail from audit_entry where actor_kind = 'user' and actor = $1 and address <> ''",
        recipient.user_id,
    )
    return [tuple(row) for row in listed]


def test_the_audit_log_names_the_user_who_turned_a_channel_off_once(
    server: Server, shared_connections: SharedConnections, recipient: Recipient
) -> None:
    for _ in range(2):
        assert httpx.post(unsubscribe_url(server, recipient), trust_env=False).status_code == 200
    entries = shared_connections.run(_entries(shared_connections, recipient))
    assert entries == [("channel.unsubscribe", PLATFORM, '{"channel": "email"}')]


async def _stored(shared: SharedConnections, recipient: Recipient) -> list[str]:
    """Return the tables that have a row of a user."""
    key = (recipient.cell, recipient.user_id)
    return [
        table
        for table in ("mailbox", "mailbox_page", "contact_point", "push_subscription", "user_preference")
        if await rows(shared.database, f"select 1 from {table} where cell = $1 and user_id = $2", *key)
    ]


def test_tokens_and_links_of_a_forgotten_user_open_and_store_nothing(
    server: Server,
    client: Client,
    user: str,
    recipient: Recipient,
    shared_connections: SharedConnections,
    browser: Browser,
) -> None:
    message_id = int(client.send_text(user, "hello"))
    links = [LINKS.message(recipient, message_id, None), LINKS.inbox(recipient, None)]
    assert shared_connections.run(_stored(shared_connections, recipient)) == ["mailbox", "mailbox_page"]
    kept = follow(server, token_of(links[0])).json()["token"]
    shared_connections.run(
        forget_user(shared_connections.database, PLATFORM, user, on_chunks=lambda *_: None, by=COMMAND)
    )
    for link in links:
        answer = follow(server, token_of(link))
        assert (answer.status_code, answer.json()["code"]) == (410, "link_ended")
    answer = httpx.post(unsubscribe_url(server, recipient), trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (410, "link_ended")
    for token in (kept, browser.token):
        with Browser(server, token) as opened:
            assert opened.ids() == []
            assert opened.http.get(f"/messages/{message_id}").status_code == 404
            for refused in (
                opened.http.put("/preferences", json={"off": ["email"]}),
                opened.http.post("/push/subscriptions", json=subscription("https://9.9.9.9/push")),
            ):
                assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert shared_connections.run(_stored(shared_connections, recipient)) == []


@pytest.mark.parametrize("token", ["", "x", "AAAA"])
def test_a_wrong_link_to_unsubscribe_is_refused(server: Server, token: str) -> None:
    url = f"{server.url}/inbox/unsubscribe?t={token}"
    assert httpx.get(url, trust_env=False).status_code == 410
    assert httpx.post(url, trust_env=False).json()["code"] == "link_ended"
