"""Every URL of the gateway on one screen."""

import re
from collections.abc import Awaitable, Callable

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.calls import messages, sent_messages, tokens, topics, users, webhooks
from msgcenter.gateway.endpoint import AnyEndpoint, Endpoint, EndpointApp, Gateway, PlainApp, refuse
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.health import ReadyCheck, healthz, readyz
from msgcenter.gateway.rate_limit import NO_CALL
from msgcenter.gateway.reference.openapi import document
from msgcenter.gateway.wire import webhook_structs as hooks
from msgcenter.gateway.wire.answers import (
    Changed,
    InvalidIds,
    MsgList,
    MsgStatus,
    MsgVersions,
    Reminded,
    Sent,
    Subscribers,
    UnreadCount,
    UserTokenAnswer,
)
from msgcenter.gateway.wire.dialect import LOWER_CASE
from msgcenter.gateway.wire.requests import (
    GetMsgList,
    GetMsgStatus,
    GetMsgVersions,
    GetSubscribers,
    GetUnreadCount,
    GetUserToken,
    ModMsgStatus,
    RecallMsg,
    RemindUnread,
    SendMsg,
    Subscribe,
    Unsubscribe,
    UpdateMsg,
)
from msgcenter.web.base_path import own_path
from msgcenter.web.limits import RequestLimits

_MESSAGE = "/msgCenter/message/"
_TOPIC = "/msgCenter/topic/"
_WEBHOOK = "/msgCenter/webhook/"


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        path=_MESSAGE + "modMsgStatus",
        summary=Phrase("批量设置消息已读或未读", "Set messages read or unread"),
        request=ModMsgStatus,
        answer=InvalidIds,
        uses=lambda actions: actions.statuses,
        handle=messages.mod_msg_status,
    ),
    Endpoint(
        path=_MESSAGE + "sendMsg",
        summary=Phrase("发送消息", "Send a message"),
        request=SendMsg,
        answer=Sent,
        uses=lambda actions: actions.sending,
        handle=messages.send_msg,
    ),
    Endpoint(
        path=_MESSAGE + "getMsgStatus",
        summary=Phrase("查询消息的送达与阅读情况", "Get delivery and read status"),
        request=GetMsgStatus,
        answer=MsgStatus,
        uses=lambda actions: actions.message_statuses,
        handle=messages.get_msg_status,
    ),
    Endpoint(
        path=_MESSAGE + "getMsgList",
        summary=Phrase("查询已发送的消息", "List sent messages"),
        request=GetMsgList,
        answer=MsgList,
        uses=lambda actions: actions.message_statuses,
        handle=messages.get_msg_list,
    ),
    Endpoint(
        path=_MESSAGE + "getUnreadCount",
        summary=Phrase("查询用户的未读消息数", "Count a user's unread messages"),
        request=GetUnreadCount,
        answer=UnreadCount,
        uses=lambda actions: actions.message_statuses,
        handle=messages.get_unread_count,
    ),
    Endpoint(
        path=_MESSAGE + "recallMsg",
        summary=Phrase("撤回消息", "Recall a message"),
        request=RecallMsg,
        answer=None,
        uses=lambda actions: actions.sent_messages,
        handle=sent_messages.recall_msg,
    ),
    Endpoint(
        path=_MESSAGE + "updateMsg",
        summary=Phrase("更新消息内容", "Update a message's content"),
        request=UpdateMsg,
        answer=None,
        uses=lambda actions: actions.sent_messages,
        handle=sent_messages.update_msg,
    ),
    Endpoint(
        path=_MESSAGE + "remindUnread",
        summary=Phrase("提醒未读用户", "Remind users who have not read a message"),
        request=RemindUnread,
        answer=Reminded,
        uses=lambda actions: actions.sent_messages,
        handle=sent_messages.remind_unread,
    ),
    Endpoint(
        path=_MESSAGE + "getMsgVersions",
        summary=Phrase("查询消息的历史版本", "List the versions of a message"),
        request=GetMsgVersions,
        answer=MsgVersions,
        uses=lambda actions: actions.sent_messages,
        handle=sent_messages.get_msg_versions,
    ),
    Endpoint(
        path=_TOPIC + "subscribe",
        summary=Phrase("为用户订阅主题", "Subscribe users to a topic"),
        request=Subscribe,
        answer=Changed,
        uses=lambda actions: actions.topics,
        handle=topics.subscribe,
    ),
    Endpoint(
        path=_TOPIC + "unsubscribe",
        summary=Phrase("为用户退订主题", "Unsubscribe users from a topic"),
        request=Unsubscribe,
        answer=Changed,
        uses=lambda actions: actions.topics,
        handle=topics.unsubscribe,
    ),
    Endpoint(
        path=_TOPIC + "getSubscribers",
        summary=Phrase("查询主题的订阅用户", "List the subscribers of a topic"),
        request=GetSubscribers,
        answer=Subscribers,
        uses=lambda actions: actions.topics,
        handle=topics.get_subscribers,
    ),
    Endpoint(
        path="/msgCenter/user/getUserToken",
        summary=Phrase("获取用户的收件箱令牌", "Get a token for a user's inbox"),
        request=GetUserToken,
        answer=UserTokenAnswer,
        uses=lambda actions: actions.user_tokens,
        handle=users.get_user_token,
    ),
    Endpoint(
        path=_WEBHOOK + "createWebhook",
        summary=Phrase("注册回调地址", "Register a webhook"),
        request=hooks.CreateWebhook,
        answer=hooks.CreatedWebhook,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.create_webhook,
    ),
    Endpoint(
        path=_WEBHOOK + "getWebhooks",
        summary=Phrase("查询回调地址", "List the app's webhooks"),
        request=hooks.GetWebhooks,
        answer=hooks.WebhookList,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.get_webhooks,
    ),
    Endpoint(
        path=_WEBHOOK + "updateWebhook",
        summary=Phrase("修改、暂停或恢复回调地址", "Change, pause or resume a webhook"),
        request=hooks.UpdateWebhook,
        answer=None,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.update_webhook,
    ),
    Endpoint(
        path=_WEBHOOK + "deleteWebhook",
        summary=Phrase("删除回调地址", "Delete a webhook"),
        request=hooks.DeleteWebhook,
        answer=None,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.delete_webhook,
    ),
    Endpoint(
        path=_WEBHOOK + "rotateWebhookSecret",
        summary=Phrase("更换回调密钥", "Replace a webhook's secret"),
        request=hooks.RotateWebhookSecret,
        answer=hooks.RotatedSecret,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.rotate_webhook_secret,
    ),
    Endpoint(
        path=_WEBHOOK + "testWebhook",
        summary=Phrase("发送测试事件", "Send a test event to a webhook"),
        request=hooks.TestWebhook,
        answer=None,
        uses=lambda actions: actions.webhooks,
        handle=webhooks.test_webhook,
    ),
    Endpoint(
        path=_WEBHOOK + "getWebhookDeliveries",
        summary=Phrase("查询投递记录", "List a webhook's deliveries"),
        request=hooks.GetWebhookDeliveries,
        answer=hooks.WebhookDeliveryList,
        uses=lambda actions: actions.webhook_deliveries,
        handle=webhooks.get_webhook_deliveries,
    ),
    Endpoint(
        path=_WEBHOOK + "replayWebhook",
        summary=Phrase("重新投递", "Post deliveries again"),
        request=hooks.ReplayWebhook,
        answer=hooks.Replayed,
        uses=lambda actions: actions.webhook_deliveries,
        handle=webhooks.replay_webhook,
    ),
)


def routes(gateway: Gateway, actions: CallActions, ready: ReadyCheck, limits: RequestLimits) -> list[BaseRoute]:
    """Return the gateway's routes, the busiest first."""
    return [
        *(Route(path, call) for path, call in calls(gateway, actions).items()),
        Route("/healthz", PlainApp(healthz)),
        Route("/readyz", PlainApp(readyz(ready))),
        Route("/openapi.json", PlainApp(openapi(limits), "GET", "HEAD")),
    ]


def calls(gateway: Gateway, actions: CallActions) -> dict[str, EndpointApp]:
    """Return the calls of the app API by their paths, the busiest first."""
    return {
        **{endpoint.path: EndpointApp(gateway, endpoint.path, endpoint.responder(actions)) for endpoint in ENDPOINTS},
        tokens.TOKEN_PATH: EndpointApp(gateway, tokens.TOKEN_PATH, tokens.get_access_token),
        tokens.LOWER_CASE_TOKEN_PATH: EndpointApp(gateway, tokens.TOKEN_PATH, tokens.get_access_token, LOWER_CASE),
        tokens.OAUTH_PATH: EndpointApp(gateway, tokens.OAUTH_PATH, tokens.oauth_token),
    }


def openapi(limits: RequestLimits) -> Callable[[Exchange], Awaitable[None]]:
    """Return the handler of the OpenAPI document, limited by network address."""

    async def respond(exchange: Exchange) -> None:
        try:
            limits.count_address(exchange.client_address)
        except Refusal as refusal:
            await refuse(exchange, refusal, 429)
        else:
            await exchange.answer(document(ENDPOINTS, exchange.root))

    return respond


class Fallback:
    """Answers unmatched requests: calls whose path has extra slashes as usual, everything else with 404.

    Repeated slashes count as one, and a slash at the end is ignored: clients of the family join base URL and path in
    either way. Paths without extra slashes have their own routes, so they do not pay for this.
    """

    def __init__(self, gateway: Gateway, actions: CallActions) -> None:
        self._calls: dict[str, ASGIApp] = {**calls(gateway, actions)}
        self._not_found = PlainApp(_not_found(gateway))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = _SLASHES.sub("/", own_path(scope)).removesuffix("/")
        await self._calls.get(path, self._not_found)(scope, receive, send)


_SLASHES = re.compile("/{2,}")


def _not_found(gateway: Gateway) -> Callable[[Exchange], Awaitable[None]]:
    rule = Phrase("没有这个接口,见/openapi.json", "no such call, see /openapi.json")

    async def respond(exchange: Exchange) -> None:
        refusal = Refusal(Reason.FIELD_MALFORMED, field="path", rule=rule)
        try:
            await gateway.rate_limit.hit(exchange, NO_CALL)
        except Refusal as too_often:
            refusal = too_often
        await refuse(exchange, refusal, 404)

    return respond
