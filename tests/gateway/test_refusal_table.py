"""The retCodes on the wire, in the SDK and in docs/protocol.md, and the answers of a server with a problem."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import Router

from msgcenter.domain.language import Language
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.endpoint import EndpointApp, Gateway
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.wire import envelope
from msgcenter_client.errors import (
    IdentityError,
    InvalidRequestError,
    LimitError,
    MsgCenterError,
    ServerError,
    StateError,
    error_class,
)
from tests.gateway.calls import envelope as envelope_of

LANGUAGES: tuple[Language, ...] = ("zh", "en")
GROUPS: dict[str, type[MsgCenterError]] = {
    "1000": InvalidRequestError,
    "2000": IdentityError,
    "3000": StateError,
    "4000": LimitError,
    "5000": ServerError,
}


@pytest.mark.parametrize("reason", Reason)
def test_the_sdk_has_an_exception_for_every_group(reason: Reason) -> None:
    assert issubclass(error_class(reason.ret_code), GROUPS[reason.ret_code[:4]])


@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_becomes_an_envelope_with_its_code_and_text(reason: Reason) -> None:
    names = {name for _, name, _, _ in Formatter().parse(reason.phrase.en) if name}
    data: dict[str, Any] = dict.fromkeys(names, "张" * 30)
    refusal = Refusal(reason, **data)
    for language in LANGUAGES:
        body = msgspec.json.decode(envelope.failure(language, refusal))
        assert body == {"retCode": reason.ret_code, "retDesc": refusal.describe(language)}


def test_the_protocol_lists_every_code() -> None:
    protocol = Path(__file__).parents[2] / "docs" / "protocol.md"
    listed = set(re.findall(r"\b[1-5]000[0-9]{2}\b", protocol.read_text(encoding="utf-8")))
    assert {reason.ret_code for reason in Reason} == listed


# --- Servers that cannot work -----------------------------------------------------------------------------------------


async def answer_of(gateway: Gateway, problem: Exception) -> httpx.Response:
    """Return the answer to a call whose handler raises `problem`."""

    async def respond(gateway: Gateway, exchange: Exchange) -> bytes:
        raise problem

    router = Router(default=EndpointApp(gateway, "sendMsg", respond))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://server") as http:
        return await http.post("/msgCenter/message/sendMsg", json={}, headers={"x-request-id": "mine"})


def gateway(*, closing: bool = False) -> Gateway:
    return Gateway(None, RateLimit(0), closing=closing)  # type: ignore[arg-type]  # no action is reached


async def test_an_unknown_error_is_500001_and_shows_only_the_request_id() -> None:
    answer = await answer_of(gateway(), RuntimeError("password=secret"))
    body = envelope_of(answer)
    assert body["retCode"] == "500001"
    assert "secret" not in answer.text
    assert "X-Request-Id" in body["retDesc"]
    assert answer.headers["x-request-id"] == "mine"


async def test_a_server_that_shuts_down_answers_503() -> None:
    answer = await answer_of(gateway(closing=True), AssertionError("not reached"))
    assert envelope_of(answer, 503)["retCode"] == "500003"
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_server_without_its_database_answers_503() -> None:
    answer = await answer_of(gateway(), Refusal(Reason.DATABASE_UNAVAILABLE))
    assert envelope_of(answer, 503)["retCode"] == "500002"
    assert int(answer.headers["retry-after"]) >= 1
