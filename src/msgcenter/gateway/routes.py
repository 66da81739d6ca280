"""The routes of the gateway. The calls of the app API are listed in api_calls.py."""

import re
from collections.abc import Awaitable, Callable

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.calls import tokens
from msgcenter.gateway.endpoint import EndpointApp, Gateway, PlainApp, refuse
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.health import ReadyCheck, healthz, readyz
from msgcenter.gateway.rate_limit import NO_CALL
from msgcenter.gateway.reference.openapi import document
from msgcenter.gateway.wire.dialect import LOWER_CASE
from msgcenter.web.base_path import own_path
from msgcenter.web.limits import RequestLimits


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
            await limits.count_address(exchange.client_address)
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
