"""`getMsgStatus`, `getMsgList`, `getUnreadCount` (docs/protocol.md, "The rest of the app API")."""

from datetime import UTC, datetime

import pytest

from msgcenter_client import Client, StateError
from tests.conftest import Raw
from tests.gateway.calls import Json, accepted, envelope, link_to, now_ms, oa_to, refused, text_to, until, when_sent
from tests.scene import in_receipt_order

DAY = 86_400_000


def pages(raw: Raw, call: str, request: Json, items: str) -> list[Json]:
    """Return the answers for all pages of a call."""
    answers = [accepted(raw, call, request)]
    while "nextCursor" in answers[-1]:
        cursor = answers[-1]["nextCursor"]
        assert isinstance(cursor, str)
        assert answers[-1][items], "only the last page may be empty"
        answers.append(accepted(raw, call, {**request, "cursor": cursor}))
    return answers


# --- getMsgStatus ---------------------------------------------------------------------------------------------------


def test_a_status_has_the_documented_keys(wire: Raw, sdk: Client, user: str) -> None:
    receivers = [f"{user}-{number}" for number in range(3)]
    message_id = sdk.send_text(receivers, "x")
    before = now_ms()
    sdk.set_status(receivers[1], message_id)
    answer = accepted(wire, "getMsgStatus", {"msgId": message_id})
    assert list(answer)[2:] == ["receivers", "delivered", "read", "unread", "state", "details"]
    assert [answer[name] for name in list(answer)[2:7]] == [3, 3, 1, 2, "sent"]
    read_time = next(detail["readTime"] for detail in answer["details"] if detail["isRead"])
    expected = {receiver: {"userId": receiver, "isRead": 0, "readTime": ""} for receiver in receivers}
    expected[receivers[1]] |= {"isRead": 1, "readTime": read_time}
    assert answer["details"] == [expected[receiver] for receiver in in_receipt_order(receivers)]
    assert before <= int(read_time) <= now_ms()
    assert accepted(wire, "getMsgStatus", {"msgId": int(message_id)}) == answer


@pytest.fixture(scope="module")
def read_by_some(sdk: Client) -> str:
    """A message to 25 receivers; every third one has read it."""
    message_id = sdk.send_text([f"some-{number:02}" for number in range(25)], "x")
    for number in range(0, 25, 3):
        sdk.set_status(f"some-{number:02}", message_id)
    return message_id


@pytest.mark.parametrize("size", [1, 7, 25, 200])
@pytest.mark.parametrize("flag", [None, 0, 1, "0", "1"])
def test_receipts_are_paged_and_filtered(wire: Raw, read_by_some: str, flag: object, size: int) -> None:
    request: Json = {"msgId": read_by_some, "pageSize": size}
    if flag is not None:
        request["isRead"] = flag
    answers = pages(wire, "getMsgStatus", request, "details")
    assert all(len(page["details"]) == size for page in answers[:-1])
    assert all((page["receivers"], page["read"], page["unread"]) == (25, 9, 16) for page in answers)
    numbers = [number for number in range(25) if flag is None or (number % 3 == 0) == (str(flag) == "1")]
    details = [detail for page in answers for detail in page["details"]]
    assert [detail["userId"] for detail in details] == in_receipt_order(f"some-{number:02}" for number in numbers)
    assert all((detail["isRead"] == 1) == (detail["readTime"] != "") for detail in details)


def test_a_page_has_fifty_receipts_by_default(wire: Raw, sdk: Client, user: str) -> None:
    message_id = sdk.send_text([f"{user}-{number:03}" for number in range(201)], "x")
    for request, size in (({}, 50), ({"pageSize": 200}, 200)):
        assert len(accepted(wire, "getMsgStatus", {"msgId": message_id, **request})["details"]) == size
    receipts = [receipt.recipient for receipt in sdk.receipts(message_id)]
    assert receipts == in_receipt_order(f"{user}-{number:03}" for number in range(201))


def test_receipts_of_a_large_send_are_paged_across_its_chunks(sdk: Client, user: str) -> None:
    receivers = [f"{user}-{number:04}" for number in range(2_300)]
    message_id = sdk.send_text(receivers, "x")
    when_sent(sdk, message_id)
    sdk.set_status(receivers[1_500], message_id)
    assert [receipt.recipient for receipt in sdk.receipts(message_id)] == in_receipt_order(receivers)
    assert [receipt.recipient for receipt in sdk.receipts(message_id, read=True)] == [receivers[1_500]]


def test_the_states_of_a_message(wire: Raw, sdk: Client, user: str) -> None:
    scheduled = accepted(wire, "sendMsg", text_to(user, sendTime=now_ms() + DAY))["msgId"]
    short = accepted(wire, "sendMsg", text_to(user, expireTime=now_ms() + 2_000))["msgId"]
    large = sdk.send_text([f"{user}-{number:04}" for number in range(1_001)], "x")
    assert sdk.message_status(large, page_size=1).state in {"sending", "sent"}
    assert sdk.message_status(scheduled).state == "scheduled"
    until(lambda: sdk.message_status(short).state == "expired")
    when_sent(sdk, large)


@pytest.mark.parametrize("odd", ["", "x", "0", "7", "-1", "1.0", "9" * 20, "１", 0, -1, 2**63, 10**100])
def test_the_status_of_an_unknown_message_is_300001(wire: Raw, odd: object) -> None:
    refused(wire, "getMsgStatus", {"msgId": odd}, "300001")


def test_another_apps_message_is_unknown(wire: Raw, other_client: Client, user: str) -> None:
    theirs = other_client.send_text(user, "x")
    answers = {
        wire.post("getMsgStatus", {"msgId": message_id}).content for message_id in (theirs, str(int(theirs) + 1))
    }
    assert answers == {'{"retCode":"300001","retDesc":"消息不存在"}'.encode()}


def test_the_sdk_raises_state_error_for_an_unknown_message(sdk: Client) -> None:
    with pytest.raises(StateError) as raised:
        sdk.message_status("7")
    assert raised.value.ret_code == "300001"


@pytest.mark.parametrize("wrong", [True, 1.0, [], ["1"], {}])
def test_a_msg_id_of_another_type_is_100003(wire: Raw, wrong: object) -> None:
    refused(wire, "getMsgStatus", {"msgId": wrong}, "100003", "msgId")


def test_msg_id_is_required_in_the_request(wire: Raw) -> None:
    refused(wire, "getMsgStatus", {}, "100002", "msgId")


# --- Pages ----------------------------------------------------------------------------------------------------------

PAGED: list[tuple[str, Json]] = [("getMsgStatus", {"msgId": "7"}), ("getMsgList", {})]


@pytest.mark.parametrize(("call", "request_"), PAGED)
@pytest.mark.parametrize("wrong", [0, 201, -1, 1.5, "x", "", True, [], 10**30])
def test_a_page_has_one_to_two_hundred_items(wire: Raw, call: str, request_: Json, wrong: object) -> None:
    refused(wire, call, {**request_, "pageSize": wrong}, "100003", "pageSize", "200")


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1.0", "9" * 20, str(2**63), "１", " 1"])
def test_an_invalid_cursor_is_100003(wire: Raw, read_by_some: str, wrong: str) -> None:
    for call, request in (("getMsgStatus", {"msgId": read_by_some}), ("getMsgList", {})):
        refused(wire, call, {**request, "cursor": wrong}, "100003", "cursor", "nextCursor")


@pytest.mark.parametrize("wrong", [1, True, [], {}])
def test_a_cursor_is_text(wire: Raw, read_by_some: str, wrong: object) -> None:
    for call, request in (("getMsgStatus", {"msgId": read_by_some}), ("getMsgList", {})):
        refused(wire, call, {**request, "cursor": wrong}, "100003", "cursor")


@pytest.mark.parametrize("cursor", ["0", "25", "26", "1000", "9" * 18, str(2**63 - 1), "00"])
def test_any_number_is_a_harmless_cursor(wire: Raw, read_by_some: str, cursor: str) -> None:
    for call, request in (("getMsgStatus", {"msgId": read_by_some}), ("getMsgList", {})):
        accepted(wire, call, {**request, "cursor": cursor})


# --- getMsgList -----------------------------------------------------------------------------------------------------


def ids_of(answer: Json) -> list[str]:
    return [message["msgId"] for message in answer["messages"]]


def test_an_app_without_messages_has_an_empty_list(raw: Raw) -> None:
    assert raw.post("getMsgList", {}).content == '{"retCode":"000000","retDesc":"操作成功","messages":[]}'.encode()


def test_a_listed_message_has_the_documented_keys(raw: Raw, client: Client, user: str) -> None:
    before = now_ms()
    text = accepted(raw, "sendMsg", text_to(user, f"{user}-2"))["msgId"]
    link = accepted(raw, "sendMsg", link_to(user, busiId=42))["msgId"]
    card = accepted(raw, "sendMsg", oa_to(user))["msgId"]
    client.set_status(user, text)
    answer = accepted(raw, "getMsgList", {})
    assert list(answer) == ["retCode", "retDesc", "messages"]
    assert ids_of(answer) == [card, link, text]
    listed = {message["msgId"]: message for message in answer["messages"]}
    counts = ("receivers", "delivered", "read", "unread")
    assert [listed[text][name] for name in counts] == [2, 2, 1, 1]
    assert [listed[card][name] for name in counts] == [1, 1, 0, 1]
    assert (listed[text]["msgtype"], listed[text]["body"]) == ("text", {"content": "开会"})
    assert "busiId" not in listed[text]
    assert (listed[link]["msgtype"], listed[link]["busiId"]) == ("link", "42")
    assert (listed[card]["msgtype"], listed[card]["busiId"]) == ("oa", "leave-17")
    assert listed[card]["body"]["head"] == {"text": "请假审批"}
    for message in listed.values():
        assert message["state"] == "sent"
        assert isinstance(message["createTime"], str)
        assert before <= int(message["createTime"]) <= now_ms()


def test_a_list_is_filtered_by_business_and_kind(raw: Raw, user: str) -> None:
    text = accepted(raw, "sendMsg", text_to(user))["msgId"]
    links = [accepted(raw, "sendMsg", link_to(user, busiId=business))["msgId"] for business in ("a", "b", "a")]
    card = accepted(raw, "sendMsg", oa_to(user, busiId="a"))["msgId"]
    for query, message_ids in (
        ({}, [card, *reversed(links), text]),
        ({"busiId": "a"}, [card, links[2], links[0]]),
        ({"busiId": "a", "msgtype": "link"}, [links[2], links[0]]),
        ({"busiId": "b"}, [links[1]]),
        ({"busiId": "A"}, []),
        ({"busiId": 1}, []),
        ({"msgtype": "text"}, [text]),
        ({"msgType": "oa"}, [card]),
        ({"msgtype": "link", "msgType": "link"}, list(reversed(links))),
    ):
        assert ids_of(accepted(raw, "getMsgList", query)) == message_ids, query


def between_milliseconds() -> int:
    """Return a time whose millisecond no other step of the test shares."""
    before = now_ms()
    until(lambda: now_ms() > before + 1)
    moment = now_ms()
    until(lambda: now_ms() > moment + 1)
    return moment


def test_a_list_is_filtered_by_time(raw: Raw, client: Client, user: str) -> None:
    first = client.send_text(user, "x")
    early = between_milliseconds()
    second = client.send_text(user, "x")
    late = between_milliseconds()
    third = client.send_text(user, "x")
    query: Json
    for query, message_ids in (
        ({"startTime": early}, [third, second]),
        ({"startTime": str(late)}, [third]),
        ({"endTime": early}, [first]),
        ({"endTime": str(late)}, [second, first]),
        ({"startTime": early, "endTime": late}, [second]),
        ({"startTime": 0, "endTime": 10**15 - 1}, [third, second, first]),
        ({"startTime": 10**14}, []),
        ({"endTime": 1}, []),
    ):
        assert ids_of(accepted(raw, "getMsgList", query)) == message_ids, query
    start, end = (datetime.fromtimestamp(moment / 1_000, UTC) for moment in (early, late))
    assert [listed.id for listed in client.messages(start=start, end=end)] == [second]


def test_a_message_is_found_by_its_own_create_time(raw: Raw, client: Client, user: str) -> None:
    ids = [client.send_text(user, "x") for _ in range(5)]
    for message in accepted(raw, "getMsgList", {})["messages"]:
        at = int(message["createTime"])
        listed = ids_of(accepted(raw, "getMsgList", {"startTime": at, "endTime": at + 1}))
        assert message["msgId"] in listed, (message, ids)


def test_a_scheduled_message_is_found_at_its_send_time(raw: Raw, client: Client, user: str) -> None:
    at = now_ms() + DAY
    scheduled = accepted(raw, "sendMsg", text_to(user, sendTime=at))["msgId"]
    now = client.send_text(user, "x")
    assert ids_of(accepted(raw, "getMsgList", {})) == [scheduled, now]
    assert ids_of(accepted(raw, "getMsgList", {"startTime": at, "endTime": at + 1})) == [scheduled]


def test_a_time_filter_that_ends_before_its_start_is_refused(wire: Raw) -> None:
    for start, end in ((2, 1), (5, 5), ("9", 8)):
        refused(wire, "getMsgList", {"startTime": start, "endTime": end}, "100005", "startTime", "endTime")


@pytest.mark.parametrize("name", ["startTime", "endTime"])
@pytest.mark.parametrize("wrong", ["", "x", "1.5", 1.5, -1, 10**15, True, []])
def test_the_times_of_a_filter_are_milliseconds(wire: Raw, name: str, wrong: object) -> None:
    refused(wire, "getMsgList", {name: wrong}, "100003", name)


@pytest.mark.parametrize("name", ["busiId", "msgtype", "msgType"])
@pytest.mark.parametrize("wrong", ["", True, 1.5, [], "x" * 65])
def test_other_filters_are_checked(wire: Raw, name: str, wrong: object) -> None:
    refused(wire, "getMsgList", {name: wrong}, "100003", name)


def test_a_list_is_paged_and_newest_first(raw: Raw, client: Client, user: str) -> None:
    ids = [client.send_text(user, f"number {number}") for number in range(12)][::-1]
    for size in (1, 5, 12, 200):
        answers = pages(raw, "getMsgList", {"pageSize": size}, "messages")
        assert [message_id for page in answers for message_id in ids_of(page)] == ids
        assert all(len(page["messages"]) == size for page in answers[:-1])
    first = accepted(raw, "getMsgList", {"pageSize": 5})
    client.send_text(user, "a newer one")
    second = accepted(raw, "getMsgList", {"pageSize": 5, "cursor": first["nextCursor"]})
    assert ids_of(first) + ids_of(second) == ids[:10], "newer messages do not move the pages"
    assert [message.id for message in client.messages(page_size=3)][1:] == ids


def test_a_list_has_only_the_apps_own_messages(raw: Raw, other_client: Client, user: str) -> None:
    other_client.send_text(user, "x")
    assert accepted(raw, "getMsgList", {})["messages"] == []


# --- getUnreadCount -------------------------------------------------------------------------------------------------


def test_unread_messages_are_counted_per_app(wire: Raw, sdk: Client, other_client: Client, user: str) -> None:
    assert wire.post("getUnreadCount", {"publisherId": user}).content == (
        '{"retCode":"000000","retDesc":"操作成功","unread":0}'.encode()
    )
    mine = [sdk.send_text(user, "x") for _ in range(3)]
    other_client.send_text(user, "x")
    assert (sdk.unread_count(user), other_client.unread_count(user)) == (3, 1)
    sdk.set_status(user, mine)
    assert (sdk.unread_count(user), other_client.unread_count(user)) == (0, 1)


def test_unread_messages_are_counted_across_pages_of_a_mailbox(sdk: Client, user: str) -> None:
    ids = [sdk.send_text(user, f"number {number}") for number in range(130)]
    assert sdk.unread_count(user) == 130
    sdk.set_status(user, ids[60:])
    assert sdk.unread_count(user) == 60


def test_a_receiver_is_required(wire: Raw) -> None:
    refused(wire, "getUnreadCount", {}, "100002", "publisherId")


# --- getUserToken ---------------------------------------------------------------------------------------------------

USER_TOKEN = "/msgCenter/user/getUserToken"


def test_a_user_token_has_the_requested_lifetime(wire: Raw, user: str) -> None:
    for options, seconds in (({}, 3_600), ({"ttl": 60}, 60), ({"ttl": 86_400, "platformCode": "420100"}, 86_400)):
        answer = accepted(wire, USER_TOKEN, {"publisherId": user, **options})
        assert list(answer) == ["retCode", "retDesc", "userToken", "expireTime"]
        assert isinstance(answer["expireTime"], str)
        assert abs(int(answer["expireTime"]) - now_ms() - seconds * 1_000) < 10_000


@pytest.mark.parametrize("wrong", [0, 59, 86_401, -1, 1.5, "3600", True])
def test_a_user_token_is_valid_for_at_most_a_day(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, USER_TOKEN, {"publisherId": user, "ttl": wrong}, "100003", "ttl", "86400")


def test_a_user_token_is_not_an_access_token(wire: Raw, user: str) -> None:
    token = accepted(wire, USER_TOKEN, {"publisherId": user})["userToken"]
    answer = wire.http.post(
        "/msgCenter/message/getUnreadCount", params={"accessToken": token}, json={"publisherId": user}
    )
    assert envelope(answer)["retCode"] == "200002"
