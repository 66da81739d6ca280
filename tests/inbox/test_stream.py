"""The live stream, over two worker processes (docs/inbox.md)."""

import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from msgcenter_client import EVERYONE, Client, Topic
from tests.conftest import Credentials, Raw, Server, execute, new_app, running_server, wait_for
from tests.inbox.conftest import Browser, opened_stream, user_token


@pytest.fixture(scope="module")
def pair(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two worker processes on the shared database."""
    with running_server(shared_database, tmp_path_factory.mktemp("pair"), "--workers", "2") as started:
        yield started


def test_changes_of_a_mailbox_reach_its_stream(pair: Server, app: Credentials, raw: Raw, user: str) -> None:
    token = user_token(raw, user)
    with (
        Client(pair.url, app.app_id, app.app_key) as client,
        Browser(pair, token) as browser,
        opened_stream(pair, token) as stream,
    ):
        message_id = client.send_text(user, "hello")
        assert stream.until("message", lambda data: data["id"] == message_id)["body"] == {"content": "hello"}
        stream.until("counts", lambda data: data["unread"] == 1)
        client.set_status(user, [message_id])
        changed = stream.until("status", lambda data: data["messages"][0]["id"] == message_id)
        assert changed["messages"][0]["readAt"] is not None
        stream.until("counts", lambda data: data["unread"] == 0)
        browser.post("/messages/archive", {"ids": [message_id], "archived": True})
        stream.until("status", lambda data: data["messages"][0]["archived"] is True)
        browser.post("/messages/status", {"ids": [message_id], "read": False})
        stream.until("status", lambda data: data["messages"][0]["readAt"] is None)


def test_events_reach_every_stream_of_every_process(
    pair: Server, server: Server, app: Credentials, raw: Raw, user: str
) -> None:
    token = user_token(raw, user)
    with (
        Client(pair.url, app.app_id, app.app_key) as client,
        opened_stream(pair, token) as one,
        opened_stream(pair, token) as two,
        opened_stream(pair, token) as three,
        opened_stream(server, token) as elsewhere,
    ):
        sent = [client.send_text(user, str(number)) for number in range(10)]
        for stream in (one, two, three, elsewhere):
            assert [stream.next("message")[1]["id"] for _ in sent] == sent
        client.set_status(user, sent)
        for stream in (one, two, three, elsewhere):
            stream.until("counts", lambda data: data["unread"] == 0)


def test_a_large_fan_out_reaches_the_stream(pair: Server, app: Credentials, raw: Raw, user: str) -> None:
    with Client(pair.url, app.app_id, app.app_key) as client, opened_stream(pair, user_token(raw, user)) as stream:
        crowd = [f"{user}-{number}" for number in range(1_500)]
        message_id = client.send_text([user, *crowd], "to many")
        stream.until("message", lambda data: data["id"] == message_id)


def test_a_decision_reaches_every_approver(pair: Server, app: Credentials, raw: Raw, user: str) -> None:
    other = f"{user}-2"
    with (
        Client(pair.url, app.app_id, app.app_key) as client,
        opened_stream(pair, user_token(raw, user)) as one,
        opened_stream(pair, user_token(raw, other)) as two,
    ):
        message_id = client.send_oa(
            [user, other],
            "Leave",
            business_id="b",
            pc_url="https://a.example/",
            app_url="https://a.example/",
            approval=True,
        )
        for stream in (one, two):
            stream.until("counts", lambda data: data["todo"] == 1)
        client.set_status(None, [message_id])
        for stream in (one, two):
            stream.until("status", lambda data: data["messages"][0]["approval"]["closedAt"] is not None)
            stream.until("counts", lambda data: data["todo"] == 0 and data["unread"] == 0)


@pytest.mark.parametrize("way", ["topic", "everyone"])
def test_topic_messages_and_broadcasts_reach_the_stream_and_are_removed_by_a_recall(
    pair: Server, app: Credentials, raw: Raw, user: str, way: str
) -> None:
    token = user_token(raw, user)
    with Client(pair.url, app.app_id, app.app_key) as client, opened_stream(pair, token) as stream:
        client.subscribe(f"topic-{user}", user)
        message_id = client.send_text(EVERYONE if way == "everyone" else Topic(f"topic-{user}"), "news")
        stream.until("message", lambda data: data["id"] == message_id)
        stream.until("counts", lambda data: data["unread"] == 1)
        client.recall(message_id)
        stream.until("counts", lambda data: data["unread"] == 0)


def test_updates_and_reminders_reach_the_stream(pair: Server, app: Credentials, raw: Raw, user: str) -> None:
    token = user_token(raw, user)
    with Client(pair.url, app.app_id, app.app_key) as client, opened_stream(pair, token) as stream:
        message_id = client.send_text(user, "at 15:00")
        stream.until("message", lambda data: data["id"] == message_id)  # or the update might be merged into this event
        client.update_text(message_id, "at 16:00")
        changed = stream.until("update", lambda data: data["id"] == message_id)
        assert (changed["body"], changed["updatedAt"] is not None) == ({"content": "at 16:00"}, True)
        assert client.remind_unread(message_id) == 1
        reminded = stream.until("reminder", lambda data: data["id"] == message_id)
        assert reminded["remindedAt"] is not None
        client.set_status(user, [message_id])
        stream.until("counts", lambda data: data["unread"] == 0)
        client.update_text(message_id, "at 17:00", reset_read=True)
        stream.until("counts", lambda data: data["unread"] == 1)


def test_a_stream_with_app_scope_has_no_events_of_other_apps(
    pair: Server, shared_database: str, app: Credentials, raw: Raw, user: str
) -> None:
    other = wait_for(new_app(shared_database))
    with (
        Client(pair.url, app.app_id, app.app_key) as client,
        Client(pair.url, other.app_id, other.app_key) as stranger,
        opened_stream(pair, user_token(raw, user)) as stream,
    ):
        hidden = stranger.send_text(user, "of another app")
        stranger.set_status(user, [hidden])
        shown = client.send_text(user, "mine")
        assert stream.next("message")[1]["id"] == shown
        assert stream.until("counts", lambda data: data["unread"] == 1)["apps"][0]["id"] == app.app_id


def test_a_lost_bus_connection_makes_streams_reload(
    pair: Server, shared_database: str, app: Credentials, raw: Raw, user: str
) -> None:
    with Client(pair.url, app.app_id, app.app_key) as client, opened_stream(pair, user_token(raw, user)) as stream:
        wait_for(
            execute(
                shared_database,
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'msgcenter live'"
                " and datname = current_database()",
            )
        )
        stream.next("reload")
        # One process may be connected before the other. Its events until then are covered by the other's reload.
        sent: list[str] = []
        while True:
            sent.append(client.send_text(user, "after the gap"))
            name, data = stream.next("message", "reload")
            if name == "message":
                break
        assert data["id"] in sent


def test_streams_end_with_the_server(shared_database: str, raw: Raw, user: str, tmp_path: Path) -> None:
    with (
        running_server(shared_database, tmp_path, "--workers", "2") as server,
        opened_stream(server, user_token(raw, user)) as stream,
    ):
        assert server.stop(signal.SIGTERM) == 0
        assert stream.closed.wait(60)


async def test_nothing_is_published_without_open_streams(
    server: Server, shared_database: str, client: Client, raw: Raw, user: str
) -> None:
    payloads: list[str] = []
    connection = await asyncpg.connect(shared_database)
    try:
        await connection.add_listener("msgcenter_live", lambda *event: payloads.append(str(event[3])))
        client.send_text(user, "unwatched")
        await connection.fetchval("select 1")
        assert not [payload for payload in payloads if user in payload]
    finally:
        await connection.close()


def test_a_stream_begins_with_the_list_if_requested(server: Server, raw: Raw, client: Client, user: str) -> None:
    sent = [client.send_text(user, str(number)) for number in range(5)]
    token = user_token(raw, user)
    with Browser(server, token) as browser:
        for limit in (3, 30):
            with opened_stream(server, token, f"&list={limit}") as stream:
                assert stream.next() == ("list", browser.get("/messages", limit=limit))
                client.set_status(user, sent[:1])
                assert stream.next()[0] == "status", "events after the list follow it"
            client.set_status(user, sent[:1], read=False)
    with opened_stream(server, token) as stream:
        client.set_status(user, sent[:1])
        assert stream.next()[0] == "status", "there is no list unless it is requested"


@pytest.mark.parametrize("limit", ["0", "101", "", "x", "-1"])
def test_a_stream_refuses_a_list_length_outside_1_to_100(browser: Browser, limit: str) -> None:
    answer = browser.http.get("/stream", params={"list": limit})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_field", "list")
