"""SMS through Tencent Cloud: SendSms 2021-01-11, signed by TC3-HMAC-SHA256 (cloud.tencent.com, document/api/382)."""

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

import msgspec

from msgcenter.channels import tc3
from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import JSON_TYPE, HttpGateway, Request, json_object, scalar
from msgcenter.channels.sms import VARIABLE_LIMIT_FIELD, check_variables, decode_variables, e164, fill, own_template
from msgcenter.domain.language import Phrase
from msgcenter.outbound.http_client import Answer, host_header
from msgcenter.outbound.network import Network

_ACTION = "SendSms"
_VERSION = "2021-01-11"
_CODES = AnswerCodes(
    busy=frozenset(
        (
            *("RequestLimitExceeded", "RequestLimitExceeded.IPLimitExceeded", "RequestLimitExceeded.UinLimitExceeded"),
            *("RequestLimitExceeded.GlobalRegionUinLimitExceeded", "InternalError", "InternalError.Timeout"),
            *("InternalError.OtherError", "InternalError.SendAndRecvFail", "ServiceUnavailable"),
        )
    ),
    later=frozenset(
        (
            *("LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.PhoneNumberThirtySecondLimit"),
            *("LimitExceeded.PhoneNumberOneHourLimit", "LimitExceeded.PhoneNumberDailyLimit"),
        )
    ),
    address=frozenset(("InvalidParameterValue.IncorrectPhoneNumber",)),
    setup=frozenset(
        (
            *("AuthFailure", "AuthFailure.InvalidAuthorization", "AuthFailure.InvalidSecretId"),
            *("AuthFailure.SecretIdNotFound", "AuthFailure.SignatureExpire", "AuthFailure.SignatureFailure"),
            *("AuthFailure.TokenFailure", "AuthFailure.UnauthorizedOperation", "IpInBlacklist", "IpNotInWhitelist"),
            *("FailedOperation.InsufficientBalanceInSmsPackage", "FailedOperation.SignatureIncorrectOrUnapproved"),
            *("FailedOperation.TemplateIncorrectOrUnapproved", "InvalidParameterValue.SdkAppIdNotExist"),
            *("LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.DailyLimit"),
            *("LimitExceeded.AppGlobalDailyLimit", "UnauthorizedOperation.RequestIpNotInWhitelist"),
            *("UnauthorizedOperation.RequestPermissionDeny", "UnauthorizedOperation.SdkAppIdIsDisabled"),
            *("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "UnauthorizedOperation.SerivceSuspendDueToArrears"),
            "UnauthorizedOperation.ServiceSuspendDueToArrears",
        )
    ),
)


class TencentConfig(Config, frozen=True, kw_only=True):
    """An account, and the approved signature and template; `template_params` is the JSON list of its variables."""

    secret_id: str
    secret_key: str
    sdk_app_id: str
    sign_name: str
    template_id: str
    template_params: str
    variable_limit: int
    region: str
    base_url: str

    def label(self) -> str:
        """Return the signature, the template and the application."""
        return f"{self.sign_name} · {self.template_id} · {self.sdk_app_id}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return HttpGateway(Tencent(self), network)


FIELDS = (
    Field("secret_id", Phrase("SecretId", "SecretId")),
    Field("secret_key", Phrase("SecretKey", "SecretKey"), is_secret=True),
    Field("sdk_app_id", Phrase("SdkAppId", "SdkAppId"), Phrase("如 1400006666", "such as 1400006666")),
    Field("sign_name", Phrase("短信签名", "Signature"), Phrase("已审核通过的签名内容", "its approved text")),
    Field("template_id", Phrase("模板ID", "Template id"), Phrase("如 1110", "such as 1110")),
    Field(
        "template_params",
        Phrase("模板变量", "Variables of the template"),
        Phrase('JSON数组,按顺序,如 ["{title}"]', 'a JSON list in their order, such as ["{title}"]'),
        default='["{title}"]',
    ),
    VARIABLE_LIMIT_FIELD,
    Field("region", Phrase("地域", "Region"), default="ap-guangzhou"),
    Field("base_url", Phrase("接口地址", "API address"), default="https://sms.tencentcloudapi.com"),
)


def configure(fields: Mapping[str, str]) -> TencentConfig:
    """Return the configuration."""
    values = Values(FIELDS, fields)
    variables = decode_variables(values, "template_params")
    check_variables("template_params", variables if isinstance(variables, list) else None)
    return TencentConfig(
        secret_id=values.text("secret_id"),
        secret_key=values.text("secret_key"),
        sdk_app_id=values.text("sdk_app_id"),
        sign_name=values.text("sign_name"),
        template_id=values.text("template_id"),
        template_params=values.text("template_params"),
        variable_limit=values.number("variable_limit", 1, 500),
        region=values.text("region"),
        base_url=values.base_url("base_url"),
    )


PROVIDER = Provider("sms", "tencent", Phrase("腾讯云短信", "Tencent Cloud SMS"), FIELDS, 20, configure)


class Tencent:
    """How short messages are sent."""

    def __init__(self, config: TencentConfig) -> None:
        self._config = config
        self._variables = cast(list[str], msgspec.json.decode(config.template_params))

    def render(self, parcel: Parcel) -> Request | Outcome:
        """Return the signed request. `SessionContext` is the parcel's key, which Tencent Cloud repeats."""
        number = e164(parcel.address)
        if number is None:
            return Outcome("never", "not a mobile number", is_bad_address=True)
        config = self._config
        own = own_template(parcel.note, config.variable_limit)
        values = [fill(text, parcel.note, config.variable_limit) for text in self._variables]
        body = {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": config.sdk_app_id,
            "SignName": config.sign_name,
            "TemplateId": own[0] if own else config.template_id,
            "TemplateParamSet": list(own[1].values()) if own else values,
            "SessionContext": sha256(parcel.key.encode()).hexdigest()[:32],
        }
        return _signed(config, msgspec.json.encode(body))

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome. Carriers deliver later, so `accepted` means that Tencent Cloud has taken the message."""
        status = _status(json_object(answer).get("Response"))
        code = scalar(status, "Code")
        if code == "Ok":
            return Outcome("accepted", provider_id=str(status.get("SerialNo", "")))
        return _CODES.outcome(code, str(status.get("Message", f"HTTP {answer.status}")))


def _status(response: object) -> Mapping[str, Any]:
    """Return what an answer says of the message: the error of the whole call, or the status of its only number."""
    if not isinstance(response, dict):
        return {}
    statuses = response.get("SendStatusSet")
    status = statuses[0] if isinstance(statuses, list) and statuses else response.get("Error")
    return status if isinstance(status, dict) else {}


def _signed(config: TencentConfig, body: bytes) -> Request:
    timestamp = int(time.time())
    authorization = tc3.authorization(
        config.secret_id,
        config.secret_key,
        service="sms",
        timestamp=timestamp,
        headers={
            "content-type": JSON_TYPE[1],
            "host": host_header(config.base_url),
            "x-tc-action": _ACTION.lower(),
        },
        body=body,
    )
    headers = (
        JSON_TYPE,
        ("Authorization", authorization),
        ("X-TC-Action", _ACTION),
        ("X-TC-Region", config.region),
        ("X-TC-Timestamp", str(timestamp)),
        ("X-TC-Version", _VERSION),
    )
    return Request(f"{config.base_url}/", body, headers)
