"""Whom `sendMsg` sends to: receivers, and the other ways of addressing (docs/protocol.md, "sendMsg")."""

import pytest

from msgcenter_client import Client, StateError, Topic
from tests.conftest import Raw
from tests.gateway.calls import accepted, crowd, link_to, now_ms, oa_to, refused, text_to, when_sent, without

# --- Receivers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_up_to_a_thousand_receivers_get_the_message_at_once(sdk: Client, user: str, count: int) -> None:
    receivers = crowd(user, count)
    message_id = sdk.send_text(receivers, "x")
    status = sdk.message_status(message_id)
    assert (status.state, status.receivers, status.delivered, status.unread) == ("sent", count, count, count)
    assert sdk.unread_count(receivers[-1]) == 1


@pytest.mark.parametrize("count", [1_001, 10_000])
def test_more_receivers_get_the_message_in_the_background(sdk: Client, user: str, count: int) -> None:
    receivers = crowd(user, count)
    message_id = sdk.send_text(receivers, "x")
    assert sdk.message_status(message_id, page_size=1).receivers == count
    status = when_sent(sdk, message_id)
    assert (status.delivered, status.read, status.unread) == (count, 0, count)
    for receiver in (receivers[0], receivers[count // 2], receivers[-1]):
        assert sdk.unread_count(receiver) == 1
    assert sum(1 for _ in sdk.receipts(message_id)) == count


def test_zero_and_more_than_ten_thousand_receivers_are_refused(wire: Raw, user: str) -> None:
    refused(wire, "sendMsg", text_to(), "100003", "receiverIds", "10000")
    refused(wire, "sendMsg", text_to(*crowd(user, 10_001)), "100004", "receiverIds", "10000")
    refused(wire, "sendMsg", text_to(*[user] * 10_001), "100004", "receiverIds", "10000")


def test_duplicate_receivers_collapse(wire: Raw, sdk: Client, user: str) -> None:
    number = now_ms()
    message_id = accepted(wire, "sendMsg", text_to(user, user, number, str(number), user))["msgId"]
    assert sdk.message_status(message_id).receivers == 2
    assert (sdk.unread_count(user), sdk.unread_count(str(number))) == (1, 1)


@pytest.mark.parametrize("wrong", ["someone", 1, {}, True])
def test_receivers_are_an_array(wire: Raw, wrong: object) -> None:
    refused(wire, "sendMsg", {**text_to(), "receiverIds": wrong}, "100003", "receiverIds")


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a\0", "a\n", "\x1f", "\x7f", None, True, 1.5, 10**64, [], {}])
def test_a_wrong_receiver_is_named_by_its_index(wire: Raw, sdk: Client, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, user, wrong), "100003", "receiverIds[2]")
    refused(wire, "sendMsg", text_to(*[user] * 9_999, wrong), "100003", "receiverIds[9999]")
    assert sdk.unread_count(user) == 0


@pytest.mark.parametrize(
    "odd", ["张三", "😀" * 64, "a b", "a/b?c=d&e", "'; drop table app; --", "\u202e", "İ", "a\u0301"]
)
def test_unusual_user_ids_are_accepted_as_receivers(wire: Raw, sdk: Client, odd: str) -> None:
    before = sdk.unread_count(odd)
    accepted(wire, "sendMsg", text_to(odd))
    assert sdk.unread_count(odd) == before + 1


def test_ids_that_only_look_alike_are_different_users(sdk: Client, user: str) -> None:
    sdk.send_text(user, "x")
    for other in (user.upper(), user.replace("-", "\N{EN DASH}")):
        assert sdk.unread_count(other) == 0


@pytest.mark.parametrize("space", [" ", "\u3000", "\xa0", "\u2028", "\ufeff", "\u200b"])
def test_a_user_id_has_no_white_space_at_its_ends(wire: Raw, user: str, space: str) -> None:
    for wrong in (space, space + user, user + space):
        refused(wire, "sendMsg", text_to(user, wrong), "100003", "receiverIds[1]")
        refused(wire, "modMsgStatus", {"publisherId": wrong, "msgId": ["1"]}, "100003", "publisherId")
        refused(wire, "getUnreadCount", {"publisherId": wrong}, "100003", "publisherId")
        refused(wire, "/msgCenter/user/getUserToken", {"publisherId": wrong}, "100003", "publisherId")
        refused(wire, "/msgCenter/topic/subscribe", {"topic": "t", "userIds": [wrong]}, "100003", "userIds[0]")


# --- Ways of addressing ---------------------------------------------------------------------------------------------


def test_exactly_one_way_of_addressing_must_be_used(wire: Raw, user: str) -> None:
    without_receivers = without(text_to(user), "receiverIds")
    refused(wire, "sendMsg", without_receivers, "100002", "receiverIds")
    refused(wire, "sendMsg", text_to(user, topic="t"), "100005", "receiverIds/topic")
    refused(wire, "sendMsg", text_to(user, toAll=True), "100005", "receiverIds/toAll")
    refused(wire, "sendMsg", {**without_receivers, "topic": "t", "toAll": True}, "100005", "topic/toAll")
    refused(wire, "sendMsg", text_to(user, topic="t", toAll=True), "100005", "receiverIds/topic/toAll")


def test_a_topic_that_never_had_users_is_300005(sdk: Client, wire: Raw, user: str) -> None:
    with pytest.raises(StateError) as no_topic:
        sdk.send_text(Topic("t"), "x")
    assert no_topic.value.ret_code == "300005"
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "topic": "t"}, "300005")


@pytest.mark.parametrize("wrong", [False, 1, "true", {}])
def test_to_all_is_true_or_absent(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "toAll": wrong}, "100003", "toAll", "true")


@pytest.mark.parametrize("wrong", ["", "x" * 65, "a\0", True, []])
def test_a_topic_is_an_id(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", {**without(text_to(user), "receiverIds"), "topic": wrong}, "100003", "topic")


def test_an_approval_needs_a_list_of_receivers(wire: Raw, user: str) -> None:
    without_receivers = without(text_to(user, approval=True), "receiverIds")
    refused(wire, "sendMsg", {**without_receivers, "topic": "t"}, "100005", "approval/topic", "receiverIds")
    refused(wire, "sendMsg", {**without_receivers, "toAll": True}, "100005", "approval/toAll", "receiverIds")


@pytest.mark.parametrize("wrong", [1, 0, "true", "1", []])
def test_approval_is_true_or_false(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, approval=wrong), "100003", "approval", "true")


def test_only_messages_with_the_approval_flag_are_approvals(wire: Raw, user: str) -> None:
    plain = [accepted(wire, "sendMsg", text_to(user, **more))["msgId"] for more in ({}, {"approval": False})]
    for message_id in plain:
        refused(wire, "modMsgStatus", {"msgId": [message_id]}, "300002", message_id)
    for request in (text_to(user), link_to(user), oa_to(user)):
        approval = accepted(wire, "sendMsg", {**request, "approval": True})["msgId"]
        accepted(wire, "modMsgStatus", {"msgId": [approval]})
