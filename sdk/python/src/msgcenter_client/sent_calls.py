"""The calls about messages that were sent, each written once as a flow (protocol, "After the send")."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from msgcenter_client.flow import Flow
from msgcenter_client.results import Version
from msgcenter_client.session import Session
from msgcenter_client.times import from_ms

_MESSAGE = "/msgCenter/message/"


class SentCalls:
    """Every call about what becomes of a message after its send."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def recall(self, message_id: str | int) -> Flow[None]:
        """Withdraw a message."""
        yield from self._session.call(_MESSAGE + "recallMsg", {"msgId": message_id}, _Answer)

    def update(self, message_id: str | int, content: Mapping[str, Any], *, reset_read: bool) -> Flow[None]:
        """Let a message say something else."""
        body = {"msgId": message_id, **content, "resetRead": reset_read}
        yield from self._session.call(_MESSAGE + "updateMsg", body, _Answer)

    def remind_unread(self, message_id: str | int) -> Flow[int]:
        """Remind those who have not read a message; return how many they are."""
        body = {"msgId": message_id}
        return (yield from self._session.call(_MESSAGE + "remindUnread", body, _RemindedAnswer)).reminded

    def versions(self, message_id: str | int) -> Flow[tuple[Version, ...]]:
        """Return what a message has said, the first version first."""
        answer = yield from self._session.call(_MESSAGE + "getMsgVersions", {"msgId": message_id}, _VersionsAnswer)
        return tuple(one.result() for one in answer.versions)


class _Answer(Struct, frozen=True, rename="camel"):
    """Result keys of an answer; unknown ones are ignored."""


class _RemindedAnswer(_Answer, frozen=True):
    reminded: int


class _Version(_Answer, frozen=True):
    version: int
    create_time: str
    reset_read: bool
    body: dict[str, Any]
    kind: str = field(name="msgtype")

    def result(self) -> Version:
        return Version(self.version, from_ms(int(self.create_time)), self.reset_read, self.kind, self.body)


class _VersionsAnswer(_Answer, frozen=True):
    versions: tuple[_Version, ...]
