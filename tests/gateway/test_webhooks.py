"""Webhooks rule by rule (docs/webhooks.md), against a real server and a real receiver."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from msgcenter_client import Client, StateError, WebhookKind, verify_webhook
from tests.conftest import Raw, Server
from tests.gateway.calls import Json, accepted, refused, until
from tests.inbox.conftest import Browser, user_token
from tests.receiver import TAKEN, Answer, Post, Receiver, receiving

WEBHOOK = "/msgCenter/webhook/"
ALL: list[WebhookKind] = list(get_args(WebhookKind))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def browser(server: Server, raw: Raw, user: str) -> Iterator[Browser]:
    with Browser(server, user_token(raw, user)) as opened:
        yield opened


def known(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check that the times of events are plausible, and return the events without them."""
    now = time.time() * 1_000
    for event in events:
        for name in ("eventTime", "readTime", "closeTime"):
            assert abs(now - int(event.pop(name, now))) < 60_000 or name == "closeTime"
    return events


# --- Events ---------------------------------------------------------------------------------------------------------


def test_status_calls_send_events(client: Client, receiver: Receiver, user: str) -> None:
    made = client.create_webhook(receiver.url, ["message.read", "message.unread"])
    ids = [client.send_text(user, "x") for _ in range(3)]
    client.set_status(user, ids)
    client.set_status(user, ids)  # nothing new
    client.set_status(user, ids[0], read=False)
    client.set_status(user, ids[0], read=False)
    client.set_status(user, ids[0])
    receiver.until(lambda _: len(receiver.events("message.read")) >= 4)
    common = {"userId": user, "platformCode": "420100", "by": "app"}
    read = known(receiver.events("message.read"))
    assert read == [{"msgId": i, **common} for i in [*ids, ids[0]]]
    assert known(receiver.events("message.unread")) == [{"msgId": ids[0], **common}]
    until(lambda: [webhook.pending for webhook in client.webhooks()] == [0])  # the outcome is stored after the answer
    for post in receiver.posts:
        assert post.verified_by(made.secret)["type"] == post.type


def test_inbox_actions_send_events(client: Client, receiver: Receiver, browser: Browser, user: str) -> None:
    client.create_webhook(receiver.url, ["message.read", "message.unread"])
    first, second, third, fourth = [client.send_text(user, str(n)) for n in range(4)]
    match = client.send_text(user, "found")
    browser.post("/messages/status", {"ids": [first], "read": True})
    browser.post("/messages/status", {"ids": [first], "read": False})
    browser.post("/messages/archive", {"ids": [first, second], "archived": True})
    browser.post("/messages/archive", {"ids": [second], "archived": False})
    browser.post("/messages/read-all", {"upTo": match, "q": "FOUND"})
    browser.post("/messages/read-all", {"upTo": match, "q": "found"})  # nothing new
    browser.post("/messages/read-all", {"upTo": third})
    client.set_status(user, fourth)
    receiver.until(lambda _: len(receiver.events("message.read")) >= 6)
    read = sorted((event["msgId"], event["by"]) for event in receiver.events("message.read"))
    assert read == [
        (first, "user"),
        (first, "user"),
        (second, "user"),
        (third, "user"),
        (fourth, "app"),
        (match, "user"),
    ]
    assert [(event["msgId"], event["by"]) for event in receiver.events("message.unread")] == [(first, "user")]


def test_closing_an_approval_sends_one_event(client: Client, receiver: Receiver, user: str) -> None:
    client.create_webhook(receiver.url, ALL)
    approval = client.send_text([user, f"{user}-2"], "may I?", approval=True)
    client.set_status(None, approval)
    client.set_status(None, approval)
    client.set_status(None, approval, read=False)
    client.set_status(None, approval)
    last = client.send_text(user, "and this?", approval=True)
    client.set_status(None, last)
    receiver.until(lambda _: last in [event["msgId"] for event in receiver.events("approval.closed")])
    own_account = receiver.events("approval.closed")[0]["closedBy"]
    closed = [{"msgId": message_id, "closedBy": own_account} for message_id in (approval, approval, last)]
    assert known(receiver.events("approval.closed")) == closed
    assert receiver.events("message.read") == []


def test_a_completed_fan_out_sends_an_event(client: Client, receiver: Receiver, user: str) -> None:
    client.create_webhook(receiver.url, ["delivery.completed"])
    message = client.send_text([f"{user}-{n}" for n in range(2_100)], "x")
    receiver.until(bool)
    assert known(receiver.events("delivery.completed")) == [{"msgId": message, "receivers": 2_100}]
    assert client.message_status(message).state == "sent"


def test_only_registered_event_types_are_sent(
    client: Client, other_client: Client, receiver: Receiver, user: str
) -> None:
    client.create_webhook(receiver.url + "/unread", ["message.unread"])
    other_client.create_webhook(receiver.url + "/other", ALL)
    message = client.send_text(user, "x")
    client.set_status(user, message)
    client.set_status(user, message, read=False)
    posts = receiver.until(bool)
    assert [(post.path, post.type) for post in posts] == [("/unread", "message.unread")]


def test_unknown_and_expired_messages_send_no_event(client: Client, receiver: Receiver, user: str) -> None:
    client.create_webhook(receiver.url, ALL)
    brief = client.send_text(user, "x", expire_at=datetime.now(UTC) + timedelta(seconds=2))
    lasting = client.send_text(user, "y")
    until(lambda: client.unread_count(user) == 1)
    assert client.set_status(user, [brief, lasting, "17"]).invalid_ids == (brief, "17")
    posts = receiver.until(bool)
    assert [event["msgId"] for event in posts[0].events] == [lasting]


# --- The POST -------------------------------------------------------------------------------------------------------


def test_a_post_is_signed_and_names_its_webhook(client: Client, receiver: Receiver) -> None:
    made = client.create_webhook(receiver.url + "/hook?a=b", ["message.read"])
    assert made.secret.startswith("whsec_")
    client.test_webhook(made.id)
    (post,) = receiver.until(bool)
    assert post.path == "/hook?a=b"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["user-agent"].startswith("MsgCenter/")
    assert post.headers["host"] == receiver.url.removeprefix("http://")
    assert post.id.startswith("msg_")
    body = post.verified_by(made.secret)
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "webhook.test"
    assert body["timestamp"].endswith("Z")
    assert body["data"]["events"][0]["webhookId"] == made.id
    verified = verify_webhook(made.secret, post.headers, post.body)
    assert (verified.id, verified.type, len(verified.events)) == (post.id, "webhook.test", 1)


def test_both_secrets_are_valid_during_a_rotation(client: Client, receiver: Receiver) -> None:
    made = client.create_webhook(receiver.url, ["message.read"])
    rotated = client.rotate_webhook_secret(made.id)
    again = client.rotate_webhook_secret(made.id)  # as a client does after a lost answer
    assert len({made.secret, rotated.secret, again.secret}) == 3
    left = again.previous_valid_until - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    client.test_webhook(made.id)
    (post,) = receiver.until(bool)
    assert len(post.headers["webhook-signature"].split()) == 2
    post.verified_by(made.secret)
    post.verified_by(again.secret)
    with pytest.raises(WebhookVerificationError):
        post.verified_by(rotated.secret)


def test_events_are_posted_in_batches_and_in_order(client: Client, receiver: Receiver, user: str) -> None:
    made = client.create_webhook(receiver.url, ["message.read"])
    client.update_webhook(made.id, paused=True)
    ids = [client.send_text(user, "x") for _ in range(120)]
    for start in range(0, 120, 40):
        client.set_status(user, ids[start : start + 40])
    assert [(webhook.state, webhook.pending) for webhook in client.webhooks()] == [("paused", 120)]
    client.update_webhook(made.id, paused=False)
    posts = receiver.until(lambda posts: len(posts) >= 2)
    assert [len(post.events) for post in posts] == [100, 20]
    assert [event["msgId"] for post in posts for event in post.events] == ids


# --- Failures -------------------------------------------------------------------------------------------------------


def first_then(first: Answer) -> Any:
    """Return an answering function: `first` for the first POST of each id, and success for the next ones."""
    seen: set[str] = set()

    def answer(post: Post) -> Answer:
        if post.id in seen:
            return TAKEN
        seen.add(post.id)
        return first

    return answer


def test_a_failed_delivery_is_repeated_unchanged(client: Client, receiver: Receiver) -> None:
    receiver.answer = first_then((503, {}, b"not now"))
    made = client.create_webhook(receiver.url, ["message.read"])
    client.test_webhook(made.id)
    receiver.until(bool)
    until(lambda: client.webhooks()[0].state == "failing")
    (shown,) = client.webhook_deliveries(made.id)
    assert (shown.state, shown.attempts, shown.status, shown.error) == ("pending", 1, 503, "HTTP 503")
    assert shown.response == "not now"
    first, second = receiver.until(lambda posts: len(posts) == 2)
    assert (first.id, first.body) == (second.id, second.body)
    until(lambda: client.webhooks()[0].state == "active")
    (shown,) = client.webhook_deliveries(made.id)
    assert (shown.state, shown.attempts, shown.status, shown.error) == ("delivered", 2, 204, None)
    assert shown.next_attempt_at is None
    assert shown.id == first.id


def test_a_refused_delivery_does_not_delay_others(client: Client, receiver: Receiver, user: str) -> None:
    one, two = client.send_text(user, "x"), client.send_text(user, "y")
    receiver.answer = lambda post: (400, {}, b"") if post.type == "message.unread" else TAKEN
    made = client.create_webhook(receiver.url, ["message.read", "message.unread"])
    client.set_status(user, one)
    client.set_status(user, one, read=False)
    client.set_status(user, two)
    receiver.until(lambda _: len(receiver.events("message.read")) == 2)
    until(lambda: [one.attempts > 0 for one in client.webhook_deliveries(made.id, state="pending")] == [True])
    (left,) = client.webhook_deliveries(made.id, state="pending")
    assert (left.kind, left.status) == ("message.unread", 400)


def test_a_webhook_that_is_gone_is_paused_and_continues_when_resumed(client: Client, receiver: Receiver) -> None:
    receiver.answer = first_then((410, {}, b""))
    made = client.create_webhook(receiver.url, ["message.read"])
    client.test_webhook(made.id)
    until(lambda: client.webhooks()[0].state == "paused")
    assert client.webhooks()[0].pause_reason == "gone"
    client.update_webhook(made.id, paused=False)
    assert client.webhooks()[0].state == "active"
    first, second = receiver.until(lambda posts: len(posts) == 2)
    assert first.id == second.id


def test_a_redirect_is_not_followed(client: Client, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answer = lambda _: (307, {"Location": elsewhere.url}, b"")
        made = client.create_webhook(receiver.url, ["message.read"])
        client.test_webhook(made.id)
        until(lambda: [delivery.status for delivery in client.webhook_deliveries(made.id)] == [307])
        assert next(client.webhook_deliveries(made.id)).state == "pending"
        assert elsewhere.posts == []


def test_a_long_answer_is_truncated(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda _: (200, {}, b"\0" + b"x" * 1_000_000)
    made = client.create_webhook(receiver.url, ["message.read"])
    client.test_webhook(made.id)
    until(lambda: [delivery.state for delivery in client.webhook_deliveries(made.id)] == ["delivered"])
    response = next(client.webhook_deliveries(made.id)).response
    assert response is not None
    assert 1_000 <= len(response) <= 1_024


def test_a_dead_webhook_does_not_delay_others(client: Client, receiver: Receiver, user: str) -> None:
    with socket.socket() as dead:  # accepts connections and never answers
        dead.bind(("127.0.0.1", 0))
        dead.listen(50)
        for number in range(5):
            client.create_webhook(f"http://127.0.0.1:{dead.getsockname()[1]}/{number}", ["message.read"])
        client.create_webhook(receiver.url, ["message.read"])
        ids = [client.send_text(user, "x") for _ in range(10)]
        for number, message in enumerate(ids):
            client.set_status(user, message)
            # Each event arrives while the posts to all dead webhooks still hang.
            receiver.until(lambda _, n=number: len(receiver.events("message.read")) > n)  # type: ignore[misc]
        assert client.webhooks()[-1].state == "active"


# --- Deliveries and replay ------------------------------------------------------------------------------------------


def test_deliveries_are_filtered_and_paged(client: Client, receiver: Receiver, user: str) -> None:
    made = client.create_webhook(receiver.url, ["message.read"])
    ids = [client.send_text(user, "x") for _ in range(3)]
    for number, message in enumerate(ids):
        client.set_status(user, message)
        receiver.until(lambda posts, n=number: len(posts) > n)  # type: ignore[misc]
    until(lambda: len(list(client.webhook_deliveries(made.id, state="delivered"))) == 3)
    deliveries = list(client.webhook_deliveries(made.id, page_size=2))
    assert [delivery.body["data"]["events"][0]["msgId"] for delivery in deliveries] == ids[::-1]
    assert list(client.webhook_deliveries(made.id, message_id=ids[1])) == [deliveries[1]]
    assert list(client.webhook_deliveries(made.id, message_id="no id")) == []
    assert list(client.webhook_deliveries(made.id, state="failed")) == []
    assert [delivery.id for delivery in deliveries[::-1]] == [post.id for post in receiver.posts]


def test_deliveries_are_replayed_with_their_ids(client: Client, receiver: Receiver) -> None:
    made = client.create_webhook(receiver.url, ["message.read"])
    for number in range(3):
        client.test_webhook(made.id)
        receiver.until(lambda posts, n=number: len(posts) > n)  # type: ignore[misc]
    until(lambda: len(list(client.webhook_deliveries(made.id, state="delivered"))) == 3)
    posts = list(receiver.posts)
    assert client.replay_webhook(made.id, delivery_id=posts[1].id) == 1
    assert receiver.until(lambda posts: len(posts) == 4)[3].id == posts[1].id
    until(lambda: len(list(client.webhook_deliveries(made.id, state="delivered"))) == 3)
    assert client.replay_webhook(made.id, start=datetime.now(UTC) - timedelta(hours=1)) == 3
    assert [post.id for post in receiver.until(lambda posts: len(posts) == 7)[4:]] == [post.id for post in posts]
    assert client.replay_webhook(made.id, start=datetime.now(UTC) + timedelta(hours=1)) == 0
    with pytest.raises(StateError, match="300006"):
        client.replay_webhook(made.id, delivery_id="msg_unknown")


# --- The calls ------------------------------------------------------------------------------------------------------


def test_a_webhook_is_created_changed_and_deleted(client: Client, receiver: Receiver) -> None:
    made = client.create_webhook(receiver.url, ["message.read", "approval.closed", "message.read"])
    (shown,) = client.webhooks()
    assert (shown.id, shown.url, shown.events) == (made.id, receiver.url, ("approval.closed", "message.read"))
    assert (shown.state, shown.pause_reason, shown.pending) == ("active", None, 0)
    client.update_webhook(made.id, url=receiver.url + "/2", events=["message.unread"], paused=True)
    (shown,) = client.webhooks()
    assert (shown.url, shown.events, shown.state) == (receiver.url + "/2", ("message.unread",), "paused")
    assert shown.pause_reason == "request"
    client.delete_webhook(made.id)
    assert client.webhooks() == ()
    with pytest.raises(StateError, match="300006"):
        client.delete_webhook(made.id)


def test_an_app_has_at_most_ten_webhooks(raw: Raw, receiver: Receiver) -> None:
    body = {"url": receiver.url, "events": ["message.read"]}
    for _ in range(10):
        accepted(raw, WEBHOOK + "createWebhook", body)
    refused(raw, WEBHOOK + "createWebhook", body, "100004", "webhooks", "10")


@pytest.mark.parametrize(
    "call",
    ["updateWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook", "getWebhookDeliveries", "replayWebhook"],
)
def test_another_apps_webhook_is_unknown(raw: Raw, other_client: Client, receiver: Receiver, call: str) -> None:
    theirs = other_client.create_webhook(receiver.url, ["message.read"])
    needed: dict[str, Json] = {"updateWebhook": {"paused": True}, "replayWebhook": {"startTime": 1}}
    for name in (theirs.id, "wh_0"):
        refused(raw, WEBHOOK + call, {"webhookId": name, **needed.get(call, {})}, "300006")
    assert other_client.webhooks()[0].state == "active"


GOOD: Json = {"url": "https://a.example/x", "events": ["message.read"]}


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({"events": ["message.read"]}, "100002", "url"),
        ({"url": "https://a.example"}, "100002", "events"),
        ({**GOOD, "events": []}, "100003", "events"),
        ({**GOOD, "events": ["message.seen"]}, "100003", "events"),
        ({**GOOD, "events": ["webhook.test"]}, "100003", "events"),
        ({**GOOD, "events": [*ALL, "message.read"]}, "100004", "events"),
        *(
            ({**GOOD, "url": url}, "100003", "url")
            for url in (
                *("", "x", "ftp://a.example/", "https://", "https:///x", "//a.example", "https://a.example:x/"),
                *("https://user@a.example/", "https://u:p@a.example/", "https://a.example/#x", "https://a.example/ x"),
                *("https://例子.example/", "https://a.example:0/", "https://a.example:99999/", "http://a.example/"),
            )
        ),
    ],
)
def test_invalid_webhooks_are_refused(wire: Raw, body: Json, code: str, named: str) -> None:
    refused(wire, WEBHOOK + "createWebhook", body, code, named)


@pytest.mark.parametrize(
    "url",
    [
        *("https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest/"),
        *("https://0.0.0.0/", "https://[::1]/", "https://[fe80::1]/", "https://[fc00::1]/", "https://100.64.0.1/"),
        *("https://[::ffff:10.0.0.1]/", "https://[2002:a00:1::]/", "https://[64:ff9b::a00:1]/", "https://224.0.0.1/"),
        *("https://0x0a000001/", "https://167772161/", "http://9.9.9.9/"),
    ],
)
def test_addresses_that_are_not_public_are_refused(raw: Raw, url: str) -> None:
    refused(raw, WEBHOOK + "createWebhook", {**GOOD, "url": url}, "100003", "url", "https")


def test_a_host_that_does_not_resolve_yet_is_accepted(raw: Raw) -> None:
    accepted(raw, WEBHOOK + "createWebhook", {**GOOD, "url": "https://not-yet.invalid/hook"})


def test_contradicting_and_missing_fields_are_named(raw: Raw, receiver: Receiver) -> None:
    made = accepted(raw, WEBHOOK + "createWebhook", {"url": receiver.url, "events": ["message.read"]})
    webhook = {"webhookId": made["webhookId"]}
    refused(raw, WEBHOOK + "updateWebhook", webhook, "100002", "url/events/paused")
    refused(raw, WEBHOOK + "updateWebhook", {**webhook, "url": "https://127.0.0.2.invalid/#"}, "100003", "url")
    refused(raw, WEBHOOK + "replayWebhook", webhook, "100002", "deliveryId/startTime")
    both = {**webhook, "deliveryId": "x", "startTime": 1}
    refused(raw, WEBHOOK + "replayWebhook", both, "100005", "deliveryId/startTime")
    refused(raw, WEBHOOK + "getWebhookDeliveries", {**webhook, "cursor": "x"}, "100003", "cursor")


# --- Deleted webhooks -----------------------------------------------------------------------------------------------


def test_no_event_is_stored_after_the_last_webhook_is_deleted(client: Client, receiver: Receiver, user: str) -> None:
    gone = client.create_webhook(receiver.url + "/gone", ["message.read"])
    client.delete_webhook(gone.id)
    message = client.send_text(user, "x")
    client.set_status(user, message)
    kept = client.create_webhook(receiver.url + "/kept", ["message.unread"])
    client.set_status(user, message, read=False)
    posts = receiver.until(bool)
    assert [(post.path, post.type) for post in posts] == [("/kept", "message.unread")]
    assert [webhook.id for webhook in client.webhooks()] == [kept.id]
