"""Topics, broadcasts, recall, update, reminders and receipts on the wire (docs/protocol.md)."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Credentials, Raw, Server, execute, wait_for
from tests.gateway.calls import LINK, PLACES, Json, accepted, oa_to, refused, text_to, until
from tests.scene import in_receipt_order

TOPIC = "/msgCenter/topic/"
USER_TOKEN = "/msgCenter/user/getUserToken"


@pytest.fixture
def stranger(server: Server, other_app: Credentials) -> Iterator[Raw]:
    """Another app of the same platform."""
    grant = {"grant_type": "client_credentials", "client_id": other_app.app_id, "client_secret": other_app.app_key}
    answer = httpx.post(f"{server.url}/oauth2/token", data=grant, trust_env=False)
    opened = Raw(server, answer.json()["access_token"])
    yield opened
    opened.http.close()


def send(wire: Raw, request: Json) -> str:
    """Send a message and return its id."""
    sent: str = accepted(wire, "sendMsg", request)["msgId"]
    return sent


def to_all(content: str = "to everyone", **more: object) -> Json:
    """Return a sendMsg request to everyone."""
    return {"toAll": True, "msgtype": "text", "text": {"content": content}, **more}


def to_topic(topic: str, **more: object) -> Json:
    """Return a sendMsg request to a topic."""
    return {"topic": topic, "msgtype": "text", "text": {"content": "to a topic"}, **more}


def unread(wire: Raw, user: str) -> int:
    """Return the number of a user's unread messages of this app."""
    count: int = accepted(wire, "getUnreadCount", {"publisherId": user})["unread"]
    return count


def status(wire: Raw, message_id: str, **more: object) -> Json:
    """Return the status of a message."""
    return accepted(wire, "getMsgStatus", {"msgId": message_id, **more})


def listed(wire: Raw, message_id: str) -> Json:
    """Return a message as listed by getMsgList. Messages of other tests may precede it."""
    cursor: Json = {}
    while True:
        page = accepted(wire, "getMsgList", {"pageSize": 200, **cursor})
        matches: list[Json] = [message for message in page["messages"] if message["msgId"] == message_id]
        if matches:
            return matches[0]
        cursor = {"cursor": page["nextCursor"]}


def wait_for_state(wire: Raw, message_id: str, state: str) -> None:
    """Wait until a message has a state."""
    until(lambda: status(wire, message_id)["state"] == state)


def without(request: Json, *fields: str) -> Json:
    """Return a request without some fields."""
    return {name: value for name, value in request.items() if name not in fields}


def subscribe(wire: Raw, topic: str, *users: str) -> int:
    """Subscribe users and return the number of changes."""
    changed: int = accepted(wire, TOPIC + "subscribe", {"topic": topic, "userIds": list(users)})["changed"]
    return changed


def updated(message_id: str, content: str = "updated", **more: object) -> Json:
    """Return an updateMsg request."""
    return {"msgId": message_id, "msgtype": "text", "text": {"content": content}, **more}


# --- Topics ---------------------------------------------------------------------------------------------------------


def test_subscriptions_are_counted_and_listed(wire: Raw, user: str) -> None:
    topic = f"t-{user}"
    assert subscribe(wire, topic, user, f"{user}-2", user) == 2
    assert subscribe(wire, topic, user, f"{user}-3") == 1
    page = accepted(wire, TOPIC + "getSubscribers", {"topic": topic, "pageSize": 2})
    assert page["userIds"] == [user, f"{user}-2"]
    rest = accepted(wire, TOPIC + "getSubscribers", {"topic": topic, "cursor": page["nextCursor"]})
    assert rest["userIds"] == [f"{user}-3"]
    assert "nextCursor" not in rest
    leave = {"topic": topic, "userIds": [f"{user}-2", "never-there"]}
    assert accepted(wire, TOPIC + "unsubscribe", leave)["changed"] == 1
    assert accepted(wire, TOPIC + "unsubscribe", leave)["changed"] == 0


@pytest.mark.parametrize("call", ["subscribe", "unsubscribe"])
@pytest.mark.parametrize(
    ("field", "wrong", "code"),
    [
        ("topic", None, "100002"),
        ("userIds", None, "100002"),
        ("topic", "", "100003"),
        ("topic", "x" * 65, "100003"),
        ("userIds", [], "100003"),
        ("userIds", "one", "100003"),
        ("userIds", [""], "100003"),
        ("userIds", ["u"] * 1_001, "100004"),
        ("platformCode", "x" * 33, "100003"),
        ("platformCode", "999999", "200007"),
    ],
)
def test_wrong_subscriptions_are_refused(wire: Raw, call: str, field: str, wrong: object, code: str) -> None:
    refused(wire, TOPIC + call, {"topic": "t", "userIds": ["u"], field: wrong}, code, "" if code[0] == "2" else field)


@pytest.mark.parametrize("field", ["topic", "userIds"])
def test_a_subscription_has_a_topic_and_users(wire: Raw, field: str) -> None:
    refused(wire, TOPIC + "subscribe", without({"topic": "t", "userIds": ["u"]}, field), "100002", field)


def test_a_thousand_users_subscribe_in_one_call(wire: Raw, user: str) -> None:
    assert subscribe(wire, f"t-{user}", *(f"{user}-{number}" for number in range(1_000))) == 1_000


def test_a_topic_belongs_to_its_app(wire: Raw, stranger: Raw, user: str) -> None:
    subscribe(wire, f"t-{user}", user)
    refused(stranger, "sendMsg", to_topic(f"t-{user}"), "300005")
    refused(stranger, TOPIC + "unsubscribe", {"topic": f"t-{user}", "userIds": [user]}, "300005")
    refused(stranger, TOPIC + "getSubscribers", {"topic": f"t-{user}"}, "300005")


def test_subscribers_get_the_messages_of_their_subscription_and_keep_them(wire: Raw, user: str) -> None:
    topic, late = f"t-{user}", f"{user}-late"
    subscribe(wire, topic, user)
    first = send(wire, to_topic(topic))
    subscribe(wire, topic, late)
    second = send(wire, to_topic(topic))
    accepted(wire, TOPIC + "unsubscribe", {"topic": topic, "userIds": [user]})
    third = send(wire, to_topic(topic))
    subscribe(wire, topic, user)
    assert (unread(wire, user), unread(wire, late)) == (2, 2)
    receivers = [[receipt["userId"] for receipt in status(wire, i)["details"]] for i in (first, second, third)]
    assert receivers == [[user], in_receipt_order([user, late]), [late]]


# --- Everyone -------------------------------------------------------------------------------------------------------


def test_a_broadcast_reaches_the_users_known_before_it(wire: Raw, user: str) -> None:
    accepted(wire, USER_TOKEN, {"publisherId": user})
    message_id = send(wire, to_all())
    accepted(wire, USER_TOKEN, {"publisherId": f"{user}-late"})
    assert (unread(wire, user), unread(wire, f"{user}-late")) == (1, 0)
    message = listed(wire, message_id)
    assert message["toAll"] is True
    assert "topic" not in message


def test_an_app_can_lose_the_right_to_broadcast(
    stranger: Raw, other_app: Credentials, shared_database: str, user: str
) -> None:
    take_away = "update app set broadcasts = false where app_id = '{}'"
    wait_for(execute(shared_database, take_away.format(other_app.app_id)))
    refused(stranger, "sendMsg", to_all(), "200007")
    accepted(stranger, TOPIC + "subscribe", {"topic": "mine", "userIds": [user]})
    send(stranger, to_topic("mine"))


def test_an_app_that_is_not_live_cannot_broadcast(raw: Raw, app: Credentials, shared_database: str, user: str) -> None:
    accepted(raw, USER_TOKEN, {"publisherId": user})
    wait_for(execute(shared_database, f"update app set live = false where app_id = '{app.app_id}'"))
    refused(raw, "sendMsg", to_all(), "200007")
    refused(raw, TOPIC + "subscribe", {"topic": "mine", "userIds": [user]}, "200007")


def test_a_broadcast_that_was_not_pulled_can_be_set_read(wire: Raw, user: str) -> None:
    accepted(wire, USER_TOKEN, {"publisherId": user})
    message_id = send(wire, to_all())
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    (detail,) = status(wire, message_id, isRead=1)["details"]
    assert (detail["userId"], detail["isRead"]) == (user, 1)
    assert detail["readTime"].isdigit()
    refused(wire, "modMsgStatus", {"publisherId": f"{user}-unknown", "msgId": [message_id]}, "300001")


def test_receipts_of_a_broadcast_come_in_pages_by_user(wire: Raw, user: str) -> None:
    topic, users = f"t-{user}", [f"{user}-{number}" for number in range(7)]
    subscribe(wire, topic, *users)
    message_id = send(wire, to_topic(topic))
    for name in users[::2]:
        accepted(wire, "modMsgStatus", {"publisherId": name, "msgId": [message_id]})
    user_ids: list[str] = []
    cursor: Json = {}
    while True:
        page = status(wire, message_id, isRead=1, pageSize=2, **cursor)
        assert (page["receivers"], page["delivered"], page["read"], page["unread"]) == (7, 7, 4, 3)
        user_ids += [receipt["userId"] for receipt in page["details"]]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert user_ids == in_receipt_order(users[::2])
    unread = [receipt["userId"] for receipt in status(wire, message_id, isRead=0)["details"]]
    assert unread == in_receipt_order(users[1::2])


def test_an_approval_cannot_be_a_broadcast(wire: Raw) -> None:
    refused(wire, "sendMsg", to_all(approval=True), "100005", "approval", "receiverIds")


def test_an_expired_topic_message_leaves_every_mailbox(wire: Raw, user: str) -> None:
    topic = f"t-{user}"
    subscribe(wire, topic, user, f"{user}-2")
    message_id = send(wire, to_topic(topic, expireTime=int(time.time() * 1_000) + 2_500))
    assert unread(wire, user) == 1
    wait_for_state(wire, message_id, "expired")
    assert (unread(wire, user), unread(wire, f"{user}-2")) == (0, 0)
    refused(wire, "modMsgStatus", {"publisherId": f"{user}-2", "msgId": [message_id]}, "300001")
    refused(wire, "updateMsg", updated(message_id), "300001")
    assert status(wire, message_id)["receivers"] == 2


# --- Recall ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["receivers", "topic"])
def test_a_recall_removes_the_message_from_every_mailbox(wire: Raw, user: str, way: str) -> None:
    subscribe(wire, f"t-{user}", user, f"{user}-2")
    request = text_to(user, f"{user}-2") if way == "receivers" else to_topic(f"t-{user}")
    message_id = send(wire, request)
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    for _ in range(2):
        accepted(wire, "recallMsg", {"msgId": message_id})
    assert (unread(wire, user), unread(wire, f"{user}-2")) == (0, 0)
    refused(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]}, "300001")
    after = status(wire, message_id)
    assert (after["state"], after["receivers"], after["read"]) == ("recalled", 2, 1)
    assert after["recallTime"].isdigit()
    refused(wire, "updateMsg", updated(message_id), "300004")
    refused(wire, "remindUnread", {"msgId": message_id}, "300004")


@pytest.mark.parametrize("way", ["few", "many", "topic"])
def test_a_recall_cancels_a_scheduled_message(wire: Raw, user: str, way: str) -> None:
    subscribe(wire, f"t-{user}", user)
    soon = {"sendTime": int(time.time() * 1_000) + 4_000}
    requests = {
        "few": text_to(user, **soon),
        "many": text_to(user, *(f"{user}-{number}" for number in range(1_500)), **soon),
        "topic": to_topic(f"t-{user}", **soon),
    }
    cancelled = send(wire, requests[way])
    goes_out = send(wire, text_to(user, sendTime=soon["sendTime"]))
    assert status(wire, cancelled)["state"] == "scheduled"
    accepted(wire, "recallMsg", {"msgId": cancelled})
    wait_for_state(wire, goes_out, "sent")
    assert unread(wire, user) == 1
    assert status(wire, cancelled)["delivered"] == 0


@pytest.mark.parametrize("call", ["recallMsg", "remindUnread", "getMsgVersions", "updateMsg"])
def test_a_message_is_unknown_to_other_apps(wire: Raw, stranger: Raw, user: str, call: str) -> None:
    message_id = send(wire, text_to(user))
    for unknown in (message_id, "1", "no number", "9" * 25):
        refused(stranger, call, updated(unknown), "300001")
    refused(wire, call, without(updated("1"), "msgId"), "100002", "msgId")
    refused(wire, call, {**updated("1"), "msgId": True}, "100003", "msgId")


# --- Update ---------------------------------------------------------------------------------------------------------


def test_an_update_keeps_id_and_read_states(wire: Raw, user: str) -> None:
    message_id = send(wire, text_to(user, f"{user}-2"))
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    for _ in range(2):
        accepted(wire, "updateMsg", {"msgId": message_id, "msgtype": "link", "link": LINK})
    assert (unread(wire, user), unread(wire, f"{user}-2")) == (0, 1)
    message = listed(wire, message_id)
    assert (message["busiId"], message["msgtype"], message["version"]) == (LINK["busiId"], "link", 2)
    accepted(wire, "updateMsg", without({**oa_to(user), "msgId": message_id, "resetRead": True}, "receiverIds"))
    assert (unread(wire, user), unread(wire, f"{user}-2")) == (1, 1)
    versions = accepted(wire, "getMsgVersions", {"msgId": message_id})["versions"]
    assert [(version["version"], version["msgtype"], version["resetRead"]) for version in versions] == [
        *((1, "text", False), (2, "link", False), (3, "oa", True))
    ]
    assert versions[0]["body"] == {"content": "开会"}
    assert versions[2]["body"]["busiId"] == PLACES["busiId"]


@pytest.mark.parametrize("looked", [True, False])
def test_a_message_read_after_a_reset_stays_read(wire: Raw, user: str, looked: bool) -> None:
    subscribe(wire, f"t-{user}", user)
    message_id = send(wire, to_topic(f"t-{user}"))
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    accepted(wire, "updateMsg", updated(message_id, resetRead=True))
    assert status(wire, message_id)["read"] == 0
    if looked:
        assert unread(wire, user) == 1
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    assert unread(wire, user) == 0
    assert status(wire, message_id)["read"] == 1


def test_a_scheduled_message_is_sent_as_updated(wire: Raw, user: str) -> None:
    message_id = send(wire, text_to(user, sendTime=int(time.time() * 1_000) + 2_000))
    accepted(wire, "updateMsg", updated(message_id, "at last"))
    wait_for_state(wire, message_id, "sent")
    assert listed(wire, message_id)["body"] == {"content": "at last"}
    assert unread(wire, user) == 1


@pytest.mark.parametrize(
    ("wrong", "code", "named"),
    [
        ({"resetRead": 1}, "100003", "resetRead"),
        ({"msgtype": "sms"}, "100003", "msgtype"),
        ({"msgtype": "link"}, "100002", "link"),
        ({"text": {"content": ""}}, "100003", "text.content"),
        ({"msgType": "oa"}, "100005", "msgtype"),
    ],
)
def test_a_wrong_update_changes_nothing(wire: Raw, user: str, wrong: Json, code: str, named: str) -> None:
    message_id = send(wire, text_to(user))
    refused(wire, "updateMsg", {**updated(message_id), **wrong}, code, named)
    assert len(accepted(wire, "getMsgVersions", {"msgId": message_id})["versions"]) == 1


# --- Reminders and approvals ----------------------------------------------------------------------------------------


def test_a_message_is_reminded_of_at_most_once_an_hour(wire: Raw, user: str) -> None:
    message_id = send(wire, text_to(user, f"{user}-2"))
    assert accepted(wire, "remindUnread", {"msgId": message_id})["reminded"] == 2
    refused(wire, "remindUnread", {"msgId": message_id}, "400001")
    assert status(wire, message_id)["remindTime"].isdigit()


def test_a_reminder_without_recipients_does_not_use_up_the_hour(wire: Raw, user: str) -> None:
    message_id = send(wire, text_to(user))
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    assert accepted(wire, "remindUnread", {"msgId": message_id})["reminded"] == 0
    accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id], "isRead": 0})
    assert accepted(wire, "remindUnread", {"msgId": message_id})["reminded"] == 1
    later = send(wire, text_to(user, sendTime=int(time.time() * 1_000) + 3_600_000))
    assert accepted(wire, "remindUnread", {"msgId": later})["reminded"] == 0


def test_the_status_shows_who_closed_an_approval_and_when(wire: Raw, user: str) -> None:
    message_id = send(wire, text_to(user, f"{user}-2", approval=True))
    assert "closeTime" not in status(wire, message_id)
    accepted(wire, "modMsgStatus", {"msgId": [message_id], "approverId": "headmaster"})
    accepted(wire, "modMsgStatus", {"msgId": [message_id], "approverId": "somebody later"})
    closed = status(wire, message_id)
    assert (closed["closedBy"], closed["read"]) == ("headmaster", 2)
    assert closed["closeTime"].isdigit()
    accepted(wire, "modMsgStatus", {"msgId": [message_id], "isRead": 0})
    assert "closedBy" not in status(wire, message_id)
    refused(wire, "modMsgStatus", {"msgId": [message_id], "approverId": ""}, "100003", "approverId")
