"""SMS through Tencent Cloud: the documented request and its signature, and the meaning of its codes."""

import hashlib
import hmac
import re
import time
from typing import Any

import pytest

from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import open_gateway, parse_config
from msgcenter.domain.refusal import Refusal
from msgcenter.outbound.network import Network
from tests.channels.fake_server import Call, FakeServer, exact, reply
from tests.channels.notes import parcel, send

FIELDS = {
    "secret_id": "AKID1",
    "secret_key": "s3cret",
    "sdk_app_id": "1400006666",
    "sign_name": "第一中学",
    "template_id": "1110",
    "template_params": '["{title}", "{unread}"]',
}


def config(server: FakeServer, **fields: str) -> Any:
    return parse_config("sms", "tencent", {**FIELDS, "base_url": server.url, **fields})


def status(code: str, message: str = "why") -> dict[str, Any]:
    sent = {"SerialNo": "5000:104571", "PhoneNumber": "+8613800138000", "Fee": 1, "Code": code, "Message": message}
    return {"Response": {"SendStatusSet": [sent], "RequestId": "a0aabda6"}}


def error(code: str) -> dict[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": "why"}, "RequestId": "ed93f3cb"}}


def signature_of(call: Call) -> str:
    """Return the signature of a request as its receiver computes it, from what has arrived."""
    timestamp = call.headers["x-tc-timestamp"]
    date = time.strftime("%Y-%m-%d", time.gmtime(int(timestamp)))
    headers = (
        f"content-type:{call.headers['content-type']}\nhost:{call.headers['host']}\n"
        f"x-tc-action:{call.headers['x-tc-action'].lower()}\n"
    )
    content_hash = hashlib.sha256(call.body).hexdigest()
    canonical = f"{call.method}\n{call.path}\n\n{headers}\ncontent-type;host;x-tc-action\n{content_hash}"
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{date}/sms/tc3_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    date_key = hmac.digest(b"TC3s3cret", date.encode(), "sha256")
    key = hmac.digest(hmac.digest(date_key, b"sms", "sha256"), b"tc3_request", "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


async def test_a_message_is_sent_as_documented(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(status("Ok", "send success"))
    (outcome,) = await send(open_gateway(config(server), network), parcel("13800138000"))
    assert outcome == ("accepted", "", "5000:104571", 0, False)

    (call,) = server.calls
    assert (call.method, call.target) == ("POST", "/")
    context = call.json["SessionContext"]
    assert call.body == exact(
        {
            "PhoneNumberSet": ["+8613800138000"],
            "SmsSdkAppId": "1400006666",
            "SignName": "第一中学",
            "TemplateId": "1110",
            "TemplateParamSet": ["放假通知", "3"],
            "SessionContext": context,
        }
    )
    assert re.fullmatch(r"[0-9a-f]{32}", context)
    names = ("content-type", "x-tc-action", "x-tc-region", "x-tc-version")
    assert [call.headers[name] for name in names] == [
        "application/json; charset=utf-8",
        "SendSms",
        "ap-guangzhou",
        "2021-01-11",
    ]
    assert abs(int(call.headers["x-tc-timestamp"]) - time.time()) < 60
    date = time.strftime("%Y-%m-%d", time.gmtime(int(call.headers["x-tc-timestamp"])))
    assert call.headers["authorization"] == (
        f"TC3-HMAC-SHA256 Credential=AKID1/{date}/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, "
        f"Signature={signature_of(call)}"
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status("LimitExceeded.PhoneNumberDailyLimit"), ("later", 0, False)),
        (status("InvalidParameterValue.IncorrectPhoneNumber"), ("never", 0, True)),
        (status("FailedOperation.PhoneNumberInBlacklist"), ("never", 0, False)),
        (status("FailedOperation.InsufficientBalanceInSmsPackage"), ("later", 600_000, False)),
        (error("AuthFailure.SignatureFailure"), ("later", 600_000, False)),
        (error("RequestLimitExceeded"), ("later", 30_000, False)),
        (error("InternalError"), ("later", 30_000, False)),
        (error("InvalidParameterValue"), ("never", 0, False)),
        ({"Response": []}, ("never", 0, False)),
        ({"Response": {"SendStatusSet": ["x"]}}, ("never", 0, False)),
        ([], ("never", 0, False)),
    ],
)
async def test_codes_are_classified(
    server: FakeServer, network: Network, answer: object, expected: tuple[str, int, bool]
) -> None:
    server.answer = lambda _: reply(answer)
    (outcome,) = await send(open_gateway(config(server), network), parcel("13800138000"))
    assert (outcome.verdict, outcome.pause_ms, outcome.is_bad_address) == expected


async def test_a_wrong_number_is_not_sent(server: FakeServer, network: Network) -> None:
    (outcome,) = await send(open_gateway(config(server), network), parcel("138"))
    assert (outcome.verdict, outcome.is_bad_address) == ("never", True)
    assert server.calls == []


@pytest.mark.parametrize("variables", ["{", "{}", '"{title}"', "[1]", '["{body}"]'])
def test_wrong_variables_are_refused(variables: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("sms", "tencent", {**FIELDS, "template_params": variables})
    assert refused.value.data["field"] == "template_params"


def test_the_fields_make_the_same_configuration_again() -> None:
    made = parse_config("sms", "tencent", {**FIELDS, "template_params": "[]"})
    assert parse_config("sms", "tencent", fields_of(made)) == made
    assert "s3cret" not in repr(made)


async def test_a_message_may_name_its_own_template(server: FakeServer, network: Network) -> None:
    server.answer = lambda _: reply(status("Ok", "send success"))
    parts = {"code": "2220", "variables": '{"b": "123456", "a": "x"}'}
    await send(open_gateway(config(server, variable_limit="5"), network), parcel("13800138000", parts=parts))
    (call,) = server.calls
    assert (call.json["TemplateId"], call.json["TemplateParamSet"]) == ("2220", ["1234…", "x"])
