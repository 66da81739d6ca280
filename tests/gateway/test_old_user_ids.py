"""User ids with white space at their ends: refused in new requests, but existing users keep their messages."""

import pytest

from tests.conftest import Raw, execute, wait_for
from tests.gateway.calls import accepted, refused, text_to
from tests.scene import cell_of

SUBSCRIBE, UNSUBSCRIBE = "/msgCenter/topic/subscribe", "/msgCenter/topic/unsubscribe"
USER_TOKEN = "/msgCenter/user/getUserToken"


@pytest.fixture
def old_user(raw: Raw, shared_database: str, user: str) -> str:
    """A user whose id ends in a space, with one unread message of `raw`'s app and a subscription."""
    user = next(name for name in (f"{user}-{n}" for n in range(1_000)) if cell_of(name) == cell_of(f"{name} "))
    accepted(raw, "sendMsg", text_to(user))
    accepted(raw, SUBSCRIBE, {"topic": "t", "userIds": [user]})
    for table in ("mailbox", "mailbox_page", "topic_subscription"):
        wait_for(execute(shared_database, f"update {table} set user_id = user_id || ' ' where user_id = '{user}'"))
    return f"{user} "


def test_messages_of_an_old_user_can_be_read_and_set(raw: Raw, old_user: str) -> None:
    message_id = accepted(raw, "getMsgList", {})["messages"][0]["msgId"]
    assert accepted(raw, "getUnreadCount", {"publisherId": old_user})["unread"] == 1
    accepted(raw, "modMsgStatus", {"publisherId": old_user, "msgId": [message_id]})
    assert accepted(raw, "getUnreadCount", {"publisherId": old_user})["unread"] == 0
    assert accepted(raw, USER_TOKEN, {"publisherId": old_user})["userToken"]
    assert accepted(raw, UNSUBSCRIBE, {"topic": "t", "userIds": [old_user]})["changed"] == 1


def test_nothing_new_is_sent_to_an_old_user(raw: Raw, old_user: str) -> None:
    refused(raw, "sendMsg", text_to(old_user), "100003", "receiverIds[0]")
    refused(raw, SUBSCRIBE, {"topic": "t", "userIds": [old_user]}, "100003", "userIds[0]")


def test_an_unknown_id_with_white_space_is_refused_everywhere(raw: Raw, old_user: str) -> None:
    for wrong in (f" {old_user}", old_user.strip() + "\u3000"):
        refused(raw, "modMsgStatus", {"publisherId": wrong, "msgId": ["1"]}, "100003", "publisherId")
        refused(raw, "getUnreadCount", {"publisherId": wrong}, "100003", "publisherId")
        refused(raw, USER_TOKEN, {"publisherId": wrong}, "100003", "publisherId")
        refused(raw, UNSUBSCRIBE, {"topic": "t", "userIds": ["x", wrong]}, "100003", "userIds[1]")
        refused(raw, "modMsgStatus", {"msgId": ["1"], "approverId": wrong}, "100003", "approverId")


def test_new_topics_and_platform_codes_have_no_white_space_at_their_ends(raw: Raw, user: str) -> None:
    for wrong in (" t", "t\u3000", "\ufefft"):
        refused(raw, SUBSCRIBE, {"topic": wrong, "userIds": [user]}, "100003", "topic")
        refused(raw, "getUnreadCount", {"publisherId": user, "platformCode": wrong}, "100003", "platformCode", "32")


def test_an_old_topic_can_still_be_used(raw: Raw, shared_database: str, user: str) -> None:
    accepted(raw, SUBSCRIBE, {"topic": user, "userIds": [user]})
    wait_for(execute(shared_database, f"update topic set name = name || ' ' where name = '{user}'"))
    topic = {"topic": f"{user} "}
    accepted(raw, "sendMsg", {**topic, "msgtype": "text", "text": {"content": "x"}})
    assert accepted(raw, "/msgCenter/topic/getSubscribers", topic)["userIds"] == [user]
    assert accepted(raw, UNSUBSCRIBE, {**topic, "userIds": [user]})["changed"] == 1
