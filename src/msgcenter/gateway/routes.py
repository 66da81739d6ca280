"""Every URL of the gateway on one screen."""

from starlette.routing import BaseRoute, Route

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway import messages, tokens, users
from msgcenter.gateway.answers import InvalidIds, MsgList, MsgStatus, Sent, UnreadCount, UserTokenAnswer
from msgcenter.gateway.endpoint import NO_CALL, AnyEndpoint, Endpoint, EndpointApp, Gateway, PlainApp, refuse
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.health import ReadyCheck, healthz, readyz
from msgcenter.gateway.openapi import document
from msgcenter.gateway.requests import GetMsgList, GetMsgStatus, GetUnreadCount, GetUserToken, ModMsgStatus, SendMsg

_MESSAGE = "/msgCenter/message/"


ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        path=_MESSAGE + "modMsgStatus",
        summary=Phrase("批量设置消息已读或未读", "Set messages read or unread"),
        request=ModMsgStatus,
        answer=InvalidIds,
        handle=messages.mod_msg_status,
    ),
    Endpoint(
        path=_MESSAGE + "sendMsg",
        summary=Phrase("发送消息", "Send a message"),
        request=SendMsg,
        answer=Sent,
        handle=messages.send_msg,
    ),
    Endpoint(
        path=_MESSAGE + "getMsgStatus",
        summary=Phrase("查询消息的送达与阅读情况", "See whom a message has reached and who has read it"),
        request=GetMsgStatus,
        answer=MsgStatus,
        handle=messages.get_msg_status,
    ),
    Endpoint(
        path=_MESSAGE + "getMsgList",
        summary=Phrase("查询已发送的消息", "List the messages that the app sent"),
        request=GetMsgList,
        answer=MsgList,
        handle=messages.get_msg_list,
    ),
    Endpoint(
        path=_MESSAGE + "getUnreadCount",
        summary=Phrase("查询用户的未读消息数", "Count the app's unread messages of a user"),
        request=GetUnreadCount,
        answer=UnreadCount,
        handle=messages.get_unread_count,
    ),
    Endpoint(
        path="/msgCenter/user/getUserToken",
        summary=Phrase("获取用户的收件箱令牌", "Get a token for a user's inbox"),
        request=GetUserToken,
        answer=UserTokenAnswer,
        handle=users.get_user_token,
    ),
)


def routes(gateway: Gateway, ready: ReadyCheck) -> list[BaseRoute]:
    """Return the gateway's routes, the busiest first."""
    return [
        *(Route(endpoint.path, EndpointApp(gateway, endpoint.respond)) for endpoint in ENDPOINTS),
        Route(tokens.TOKEN_PATH, EndpointApp(gateway, tokens.get_access_token)),
        Route(tokens.LOWER_CASE_TOKEN_PATH, EndpointApp(gateway, tokens.get_access_token)),
        Route(tokens.OAUTH_PATH, EndpointApp(gateway, tokens.oauth_token)),
        Route("/healthz", PlainApp(healthz)),
        Route("/readyz", PlainApp(readyz(ready))),
        Route("/openapi.json", PlainApp(openapi, "GET", "HEAD")),
    ]


async def openapi(exchange: Exchange) -> None:
    """Answer with the OpenAPI document."""
    await exchange.answer(document(ENDPOINTS))


def not_found(gateway: Gateway) -> PlainApp:
    """Return the application that answers 404, as an envelope."""

    async def respond(exchange: Exchange) -> None:
        rule = Phrase("没有这个接口,见/openapi.json", "there is no such call, see /openapi.json")
        refusal = Refusal(Reason.FIELD_MALFORMED, field="path", rule=rule)
        try:
            await gateway.rate_limit.hit(exchange.client_address, NO_CALL, exchange.extra_headers)
        except Refusal as too_often:
            refusal = too_often
        await refuse(exchange, refusal, 404)

    return PlainApp(respond)
