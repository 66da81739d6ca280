"""The calls about messages that were sent, each defined once as a flow (protocol, "After the send")."""

from collections.abc import Mapping
from typing import Any

from msgspec import field

from msgcenter_client.fields import Answer
from msgcenter_client.flow import Flow
from msgcenter_client.results import Version
from msgcenter_client.session import Session
from msgcenter_client.times import from_ms

_MESSAGE = "/msgCenter/message/"


class SentCalls:
    """The calls that manage a message after it was sent."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def recall(self, message_id: str | int) -> Flow[None]:
        """Recall a message."""
        yield from self._session.call(_MESSAGE + "recallMsg", {"msgId": message_id}, Answer)

    def update(self, message_id: str | int, content: Mapping[str, Any], *, reset_read: bool) -> Flow[None]:
        """Update a message's content."""
        body = {"msgId": message_id, **content, "resetRead": reset_read}
        yield from self._session.call(_MESSAGE + "updateMsg", body, Answer)

    def remind_unread(self, message_id: str | int) -> Flow[int]:
        """Remind the recipients who have not read a message; return their number."""
        body = {"msgId": message_id}
        return (yield from self._session.call(_MESSAGE + "remindUnread", body, _RemindedAnswer)).reminded

    def versions(self, message_id: str | int) -> Flow[tuple[Version, ...]]:
        """Return all versions of a message's content, oldest first."""
        answer = yield from self._session.call(_MESSAGE + "getMsgVersions", {"msgId": message_id}, _VersionsAnswer)
        return tuple(version.result() for version in answer.versions)


class _RemindedAnswer(Answer, frozen=True):
    reminded: int


class _Version(Answer, frozen=True):
    version: int
    create_time: str
    reset_read: bool
    body: dict[str, Any]
    kind: str = field(name="msgtype")

    def result(self) -> Version:
        return Version(self.version, from_ms(int(self.create_time)), self.reset_read, self.kind, self.body)


class _VersionsAnswer(Answer, frozen=True):
    versions: tuple[_Version, ...]
