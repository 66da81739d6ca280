"""`modMsgStatus`, bytes and rules (docs/protocol.md, "modMsgStatus")."""

from msgcenter_client import Client
from tests.conftest import Raw


def test_bare_success_has_two_keys_and_these_bytes(raw: Raw, client: Client, user: str) -> None:
    message_id = client.send_text(user, "hello")
    answer = raw.post("modMsgStatus", {"publisherId": user, "msgId": [message_id]})
    assert answer.content == '{"retCode":"000000","retDesc":"操作成功"}'.encode()


def test_unread_count_follows(client: Client, user: str) -> None:
    ids = [client.send_text(user, f"number {number}") for number in range(3)]
    assert client.unread_count(user) == 3
    client.set_status(user, ids[:2])
    assert client.unread_count(user) == 1
    client.set_status(user, ids, read=False)
    assert client.unread_count(user) == 3
