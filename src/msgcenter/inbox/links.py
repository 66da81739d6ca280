"""What links in mails and other channels lead to: the inbox of their person, and the page that turns a channel off."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.channels.signed_links import MAX_TOKEN
from msgcenter.domain.language import Phrase
from msgcenter.inbox.endpoint import Inboxes, LeanResponse, Page, language_for
from msgcenter.inbox.problems import Problem, ProblemError
from msgcenter.inbox.public_call import public_body
from msgcenter.inbox.small_page import small_page
from msgcenter.web.decode import decode
from msgcenter.web.edge import client_address

LINK_ENDED = Problem(410, "link_ended", Phrase("链接无效或已过期", "the link is invalid or has ended"))
_CHANNELS: dict[Channel, Phrase] = {
    "email": Phrase("邮件", "by e-mail"),
    "sms": Phrase("短信", "by SMS"),
    "wecom": Phrase("企业微信", "by WeCom"),
    "dingtalk": Phrase("钉钉", "by DingTalk"),
    "feishu": Phrase("飞书", "by Feishu"),
    "push": Phrase("推送通知", "by push notification"),
    "apprise": Phrase("此渠道", "this way"),
}
_QUESTION = Phrase("不再通过{way}接收消息提醒?", "Stop being told about messages {way}?")
_HINT = Phrase(
    "消息仍会出现在消息中心。必收的通知仍会发送。您可以随时在消息中心的设置中重新开启。",
    "Messages still arrive in your inbox, and mandatory ones are still sent. You can change this in its settings.",
)
_STOP = Phrase("不再接收", "Stop")
_DONE = Phrase("已停止通过{way}发送提醒", "You will not be told {way} any more")


class FollowLink(Struct, frozen=True):
    """Exchange the token of a link for a user token."""

    link: Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN)]


class LinkView(Struct, frozen=True, rename="camel"):
    """A user token, valid until `expiresAt` (ms since 1970), and the message to open; null for the inbox as a whole."""

    token: str
    expires_at: int
    msg_id: str | None


def follow_link(inboxes: Inboxes) -> Page:
    """Return the call that exchanges the token of a link for a user token."""

    async def respond(request: Request) -> Response:
        body = decode(await public_body(request), FollowLink)
        opened = await inboxes.links.open(body.link)
        if opened is None:
            raise ProblemError(LINK_ENDED)
        message_id = None if opened.message_id is None else str(opened.message_id)
        return LeanResponse(encode(LinkView(opened.token.token, opened.token.expires_at, message_id)))

    return respond


def unsubscribe_page(inboxes: Inboxes) -> Page:
    """Return the page that turns a channel off. Only POST does: mail programs open links to look at them.

    A mail program that knows RFC 8058 sends this POST by itself, so it needs nothing but the address.
    """

    async def respond(request: Request) -> Response:
        language = language_for(request)
        link = inboxes.preferences.unsubscribing(request.query_params.get("t", ""))
        if link is None:
            raise ProblemError(LINK_ENDED)
        way = _CHANNELS[link.channel].in_language(language)
        hint = f"<p>{_HINT.in_language(language)}</p>"
        if request.method != "POST":
            button = f'<form method="post"><button class="stop">{_STOP.in_language(language)}</button></form>'
            question = _QUESTION.in_language(language).format(way=way)
            return small_page(request, language, question, hint + button, has_form=True)
        await public_body(request)
        if not await inboxes.preferences.unsubscribe(link, client_address(request.scope)):
            raise ProblemError(LINK_ENDED)
        return small_page(request, language, _DONE.in_language(language).format(way=way), hint)

    return respond
