"""`requestId`: a repeated request is sent once (docs/protocol.md, "Idempotency")."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from msgcenter_client import Client
from tests.conftest import Credentials, Raw, execute, wait_for
from tests.gateway.calls import accepted, crowd, link_to, now_ms, refused, text_to, until, when_sent, without

DAY = 86_400_000


def test_a_repeated_request_id_sends_nothing_twice(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, requestId=user)
    first = accepted(wire, "sendMsg", request)
    for _ in range(3):
        assert accepted(wire, "sendMsg", request) == first
    assert sdk.unread_count(user) == 1
    assert accepted(wire, "sendMsg", text_to(user))["msgId"] != first["msgId"]
    assert accepted(wire, "sendMsg", text_to(user, requestId=f"{user}+"))["msgId"] != first["msgId"]


def test_the_header_is_the_same_as_the_field(wire: Raw, sdk: Client, user: str) -> None:
    first = accepted(wire, "sendMsg", text_to(user, requestId=user))
    assert accepted(wire, "sendMsg", text_to(user), idempotency_key=user) == first
    assert accepted(wire, "sendMsg", text_to(user, requestId=user), idempotency_key=user) == first
    assert sdk.unread_count(user) == 1
    refused(
        wire,
        "sendMsg",
        text_to(user, requestId=user),
        "100005",
        "requestId/Idempotency-Key",
        idempotency_key=f"{user}+",
    )
    refused(wire, "sendMsg", text_to(user), "100003", "Idempotency-Key", "64", idempotency_key="x" * 65)
    assert sdk.send_text(user, "开会", idempotency_key=user) == first["msgId"]


def test_another_spelling_of_a_request_is_a_repeat(wire: Raw, user: str) -> None:
    number = now_ms()
    first = accepted(wire, "sendMsg", text_to(user, number, requestId=user))
    for same in (
        text_to(str(number), user, user, requestId=user, approval=False),
        {**without(text_to(number, user, requestId=user), "msgtype"), "msgType": "text", "link": None, "sysCode": "1"},
        text_to(user, number, requestId=user, platformCode="420100"),
    ):
        assert accepted(wire, "sendMsg", same) == first


def test_a_reused_request_id_is_refused(wire: Raw, sdk: Client, user: str) -> None:
    accepted(wire, "sendMsg", text_to(user, requestId=user))
    for other in (
        text_to(user, requestId=user, text={"content": "another"}),
        text_to(user, f"{user}-2", requestId=user),
        text_to(user, requestId=user, approval=True),
        text_to(user, requestId=user, expireTime=now_ms() + DAY),
        text_to(user, requestId=user, sendTime=now_ms() + DAY),
        {**link_to(user), "requestId": user},
    ):
        refused(wire, "sendMsg", other, "300003", "requestId")
    assert sdk.unread_count(user) == 1


def test_request_ids_are_separate_per_app(sdk: Client, other_client: Client, user: str) -> None:
    mine = sdk.send_text(user, "x", idempotency_key=user)
    assert other_client.send_text(user, "another", idempotency_key=user) != mine


def test_concurrent_repeats_make_one_message(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, f"{user}-2", requestId=user)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: accepted(wire, "sendMsg", request)["msgId"], range(36)))
    assert len(set(answers)) == 1
    assert (sdk.unread_count(user), sdk.unread_count(f"{user}-2")) == (1, 1)


def test_a_refused_request_leaves_its_request_id_free(wire: Raw, user: str) -> None:
    refused(wire, "sendMsg", text_to(user, requestId=user, text={"content": ""}), "100003", "text.content")
    accepted(wire, "sendMsg", text_to(user, requestId=user))


@pytest.mark.parametrize("wrong", ["", "a\0", "a\n", True, 1.5, []])
def test_a_malformed_request_id_is_refused(wire: Raw, user: str, wrong: object) -> None:
    refused(wire, "sendMsg", text_to(user, requestId=wrong), "100003", "requestId")


def test_a_repeat_of_a_large_send_gets_the_same_id(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(*crowd(user, 1_001), requestId=user)
    message_id = accepted(wire, "sendMsg", request)["msgId"]
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id
    when_sent(sdk, message_id)
    assert accepted(wire, "sendMsg", request)["msgId"] == message_id
    assert sdk.unread_count(f"{user}-00000") == 1


def test_a_request_id_is_kept_for_a_day(raw: Raw, app: Credentials, shared_database: str, user: str) -> None:
    request = text_to(user, requestId=user)
    first = accepted(raw, "sendMsg", request)

    def age(milliseconds: int) -> None:
        statement = f"update idempotency_key set created_at = {now_ms() - milliseconds} where app_number = {app.number}"
        wait_for(execute(shared_database, statement))

    age(DAY - 60_000)
    assert accepted(raw, "sendMsg", request) == first
    refused(raw, "sendMsg", text_to(user, f"{user}-2", requestId=user), "300003")
    age(DAY + 1)
    assert accepted(raw, "sendMsg", request) != first


def test_a_repeat_is_answered_after_its_times_have_passed(wire: Raw, sdk: Client, user: str) -> None:
    request = text_to(user, requestId=user, expireTime=now_ms() + 2_000)
    first = accepted(wire, "sendMsg", request)
    until(lambda: sdk.message_status(first["msgId"]).state == "expired")
    assert accepted(wire, "sendMsg", request) == first
    refused(wire, "sendMsg", {**request, "requestId": f"{user}+"}, "100003", "expireTime")
    refused(wire, "sendMsg", {**request, "receiverIds": [f"{user}-2"]}, "300003", "requestId")
