"""The measured requests, as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench.load import run
from bench.load_client import Outcome, Plan
from bench.server_process import Server

SUCCESS = b'{"retCode":"000000"'
BARE_SUCCESS = '{"retCode":"000000","retDesc":"操作成功"}'.encode()
ALIVE = b'{"status":"ok"}'
LIST = b'{"messages":[{'
COUNTS = b'{"unread":'
_SETUP_CONNECTIONS = 16


class AnswerError(Exception):
    """An answer was not the expected one."""


@dataclass(frozen=True)
class Api:
    """A server of the app API and a token for it."""

    server: Server
    token: str

    def no_op(self, like: bytes) -> bytes:
        """Return a no-op request with the body of `like`: the server reads the body and ignores it."""
        return post(self.server, f"/healthz?accessToken={self.token}", like.partition(b"\r\n\r\n")[2])

    def set_status(self, user_id: str, message_ids: Sequence[int], is_read: int) -> bytes:
        """Return a modMsgStatus request."""
        ids = [str(message_id) for message_id in message_ids]
        return self._call("modMsgStatus", {"publisherId": user_id, "msgId": ids, "isRead": is_read})

    def send_text(self, user_ids: Sequence[str], content: str) -> bytes:
        """Return a sendMsg request."""
        return self._call("sendMsg", {"receiverIds": user_ids, "msgtype": "text", "text": {"content": content}})

    def send_to_all(self, content: str) -> bytes:
        """Return a sendMsg request to everyone on the platform."""
        return self._call("sendMsg", {"toAll": True, "msgtype": "text", "text": {"content": content}})

    def send_to_organisation(self, org_id: str, content: str) -> bytes:
        """Return a sendMsg request to all members of an organisation and of those below it."""
        return self._call("sendMsg", {"orgIds": [org_id], "msgtype": "text", "text": {"content": content}})

    def unread_count(self, user_id: str) -> bytes:
        """Return a getUnreadCount request."""
        return self._call("getUnreadCount", {"publisherId": user_id})

    def inbox(self, path: str, user_token: str) -> bytes:
        """Return a GET request to the inbox API, as the component sends it for a user."""
        return (
            f"GET /inbox/v1/{path} HTTP/1.1\r\n"
            f"Host: {self.server.host}:{self.server.port}\r\n"
            f"Authorization: Bearer {user_token}\r\n\r\n"
        ).encode()

    async def user_tokens(self, user_ids: Sequence[str]) -> list[str]:
        """Return a user token for each user."""
        requests = [self._post("/msgCenter/user/getUserToken", {"publisherId": user_id}) for user_id in user_ids]
        return [msgspec.json.decode(body, type=_UserToken).user_token for body in await self.call_all(requests)]

    def _call(self, name: str, body: dict[str, object]) -> bytes:
        return self._post(f"/msgCenter/message/{name}", body)

    def _post(self, path: str, body: dict[str, object]) -> bytes:
        return post(self.server, f"{path}?accessToken={self.token}", msgspec.json.encode(body))

    async def call_all(
        self, requests: list[bytes], *, expect: bytes = SUCCESS, connections: int = _SETUP_CONNECTIONS
    ) -> list[bytes]:
        """Send each request once and return the bodies of the answers. Raises AnswerError for an unexpected answer."""
        outcome = await run(self.plan(requests, expect, connections))
        must_succeed(outcome)
        return outcome.bodies

    def plan(self, requests: list[bytes], expect: bytes, connections: int) -> Plan:
        """Return a plan that sends each request once."""
        return Plan(
            host=self.server.host, port=self.server.port, requests=requests, connections=connections, expect=(expect,)
        )


def post(server: Server, path: str, body: bytes) -> bytes:
    """Return a POST request with a JSON body."""
    return (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {server.host}:{server.port}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def must_succeed(outcome: Outcome) -> None:
    """Raise AnswerError if an answer was not the expected one."""
    if outcome.errors:
        first = outcome.first_error.decode(errors="replace")
        raise AnswerError(f"unexpected answers: {outcome.errors} of {outcome.sent}; the first:\n{first}")


class _Sent(msgspec.Struct):
    msg_id: str = msgspec.field(name="msgId")


class _UserToken(msgspec.Struct):
    user_token: str = msgspec.field(name="userToken")


class _Unread(msgspec.Struct):
    unread: int


def message_id_in(body: bytes) -> int:
    """Return the message id in an answer of sendMsg."""
    return int(msgspec.json.decode(body, type=_Sent).msg_id)


def unread_in(body: bytes) -> int:
    """Return the count in an answer of getUnreadCount."""
    return msgspec.json.decode(body, type=_Unread).unread
