"""The part of `AsyncClient` that manages messages after they were sent."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgcenter_client.content import link_fields, oa_fields, template_fields, text_fields
from msgcenter_client.flow import Flow
from msgcenter_client.results import Version
from msgcenter_client.sent_calls import SentCalls
from msgcenter_client.transport import Language

Result = TypeVar("Result")


class AsyncSentMethods:
    """The calls of `AsyncClient` about a message that was sent.

    Each also raises StateError (300001) if the app has no such message or the message has expired.
    """

    _sent_calls: SentCalls

    @abstractmethod
    async def _run(self, flow: Flow[Result]) -> Result: ...

    async def recall(self, message_id: str | int) -> None:
        """Recall a message: withdraw it from every inbox at once, or cancel it if it is scheduled. Idempotent."""
        await self._run(self._sent_calls.recall(message_id))

    async def update_text(self, message_id: str | int, content: str, *, reset_read: bool = False) -> None:
        """Replace a message's content with a text; the message id stays. Idempotent.

        content: 1-4,096 characters.
        reset_read: True sets the message unread again for everyone; False keeps the read states.
        Also raises StateError (300004: the message was recalled).
        """
        await self._run(self._sent_calls.update(message_id, text_fields(content), reset_read=reset_read))

    async def update_link(
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
        """Replace a message's content with a link. See `send_link` for the link and `update_text` for the rest."""
        link = link_fields(
            title=title,
            content=content,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            image_url=image_url,
        )
        await self._run(self._sent_calls.update(message_id, link, reset_read=reset_read))

    async def update_oa(
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
        """Replace a message's content with a card. See `send_oa` for the card and `update_text` for the rest."""
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
        await self._run(self._sent_calls.update(message_id, card, reset_read=reset_read))

    async def update_template(
        self,
        message_id: str | int,
        template: str,
        params: Mapping[str, Any] | None = None,
        *,
        language: Language | None = None,
        business_id: str | None = None,
        reset_read: bool = False,
    ) -> None:
        """Replace a message's content with what a template makes.

        See `send_template` for the template and `update_text` for the rest.
        """
        fields = template_fields(template, params or {}, language=language, business_id=business_id)
        await self._run(self._sent_calls.update(message_id, fields, reset_read=reset_read))

    async def remind_unread(self, message_id: str | int) -> int:
        """Remind the recipients who have not read a message; return their number.

        Also raises StateError (300004: the message was recalled), and LimitError without a retry within an hour of
        the last reminder: `retry_after` is the number of seconds left. A retry after a lost answer is refused too.
        """
        return await self._run(self._sent_calls.remind_unread(message_id))

    async def versions(self, message_id: str | int) -> tuple[Version, ...]:
        """Return all versions of a message's content, oldest first; the current one is last."""
        return await self._run(self._sent_calls.versions(message_id))
