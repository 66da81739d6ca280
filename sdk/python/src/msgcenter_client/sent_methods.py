# Generated from async_sent_methods.py by `make generate`. Do not edit.

"""The calls about messages that were sent, as `Client` has them."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import TypeVar

from msgcenter_client.content import link_fields, oa_fields, text_fields
from msgcenter_client.flow import Flow
from msgcenter_client.results import Version
from msgcenter_client.sent_calls import SentCalls

Result = TypeVar("Result")


class SentMethods:
    """The part of `Client` that is about what becomes of a message after its send.

    All its calls also raise StateError: 300001, this app has no such message, or it has expired.
    """

    _sent_calls: SentCalls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    def recall(self, message_id: str | int) -> None:
        """Withdraw a message from every inbox at once, or cancel it if it is still to be sent. Twice is as once."""
        self._run(self._sent_calls.recall(message_id))

    def update_text(self, message_id: str | int, content: str, *, reset_read: bool = False) -> None:
        """Let a message, whatever it was, be this text, under its id.

        content: 1-4,096 characters.
        reset_read: True makes it unread again for everyone; False keeps who has read it.
        Repeating an update changes nothing more. Raises also StateError (300004: it is recalled).
        """
        self._run(self._sent_calls.update(message_id, text_fields(content), reset_read=reset_read))

    def update_link(
        self,
        message_id: str | int,
        *,
        title: str,
        content: str,
        business_id: str,
        pc_url: str = "",
        app_url: str = "",
        image_url: str | None = None,
        reset_read: bool = False,
    ) -> None:
        """Let a message be this link. The link: see `send_link`; the rest: see `update_text`."""
        link = link_fields(
            title=title,
            content=content,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            image_url=image_url,
        )
        self._run(self._sent_calls.update(message_id, link, reset_read=reset_read))

    def update_oa(
        self,
        message_id: str | int,
        head: str,
        *,
        business_id: str,
        pc_url: str = "",
        app_url: str = "",
        bg_color: str | None = None,
        title: str | None = None,
        content: str | None = None,
        image_url: str | None = None,
        file_count: int | str | None = None,
        author: str | None = None,
        form: Iterable[tuple[str, str]] = (),
        reset_read: bool = False,
    ) -> None:
        """Let a message be this card, an approval's outcome. The card: see `send_oa`; the rest: see `update_text`."""
        card = oa_fields(
            head=head,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            bg_color=bg_color,
            title=title,
            content=content,
            image_url=image_url,
            file_count=file_count,
            author=author,
            form=form,
        )
        self._run(self._sent_calls.update(message_id, card, reset_read=reset_read))

    def remind_unread(self, message_id: str | int) -> int:
        """Remind those who have not read a message; return how many they are.

        Raises also StateError (300004: it is recalled), and LimitError within an hour of the last reminder, at once:
        `retry_after` says how many seconds are left. After a lost answer the repetition is refused so, too.
        """
        return self._run(self._sent_calls.remind_unread(message_id))

    def versions(self, message_id: str | int) -> tuple[Version, ...]:
        """Return what a message has said, the first version first and the present one last."""
        return self._run(self._sent_calls.versions(message_id))
