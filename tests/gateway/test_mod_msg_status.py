"""`modMsgStatus`, bytes and rules (docs/protocol.md, "modMsgStatus")."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from msgspec.structs import replace

from msgcenter.actions.messages.sending import Sending
from msgcenter.database.database import Database
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter_client import Client, StateError
from tests.conftest import PLATFORM, Credentials, Raw, wait_for
from tests.gateway.calls import Json, accepted, envelope, now_ms, refused, text_to, until
from tests.scene import find_platform
from tests.scene import text_to as draft_to

SUCCESS = '{"retCode":"000000","retDesc":"操作成功"}'.encode()
SEED_USER = "7b551a5f23c242838c04e0fb02196e51"
SEED_REQUEST = (
    b'{\n\t"publisherId":"7b551a5f23c242838c04e0fb02196e51",\n\t"platformCode":"420100",\n'
    b'\t"isRead":1, \n\t"msgId":["3806","1312"]\n}'
)
"""The sample request of the protocol's source, byte for byte."""


# --- The source's sample --------------------------------------------------------------------------------------------


def test_the_samples_request_gets_the_samples_answer(
    raw: Raw, client: Client, app: Credentials, shared_database: str
) -> None:
    async def take_over() -> None:
        async with Database(shared_database, connections=3) as database, NodeLease(shared_database) as lease:
            platform = await find_platform(database, PLATFORM)
            for message_id in (3806, 1312):
                text = draft_to(app.number, platform, [SEED_USER], content="从旧平台接管")
                draft = replace(text, message_id=message_id)
                await Sending(database, lease, waiting_limit=10).import_message(draft)

    wait_for(take_over())
    assert client.unread_count(SEED_USER) == 2
    for _ in range(2):
        answer = raw.post("modMsgStatus", SEED_REQUEST)
        assert (answer.status_code, answer.content) == (200, SUCCESS)
        assert client.unread_count(SEED_USER) == 0
    unread = SEED_REQUEST.replace(b'"isRead":1', b'"isRead":0')
    assert raw.post("modMsgStatus", unread).content == SUCCESS
    assert client.unread_count(SEED_USER) == 2
    without = SEED_REQUEST.replace(b'"isRead":1, \n', b"")
    assert raw.post("modMsgStatus", without).content == SUCCESS
    assert client.unread_count(SEED_USER) == 0, "isRead is 1 by default"


def test_bare_success_has_exactly_two_keys(wire: Raw, sdk: Client, user: str) -> None:
    message_id = sdk.send_text(user, "hello")
    answer = wire.post("modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    assert answer.content == SUCCESS


def test_the_unread_count_follows_status_changes(sdk: Client, user: str) -> None:
    ids = [sdk.send_text(user, f"number {number}") for number in range(3)]
    assert sdk.unread_count(user) == 3
    sdk.set_status(user, ids[:2])
    assert sdk.unread_count(user) == 1
    sdk.set_status(user, ids, read=False)
    assert sdk.unread_count(user) == 3


# --- msgId ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fifty(sdk: Client) -> list[str]:
    """The ids of fifty messages to the user `fifty`."""
    return [sdk.send_text("fifty", f"number {number}") for number in range(50)]


def test_one_to_fifty_ids_are_set(wire: Raw, sdk: Client, fifty: list[str]) -> None:
    for count in (1, 49, 50):
        accepted(wire, "modMsgStatus", {"publisherId": "fifty", "msgId": fifty, "isRead": 0})
        answer = wire.post("modMsgStatus", {"publisherId": "fifty", "msgId": fifty[:count]})
        assert answer.content == SUCCESS
        assert sdk.unread_count("fifty") == 50 - count


def test_none_or_more_than_fifty_are_refused_and_nothing_changes(wire: Raw, sdk: Client, fifty: list[str]) -> None:
    accepted(wire, "modMsgStatus", {"publisherId": "fifty", "msgId": fifty, "isRead": 0})
    refused(wire, "modMsgStatus", {"publisherId": "fifty", "msgId": []}, "100003", "msgId", "50")
    for ids in ([*fifty, fifty[0]], [*fifty, "1"], [fifty[0]] * 51, fifty * 100):
        refused(wire, "modMsgStatus", {"publisherId": "fifty", "msgId": ids}, "100004", "msgId", "50")
    assert sdk.unread_count("fifty") == 50


@pytest.mark.parametrize("shape", [lambda i: i, int, lambda i: f"[{i}]", lambda i: {"0": i}])
def test_ids_must_be_an_array(wire: Raw, sdk: Client, user: str, shape: Callable[[str], object]) -> None:
    message_id = sdk.send_text(user, "x")
    refused(wire, "modMsgStatus", {"publisherId": user, "msgId": shape(message_id)}, "100003", "msgId")
    assert sdk.unread_count(user) == 1


@pytest.mark.parametrize("wrong", [None, True, 1.0, 1.5, [], ["1"], {}])
def test_an_id_of_another_type_is_refused_and_nothing_changes(wire: Raw, sdk: Client, user: str, wrong: object) -> None:
    message_id = sdk.send_text(user, "x")
    refused(wire, "modMsgStatus", {"publisherId": user, "msgId": [message_id, wrong]}, "100003", "msgId")
    assert sdk.unread_count(user) == 1


def test_msg_id_is_required(wire: Raw, user: str) -> None:
    refused(wire, "modMsgStatus", {"publisherId": user}, "100002", "msgId")


@pytest.mark.parametrize("shape", [str, int, lambda i: f"000{i}"[-19:]])
def test_an_id_is_text_or_an_integer(wire: Raw, sdk: Client, user: str, shape: Callable[[str], object]) -> None:
    message_id = sdk.send_text(user, "x")
    answer = wire.post("modMsgStatus", {"publisherId": user, "msgId": [shape(message_id)]})
    assert answer.content == SUCCESS
    assert sdk.unread_count(user) == 0


def test_duplicates_collapse(wire: Raw, sdk: Client, user: str) -> None:
    first, second = sdk.send_text(user, "x"), sdk.send_text(user, "y")
    answer = wire.post("modMsgStatus", {"publisherId": user, "msgId": [first, int(first), first, second, int(second)]})
    assert answer.content == SUCCESS
    assert sdk.unread_count(user) == 0
    body = {"publisherId": user, "msgId": ["77", first, "77", 77, "x", "x"], "isRead": 0}
    assert accepted(wire, "modMsgStatus", body)["invalidMsgId"] == ["77", "x"]
    assert sdk.unread_count(user) == 1


# --- Ids that are not there -----------------------------------------------------------------------------------------

ODD_IDS: list[object] = [
    "",
    "x",
    " 1",
    "1 ",
    "+1",
    "-1",
    "1.0",
    "1e3",
    "１２",
    "0",
    "9" * 19,
    "9" * 20,
    str(2**63),
    "\n",
    "消息",
    "😀" * 100,
    0,
    -1,
    2**63 - 1,
    2**63,
    10**100,
    10**4_000,
]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_impossible_id_is_unknown(wire: Raw, sdk: Client, user: str, odd: object) -> None:
    message_id = sdk.send_text(user, "x")
    body: Json = {"publisherId": user, "msgId": [odd, message_id]}
    assert accepted(wire, "modMsgStatus", body)["invalidMsgId"] == [str(odd)]
    assert sdk.unread_count(user) == 0
    answer = refused(wire, "modMsgStatus", {"publisherId": user, "msgId": [odd]}, "300001")
    assert answer["invalidMsgId"] == [str(odd)]


def test_unknown_ids_are_named_in_request_order_and_the_others_change(
    wire: Raw, sdk: Client, other_client: Client, user: str
) -> None:
    mine = [sdk.send_text(user, f"number {number}") for number in range(2)]
    another_apps = other_client.send_text(user, "x")
    another_users = sdk.send_text(f"{user}-2", "x")
    msg_ids = ["9", mine[1], another_users, "odd", another_apps, mine[0], 5]
    answer = accepted(wire, "modMsgStatus", {"publisherId": user, "msgId": msg_ids})
    assert list(answer) == ["retCode", "retDesc", "invalidMsgId"]
    assert answer["invalidMsgId"] == ["9", another_users, "odd", another_apps, "5"]
    assert (sdk.unread_count(user), other_client.unread_count(user), sdk.unread_count(f"{user}-2")) == (0, 1, 1)


def test_another_apps_message_is_unknown(wire: Raw, other_client: Client, user: str) -> None:
    theirs = other_client.send_text(user, "x")
    missing = str(int(theirs) + 1)
    answers = [
        wire.post("modMsgStatus", {"publisherId": user, "msgId": [message_id]}).text.replace(message_id, "ID")
        for message_id in (theirs, missing)
    ]
    assert answers == ['{"retCode":"300001","retDesc":"消息不存在","invalidMsgId":["ID"]}'] * 2
    assert other_client.unread_count(user) == 1


def test_a_call_with_unknown_ids_only_is_refused_and_names_them(sdk: Client, user: str) -> None:
    another_users = sdk.send_text(f"{user}-2", "x")
    with pytest.raises(StateError) as raised:
        sdk.set_status(user, ["7", another_users])
    assert raised.value.ret_code == "300001"
    assert raised.value.invalid_ids == ("7", another_users)


def test_a_user_of_another_platform_is_another_user(sdk: Client, wire: Raw, user: str) -> None:
    message_id = sdk.send_text(user, "x")
    body = {"publisherId": user, "msgId": [message_id], "platformCode": "330100"}
    refused(wire, "modMsgStatus", body, "200007", "330100")
    refused(wire, "modMsgStatus", {**body, "msgId": ["7"]}, "200007", "330100")
    assert sdk.unread_count(user) == 1
    answer = wire.post("modMsgStatus", {**body, "platformCode": PLATFORM})
    assert answer.content == SUCCESS


def test_an_expired_message_is_unknown(wire: Raw, sdk: Client, user: str) -> None:
    kept = sdk.send_text(user, "x")
    short = accepted(wire, "sendMsg", text_to(user, expireTime=now_ms() + 2_000))["msgId"]
    until(lambda: sdk.unread_count(user) == 1)
    body = {"publisherId": user, "msgId": [short, kept]}
    assert accepted(wire, "modMsgStatus", body)["invalidMsgId"] == [short]
    refused(wire, "modMsgStatus", {**body, "msgId": [short]}, "300001")
    assert sdk.unread_count(user) == 0


# --- Set to a state -------------------------------------------------------------------------------------------------


def read_time(client: Client, message_id: str, user: str) -> datetime | None:
    """Return when a user first read a message."""
    (receipt,) = [candidate for candidate in client.message_status(message_id).details if candidate.recipient == user]
    assert receipt.read == (receipt.read_at is not None)
    return receipt.read_at


def test_the_first_read_time_is_kept_and_unread_clears_it(sdk: Client, user: str) -> None:
    message_id = sdk.send_text(user, "x")
    assert read_time(sdk, message_id, user) is None
    before = now_ms()
    sdk.set_status(user, message_id)
    first = read_time(sdk, message_id, user)
    assert first is not None
    assert before <= first.timestamp() * 1_000 <= now_ms()
    until(lambda: now_ms() > first.timestamp() * 1_000 + 2)
    sdk.set_status(user, message_id)
    assert read_time(sdk, message_id, user) == first, "set to a state, not toggled"
    for _ in range(2):
        sdk.set_status(user, message_id, read=False)
        assert read_time(sdk, message_id, user) is None
        assert sdk.unread_count(user) == 1
    sdk.set_status(user, message_id)
    again = read_time(sdk, message_id, user)
    assert again is not None
    assert again > first


def test_each_receiver_has_a_state_of_its_own(sdk: Client, user: str) -> None:
    users = [f"{user}-{number}" for number in range(3)]
    message_id = sdk.send_text(users, "x")
    sdk.set_status(users[1], message_id)
    assert [sdk.unread_count(receiver) for receiver in users] == [1, 0, 1]
    is_read = {receipt.recipient: receipt.read for receipt in sdk.message_status(message_id).details}
    assert is_read == {users[0]: False, users[1]: True, users[2]: False}


# --- Approvals ------------------------------------------------------------------------------------------------------


@dataclass
class Approval:
    """A pending approval and its approvers."""

    message_id: str
    approvers: list[str]


@pytest.fixture
def approval(sdk: Client, user: str) -> Approval:
    approvers = [f"{user}-{number}" for number in range(3)]
    return Approval(sdk.send_text(approvers, "请审批", approval=True), approvers)


def unread(sdk: Client, approval: Approval) -> list[int]:
    return [sdk.unread_count(approver) for approver in approval.approvers]


def test_an_approval_is_closed_and_reopened_for_all_without_a_receiver(
    wire: Raw, sdk: Client, approval: Approval
) -> None:
    for flag, left in ((1, 0), (1, 0), (0, 1), (0, 1), ("1", 0)):
        answer = wire.post("modMsgStatus", {"msgId": [approval.message_id], "isRead": flag})
        assert answer.content == SUCCESS
        assert unread(sdk, approval) == [left] * 3
    assert wire.post("modMsgStatus", {"msgId": [int(approval.message_id)], "isRead": 0}).content == SUCCESS
    assert wire.post("modMsgStatus", {"msgId": [approval.message_id] * 2}).content == SUCCESS
    assert unread(sdk, approval) == [0] * 3


def test_several_approvals_are_closed_at_once(wire: Raw, sdk: Client, approval: Approval) -> None:
    second = sdk.send_text(approval.approvers[:2], "请审批", approval=True)
    answer = wire.post("modMsgStatus", {"msgId": [second, approval.message_id], "platformCode": PLATFORM})
    assert answer.content == SUCCESS
    assert unread(sdk, approval) == [0] * 3
    assert sdk.message_status(second).unread == 0


def test_an_approval_is_set_read_for_one_receiver_only(wire: Raw, sdk: Client, approval: Approval) -> None:
    body = {"publisherId": approval.approvers[0], "msgId": [approval.message_id]}
    assert wire.post("modMsgStatus", body).content == SUCCESS
    assert unread(sdk, approval) == [0, 1, 1]


def test_the_first_read_time_is_kept_when_an_approval_is_closed(sdk: Client, approval: Approval) -> None:
    first_reader = approval.approvers[0]
    sdk.set_status(first_reader, approval.message_id)
    first = read_time(sdk, approval.message_id, first_reader)
    sdk.set_status(None, approval.message_id)
    assert read_time(sdk, approval.message_id, first_reader) == first
    sdk.set_status(None, approval.message_id, read=False)
    assert [receipt.read_at for receipt in sdk.message_status(approval.message_id).details] == [None] * 3


def test_another_kind_of_message_is_named_and_nothing_changes(wire: Raw, sdk: Client, approval: Approval) -> None:
    plain = sdk.send_text(approval.approvers, "x")
    for ids in ([approval.message_id, plain], [plain, approval.message_id], [plain], ["7", plain]):
        answer = refused(wire, "modMsgStatus", {"msgId": ids}, "300002", plain, "publisherId")
        assert "invalidMsgId" not in answer
    assert unread(sdk, approval) == [2] * 3


def test_unknown_approvals_are_named_and_the_others_change(
    wire: Raw, sdk: Client, other_client: Client, approval: Approval
) -> None:
    theirs = other_client.send_text(approval.approvers, "请审批", approval=True)
    msg_ids = ["7", theirs, approval.message_id, "odd"]
    answer = accepted(wire, "modMsgStatus", {"msgId": msg_ids})
    assert answer["invalidMsgId"] == ["7", theirs, "odd"]
    assert unread(sdk, approval) == [0] * 3
    assert other_client.unread_count(approval.approvers[0]) == 1
    for ids in (["7", theirs], ["odd"], [0]):
        answer = refused(wire, "modMsgStatus", {"msgId": ids}, "300001")
        assert answer["invalidMsgId"] == [str(message_id) for message_id in ids]


def test_a_plain_message_of_another_app_is_unknown(wire: Raw, other_client: Client, user: str) -> None:
    theirs = other_client.send_text(user, "x")
    refused(wire, "modMsgStatus", {"msgId": [theirs]}, "300001")


def test_an_expired_approval_is_unknown(wire: Raw, sdk: Client, user: str) -> None:
    body = text_to(user, approval=True, expireTime=now_ms() + 2_000)
    message_id = accepted(wire, "sendMsg", body)["msgId"]
    until(lambda: sdk.unread_count(user) == 0)
    refused(wire, "modMsgStatus", {"msgId": [message_id]}, "300001")


def test_closing_approvals_checks_limits_and_platforms(wire: Raw, sdk: Client, approval: Approval) -> None:
    ids = [approval.message_id]
    refused(wire, "modMsgStatus", {"msgId": ids * 51}, "100004", "msgId", "50")
    refused(wire, "modMsgStatus", {"msgId": []}, "100003", "msgId", "50")
    refused(wire, "modMsgStatus", {"msgId": ids, "platformCode": "330100"}, "200007", "330100")
    refused(wire, "modMsgStatus", {"publisherId": "", "msgId": ids}, "100003", "publisherId")
    assert unread(sdk, approval) == [1] * 3


def test_closing_a_large_approval_includes_receivers_that_it_reaches_later(wire: Raw, sdk: Client) -> None:
    approvers = [f"approver-{number:04}" for number in range(2_500)]
    message_id = sdk.send_text(approvers, "请审批", approval=True)
    assert envelope(wire.post("modMsgStatus", {"msgId": [message_id]}))["retCode"] == "000000"
    until(lambda: sdk.message_status(message_id, page_size=1).state == "sent")
    status = sdk.message_status(message_id, page_size=1)
    assert (status.delivered, status.read, status.unread) == (2_500, 2_500, 0)
