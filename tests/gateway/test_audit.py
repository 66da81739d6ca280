"""Changes that apps make by calls are in the audit log: actor, action, address. No-op changes are not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from msgcenter.database.database import Database
from msgcenter_client import Client, MsgCenterError
from tests.conftest import PLATFORM, Credentials, Raw, wait_for
from tests.receiver import Receiver, receiving

Entry = tuple[str, str, dict[str, Any]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def log(shared_database: str, app: Credentials) -> "Log":
    return Log(shared_database, app)


class Log:
    """The audit log of an app."""

    def __init__(self, database_url: str, app: Credentials) -> None:
        self._database_url = database_url
        self._app = app
        self._seen = 0

    def new(self) -> list[Entry]:
        """Return the entries by the app's key since the last call: action, subject and detail."""
        rows = wait_for(self._entries())
        self._seen = max([self._seen, *(row[0] for row in rows)])
        return [(action, subject, json.loads(detail)) for _, action, subject, detail in rows]

    async def _entries(self) -> list[tuple[int, str, str, str]]:
        async with Database(self._database_url, connections=2) as database, database.connection() as connection:
            rows = await connection.fetch(
                "select id, action, subject, detail from audit_entry where app_number = $1 and id > $2"
                " and (actor_kind, actor, address) = ('app', $3, '127.0.0.1') order by id",
                self._app.number,
                self._seen,
                self._app.app_id,
            )
        return [tuple(row) for row in rows]


def test_recalls_updates_and_reminders_are_recorded_once(client: Client, log: Log, user: str) -> None:
    sent = client.send_text([user, f"{user}-2"], "first")
    assert log.new() == []
    client.update_text(sent, "second", reset_read=True)
    client.update_text(sent, "second", reset_read=True)
    assert log.new() == [("message.update", sent, {"version": 2, "reset_read": True})]
    assert client.remind_unread(sent) == 2
    with pytest.raises(MsgCenterError):
        client.remind_unread(sent)
    assert log.new() == [("message.remind", sent, {"unread": 2})]
    client.recall(sent)
    client.recall(sent)
    assert log.new() == [("message.recall", sent, {})]
    with pytest.raises(MsgCenterError):
        client.update_text(sent, "too late")
    assert log.new() == []


def test_a_reminder_without_recipients_is_not_recorded(client: Client, log: Log, user: str) -> None:
    sent = client.send_text(user, "read")
    client.set_status(user, [sent])
    assert client.remind_unread(sent) == 0
    assert log.new() == []


def test_topic_changes_are_recorded_by_number_without_user_ids(client: Client, log: Log, user: str) -> None:
    client.subscribe("class-3", [user, f"{user}-2", f"{user}-3"])
    client.subscribe("class-3", [user])
    assert log.new() == [("topic.subscribe", "class-3", {"platform": PLATFORM, "users": 3})]
    client.unsubscribe("class-3", [user, f"{user}-2", "somebody else"])
    client.unsubscribe("class-3", [user])
    assert log.new() == [("topic.unsubscribe", "class-3", {"platform": PLATFORM, "users": 2})]


def test_webhook_changes_are_recorded_without_secrets(client: Client, log: Log, user: str, receiver: Receiver) -> None:
    url = f"{receiver.url}/hook"
    made = client.create_webhook(f"{url}?token=secret", ["message.recalled"])
    assert log.new() == [("webhook.create", made.id, {"url": f"{url}?…", "events": ["message.recalled"]})]
    client.update_webhook(made.id, url=url)
    client.update_webhook(made.id, url=url, events=["message.recalled"], paused=False)
    assert log.new() == [("webhook.update", made.id, {"url": url})]
    client.update_webhook(made.id, events=["message.recalled", "message.read"], paused=True)
    client.update_webhook(made.id, paused=True)
    client.update_webhook(made.id, paused=False)
    assert log.new() == [
        ("webhook.update", made.id, {"events": ["message.read", "message.recalled"], "paused": True}),
        ("webhook.update", made.id, {"paused": False}),
    ]
    client.test_webhook(made.id)
    (post,) = receiver.until(lambda posts: len(posts) == 1)
    client.replay_webhook(made.id, delivery_id=post.id)
    with pytest.raises(MsgCenterError):
        client.replay_webhook(made.id, delivery_id="msg_x")
    assert log.new() == [
        ("webhook.test", made.id, {}),
        ("webhook.replay", made.id, {"delivery": post.id, "deliveries": 1}),
    ]
    secret = client.rotate_webhook_secret(made.id).secret
    client.delete_webhook(made.id)
    entries = log.new()
    assert entries == [("webhook.rotate", made.id, {}), ("webhook.delete", made.id, {"url": url})]
    assert secret not in str(entries)
    with pytest.raises(MsgCenterError):
        client.delete_webhook(made.id)
    assert log.new() == []


def test_traffic_and_refusals_are_not_recorded(client: Client, raw: Raw, log: Log, user: str) -> None:
    sent = client.send_text(user, "x")
    client.set_status(user, [sent])
    client.message_status(sent)
    client.user_token(user)
    for call in ("recallMsg", "remindUnread"):
        assert raw.post(call, {"msgId": "7"}).json()["retCode"] == "300001"
    assert log.new() == []


def test_an_address_from_a_proxy_is_recorded(raw: Raw, shared_database: str, app: Credentials, user: str) -> None:
    sent = raw.post("sendMsg", {"receiverIds": [user], "msgtype": "text", "text": {"content": "x"}}).json()["msgId"]
    answer = raw.post("recallMsg", {"msgId": sent}, headers={"x-forwarded-for": "203.0.113.9"})
    assert answer.json()["retCode"] == "000000"

    async def address() -> str:
        async with Database(shared_database, connections=2) as database, database.connection() as connection:
            recorded: str = await connection.fetchval(
                "select address from audit_entry where app_number = $1 and subject = $2", app.number, sent
            )
            return recorded

    assert wait_for(address()) == "203.0.113.9"
