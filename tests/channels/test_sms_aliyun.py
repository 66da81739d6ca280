"""SMS through Alibaba Cloud: the documented request and its signature, and the meaning of its codes."""

import hashlib
import hmac
import json
import re
from typing import Any

import pytest

from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.domain.refusal import Refusal
from msgcenter.outbound.network import Network
from tests.channels.fake_server import Call, FakeServer, reply
from tests.channels.notes import parcel, send

FIELDS = {
    "access_key_id": "LTAI1",
    "access_key_secret": "s3cret",
    "sign_name": "第一中学",
    "template_code": "SMS_1",
    "template_params": '{"title": "{title}", "url": "m/{unread}"}',
}
ACCEPTED = {"Code": "OK", "Message": "OK", "BizId": "9006197469364984^0", "RequestId": "F655A8D5"}
HEADERS = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")


def config(server: FakeServer, **fields: str) -> Any:
    return parse_config("sms", "aliyun", {**FIELDS, "base_url": server.url, **fields})


def signature_of(call: Call) -> str:
    """Return the signature of a request as its receiver computes it, from what has arrived."""
    headers = "".join(f"{name}:{call.headers[name]}\n" for name in HEADERS)
    raw_query = call.target.partition("?")[2]
    content_hash = hashlib.sha256(call.body).hexdigest()
    canonical = f"{call.method}\n{call.path}\n{raw_query}\n{headers}\n{';'.join(HEADERS)}\n{content_hash}"
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.digest(b"s3cret", to_sign.encode(), "sha256").hex()


async def test_a_message_is_sent_as_documented(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(ACCEPTED)
    (outcome,) = await send(open_gateway(config(server), network), parcel("13800138000"))
    assert outcome == ("accepted", "", "9006197469364984^0", 0, False)

    (call,) = server.calls
    assert (call.method, call.path, call.body) == ("POST", "/", b"")
    assert re.fullmatch(
        r"/\?OutId=[0-9a-f]{32}&PhoneNumbers=13800138000&SignName=%E7%AC%AC%E4%B8%80%E4%B8%AD%E5%AD%A6"
        r"&TemplateCode=SMS_1&TemplateParam=%7B%22title%22%3A%22%E6%94%BE%E5%81%87%E9%80%9A%E7%9F%A5%22%2C"
        r"%22url%22%3A%22m%2F3%22%7D",
        call.target,
    )
    assert {name: call.headers[name] for name in ("host", "x-acs-action", "x-acs-version")} == {
        "host": server.host,
        "x-acs-action": "SendSms",
        "x-acs-version": "2017-05-25",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", call.headers["x-acs-date"])
    assert call.headers["x-acs-content-sha256"] == hashlib.sha256(b"").hexdigest()
    assert call.headers["authorization"] == (
        f"ACS3-HMAC-SHA256 Credential=LTAI1,SignedHeaders={';'.join(HEADERS)},Signature={signature_of(call)}"
    )


async def test_each_attempt_is_signed_anew(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("13800138000"), parcel("13800138000"))
    first, second = server.calls
    assert first.query == second.query
    assert first.headers["x-acs-signature-nonce"] != second.headers["x-acs-signature-nonce"]


async def test_a_number_abroad_has_its_country_code(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(ACCEPTED)
    await send(open_gateway(config(server), network), parcel("+85261234567"))
    assert server.calls[0].query["PhoneNumbers"] == "85261234567"


async def test_values_are_cut(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(ACCEPTED)
    await send(open_gateway(config(server, variable_limit="8"), network), parcel("13800138000", title="题" * 99))
    assert json.loads(server.calls[0].query["TemplateParam"])["title"] == "题" * 7 + "…"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", 200, ("later", 0, False)),
        ("isv.MOBILE_NUMBER_ILLEGAL", 200, ("never", 0, True)),
        ("isv.AMOUNT_NOT_ENOUGH", 200, ("later", 600_000, False)),
        ("isv.DAY_LIMIT_CONTROL", 200, ("later", 600_000, False)),
        ("isp.SYSTEM_ERROR", 200, ("later", 30_000, False)),
        ("isv.BLACK_KEY_CONTROL_LIMIT", 200, ("never", 0, False)),
        ("SignatureDoesNotMatch", 400, ("later", 600_000, False)),
        ("InvalidAccessKeyId.NotFound", 404, ("later", 600_000, False)),
        ("Throttling.User", 400, ("later", 30_000, False)),
        ("Throttling.User", 429, ("later", 30_000, False)),
        ("unknown", 400, ("never", 0, False)),
    ],
)
async def test_codes_are_classified(
    server: FakeServer, network: Network, code: str, status: int, expected: tuple[str, int, bool]
) -> None:
    server.answer = lambda _: reply({"Code": code, "Message": "why", "RequestId": "1"}, status)
    (outcome,) = await send(open_gateway(config(server), network), parcel("13800138000"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected
    assert outcome.reason == (f"HTTP {status}" if status == 429 else f"{code} why")


async def test_a_wrong_number_is_not_sent(server: FakeServer, network: Network) -> None:
    (outcome,) = await send(open_gateway(config(server), network), parcel("138"))
    assert (outcome.verdict, outcome.is_bad_address) == ("never", True)
    assert server.calls == []


@pytest.mark.parametrize("variables", ["{", "[]", '["{title}"]', '{"a": 1}', '{"a": "{body}"}', '{"a": "{}"}'])
def test_wrong_variables_are_refused(variables: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("sms", "aliyun", {**FIELDS, "template_params": variables})
    assert refused.value.data["field"] == "template_params"


def test_the_fields_make_the_same_configuration_again() -> None:
    made = parse_config("sms", "aliyun", FIELDS)
    assert parse_config("sms", "aliyun", fields_of(made)) == made
    assert "s3cret" not in repr(made)


async def test_a_message_may_name_its_own_template(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(ACCEPTED)
    parts = {"code": "SMS_9", "variables": '{"b": "123456", "a": "é"}'}
    await send(open_gateway(config(server, variable_limit="5"), network), parcel("13800138000", parts=parts))
    (call,) = server.calls
    assert (
        "TemplateCode=SMS_9&TemplateParam=%7B%22b%22%3A%221234%E2%80%A6%22%2C%22a%22%3A%22%C3%A9%22%7D" in call.target
    )
