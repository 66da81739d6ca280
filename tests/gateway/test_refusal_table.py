"""The one table of retCodes (docs/protocol.md, "retCodes")."""

import re
from pathlib import Path
from string import Formatter
from typing import Any

import httpx
import msgspec
import pytest
from starlette.routing import Router

from msgcenter.domain.refusal import SUCCESS_CODE, Reason, Refusal
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
from tests.gateway.calls import is_chinese

GROUPS: dict[str, type[MsgCenterError]] = {
    "1000": InvalidRequestError,
    "2000": IdentityError,
    "3000": StateError,
    "4000": LimitError,
    "5000": ServerError,
}


def test_codes_are_unique() -> None:
    codes = [reason.ret_code for reason in Reason]
    assert len(set(codes)) == len(codes)
    assert SUCCESS_CODE == "000000"
    assert SUCCESS_CODE not in codes


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_has_six_digits_and_both_languages(reason: Reason) -> None:
    assert re.fullmatch("[1-5]000[0-9]{2}", reason.ret_code)
    assert is_chinese(reason.phrase.zh)
    assert reason.phrase.en.isascii()
    assert reason.phrase.en


@pytest.mark.parametrize("reason", Reason)
def test_both_languages_tell_the_same(reason: Reason) -> None:
    zh, en = ([name for _, name, _, _ in Formatter().parse(text) if name] for text in reason.phrase)
    assert zh == en


@pytest.mark.parametrize("reason", Reason)
def test_the_sdk_knows_every_group(reason: Reason) -> None:
    assert issubclass(error_class(reason.ret_code), GROUPS[reason.ret_code[:4]])


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("length", [1, 30, 500])
def test_no_text_is_longer_than_a_hundred_characters(reason: Reason, length: int) -> None:
    names = {name for text in reason.phrase for _, name, _, _ in Formatter().parse(text) if name}
    data: dict[str, Any] = dict.fromkeys(names, "张" * length)
    refusal = Refusal(reason, **data)
    for answer in (envelope.failure("zh", refusal), envelope.failure("en", refusal)):
        body = msgspec.json.decode(answer)
        assert body["retCode"] == reason.ret_code
        assert 0 < len(body["retDesc"]) <= 100


def test_the_protocol_lists_every_code() -> None:
    protocol = Path(__file__).parents[2] / "docs" / "protocol.md"
    listed = set(re.findall(r"\b[1-5]000[0-9]{2}\b", protocol.read_text(encoding="utf-8")))
    assert {reason.ret_code for reason in Reason} == listed


# --- What only a broken server answers ------------------------------------------------------------------------------


async def answer_of(gateway: Gateway, problem: Exception) -> httpx.Response:
    """What a call answers whose handling ends in a problem."""

    async def respond(gateway: Gateway, exchange: Exchange) -> bytes:
        raise problem

    router = Router(default=EndpointApp(gateway, "sendMsg", respond))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://server") as http:
        return await http.post("/msgCenter/message/sendMsg", json={}, headers={"x-request-id": "mine"})


def gateway(*, closing: bool = False) -> Gateway:
    return Gateway(None, RateLimit(0), closing=closing)  # type: ignore[arg-type]  # no action is reached


async def test_an_unknown_error_is_500001_and_tells_nothing_but_the_request_id() -> None:
    answer = await answer_of(gateway(), RuntimeError("password=secret"))
    body = envelope_of(answer)
    assert body["retCode"] == "500001"
    assert "secret" not in answer.text
    assert "X-Request-Id" in body["retDesc"]
    assert answer.headers["x-request-id"] == "mine"


async def test_a_server_that_goes_down_answers_503() -> None:
    answer = await answer_of(gateway(closing=True), AssertionError("not reached"))
    assert envelope_of(answer, 503)["retCode"] == "500003"
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_server_without_its_database_answers_503() -> None:
    answer = await answer_of(gateway(), Refusal(Reason.DATABASE_UNAVAILABLE))
    assert envelope_of(answer, 503)["retCode"] == "500002"
    assert int(answer.headers["retry-after"]) >= 1
