# Generated from async_send_methods.py by `make generate`. Do not edit.

"""The part of `Client` that sends messages (protocol, "sendMsg")."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgcenter_client.audience import Audience
from msgcenter_client.calls import Calls, SendOptions
from msgcenter_client.content import link_fields, oa_fields, template_fields, text_fields
from msgcenter_client.flow import Flow
from msgcenter_client.times import Moment
from msgcenter_client.transport import Language

Result = TypeVar("Result")


class SendMethods:
    """The calls of `Client` that send a message."""

    _calls: Calls

    @abstractmethod
    def _run(self, flow: Flow[Result]) -> Result: ...

    def send_text(
        self,
        recipients: Audience,
        content: str,
        *,
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        sender_name: str | None = None,
        category: str | None = None,
        channels: Iterable[str] | None = None,
        channel_delay: int | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a plain text and return the message id. The message is stored durably before the call returns.

        recipients: one user id, up to 10,000 user ids (1-64 characters each), a `Topic`, `Organisations`, or
            `EVERYONE`.
        content: 1-4,096 characters.
        platform_code: the recipients' platform; None: the client's.
        approval: True sends a pending approval, a to-do until `set_status` closes it. Only to user ids.
        send_at: the time to send the message, at most 90 days ahead; None: now. An aware datetime, or Unix
            milliseconds.
        expire_at: the time when the message leaves every inbox, after `send_at`; None: the server's retention.
        sender_name: who sends it, in words, shown beside the app's name; at most 64 characters.
        category: the code of a message type of the platform, which says how urgent it is and where else it is sent.
        channels: where else it is sent to recipients who have not read it: `email`, `sms`, `wecom`, `dingtalk`,
            `feishu`, `push` or `apprise`; empty: nowhere; None: as the platform has decided.
        channel_delay: minutes until it is sent there, 0-10,080; None: as the platform has decided.
        idempotency_key: 1-64 characters. For 24 hours, sending the same message with the same key again returns
            the same id and sends nothing, also from another process. None: a new key per call, kept for retries.
        Also raises StateError (key reused for another message, unknown topic, organisation or recipient), and
        ValueError for a datetime without a time zone.
        """
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
            sender_name=sender_name,
            category=category,
            channels=channels,
            channel_delay=channel_delay,
        )
        return self._run(self._calls.send(recipients, text_fields(content), options))

    def send_link(
        self,
        recipients: Audience,
        *,
        title: str,
        content: str,
        business_id: str,
        pc_url: str = "",
        app_url: str = "",
        image_url: str | None = None,
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        sender_name: str | None = None,
        category: str | None = None,
        channels: Iterable[str] | None = None,
        channel_delay: int | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a titled link and return the message id.

        title: 1-255 characters. content: the description, 1-4,096 characters.
        business_id: the id of the business object in your own system, 1-64 characters; `messages` filters by it.
        pc_url, app_url: the targets of a click on a desktop and in the mobile app: http or https URLs of at most
            2,048 characters; app_url may also use an app scheme that the platform allows. If only one is set, it is
            opened on every screen.
        image_url: a JPG or PNG, ideally 640x320 or 80x80 pixels; None: no picture.
        For the other arguments and for what is raised, see `send_text`.
        """
        link = link_fields(
            title=title,
            content=content,
            business_id=business_id,
            pc_url=pc_url,
            app_url=app_url,
            image_url=image_url,
        )
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
            sender_name=sender_name,
            category=category,
            channels=channels,
            channel_delay=channel_delay,
        )
        return self._run(self._calls.send(recipients, link, options))

    def send_oa(
        self,
        recipients: Audience,
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
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        sender_name: str | None = None,
        category: str | None = None,
        channels: Iterable[str] | None = None,
        channel_delay: int | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send an office card and return the message id.

        head: the text of the coloured head, 1-255 characters.
        business_id, pc_url, app_url: see `send_link`.
        bg_color: the head's colour, AARRGGBB as 8 hex digits; None: FFCC0000.
        title: at most 255 characters. content: at most 4,096. author: at most 64.
        image_url: a picture in the body. file_count: the number of attachments; it is only displayed.
        form: up to 6 rows of (key, value), at most 64 and 255 characters.
        For the other arguments and for what is raised, see `send_text`.
        """
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
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
            sender_name=sender_name,
            category=category,
            channels=channels,
            channel_delay=channel_delay,
        )
        return self._run(self._calls.send(recipients, card, options))

    def send_template(
        self,
        recipients: Audience,
        template: str,
        params: Mapping[str, Any] | None = None,
        *,
        language: Language | None = None,
        business_id: str | None = None,
        platform_code: str | None = None,
        approval: bool = False,
        send_at: Moment | None = None,
        expire_at: Moment | None = None,
        sender_name: str | None = None,
        category: str | None = None,
        channels: Iterable[str] | None = None,
        channel_delay: int | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a message that a template of the server makes, and return the message id.

        template: the template's code; `code@3` for its approved version 3.
        params: the values of its variables by name: texts, numbers, lists of texts; a date is Unix milliseconds, or
            `2026-12-01` or `2026-12-01T07:30`.
        language: of the text in the inbox; None: zh. Channels write in each recipient's language.
        business_id: see `send_link`; a link or a card needs one, unless the template has it.
        For the other arguments and for what is raised, see `send_text`.
        """
        fields = template_fields(template, params or {}, language=language, business_id=business_id)
        options = SendOptions(
            platform_code=platform_code,
            approval=approval,
            idempotency_key=idempotency_key,
            send_at=send_at,
            expire_at=expire_at,
            sender_name=sender_name,
            category=category,
            channels=channels,
            channel_delay=channel_delay,
        )
        return self._run(self._calls.send(recipients, fields, options))
