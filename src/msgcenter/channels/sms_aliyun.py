"""SMS through Alibaba Cloud: SendSms of Dysmsapi, signed by ACS3-HMAC-SHA256 (help.aliyun.com, V3 signature)."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import cast

import msgspec

from msgcenter.channels import acs3
from msgcenter.channels.answer_codes import AnswerCodes
from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import HttpGateway, Request, json_object, scalar
from msgcenter.channels.sms import VARIABLE_LIMIT_FIELD, check_variables, decode_variables, e164, fill, own_template
from msgcenter.domain.language import Phrase
from msgcenter.outbound.http_client import Answer, host_header
from msgcenter.outbound.network import Network

_CODES = AnswerCodes(
    busy=frozenset(
        (
            *("Throttling", "Throttling.User", "Throttling.Api", "ServiceUnavailable", "InternalError"),
            "isp.SYSTEM_ERROR",
        )
    ),
    later=frozenset(("isv.BUSINESS_LIMIT_CONTROL", "SignatureNonceUsed")),
    address=frozenset(("isv.MOBILE_NUMBER_ILLEGAL",)),
    setup=frozenset(
        (
            *("isv.ACCOUNT_ABNORMAL", "isv.ACCOUNT_NOT_EXISTS", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE"),
            *("isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.DENY_IP_RANGE", "isp.RAM_PERMISSION_DENY"),
            *("isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE", "isv.SMS_SIGNATURE_ILLEGAL"),
            *("isv.SMS_SIGN_ILLEGAL", "isv.SIGN_STATE_ILLEGAL", "isv.SMS_SIGNATURE_SCENE_ILLEGAL"),
            *("isv.SMS_TEMPLATE_ILLEGAL", "isv.TEMPLATE_MISSING_PARAMETERS"),
            *("InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch"),
            *("IncompleteSignature", "InvalidTimeStamp.Expired", "Forbidden.RAM", "NoPermission"),
        )
    ),
)


class AliyunConfig(Config, frozen=True, kw_only=True):
    """An account, and the approved signature and template; `template_params` is the JSON of its variables."""

    access_key_id: str
    access_key_secret: str
    sign_name: str
    template_code: str
    template_params: str
    variable_limit: int
    base_url: str

    def label(self) -> str:
        """Return the signature and the template."""
        return f"{self.sign_name} · {self.template_code} · {self.access_key_id}"

    def open(self, network: Network) -> Gateway:
        """Return the gateway."""
        return HttpGateway(Aliyun(self), network)


FIELDS = (
    Field("access_key_id", Phrase("AccessKey ID", "AccessKey ID")),
    Field("access_key_secret", Phrase("AccessKey Secret", "AccessKey secret"), is_secret=True),
    Field("sign_name", Phrase("短信签名", "Signature"), Phrase("已审核通过的签名名称", "its approved name")),
    Field("template_code", Phrase("模板编号", "Template code"), Phrase("如 SMS_123456789", "such as SMS_123456789")),
    Field(
        "template_params",
        Phrase("模板变量", "Variables of the template"),
        Phrase('JSON对象,如 {"title": "{title}"}', 'a JSON object such as {"title": "{title}"}'),
        default='{"title": "{title}"}',
    ),
    VARIABLE_LIMIT_FIELD,
    Field("base_url", Phrase("接口地址", "API address"), default="https://dysmsapi.aliyuncs.com"),
)


def configure(fields: Mapping[str, str]) -> AliyunConfig:
    """Return the configuration."""
    values = Values(FIELDS, fields)
    variables = decode_variables(values, "template_params")
    check_variables("template_params", variables if isinstance(variables, dict) else None)
    return AliyunConfig(
        access_key_id=values.text("access_key_id"),
        access_key_secret=values.text("access_key_secret"),
        sign_name=values.text("sign_name"),
        template_code=values.text("template_code"),
        template_params=values.text("template_params"),
        variable_limit=values.number("variable_limit", 1, 500),
        base_url=values.base_url("base_url"),
    )


PROVIDER = Provider("sms", "aliyun", Phrase("阿里云短信", "Alibaba Cloud SMS"), FIELDS, 20, configure)


class Aliyun:
    """How short messages are sent."""

    def __init__(self, config: AliyunConfig) -> None:
        self._config = config
        self._variables = cast(dict[str, str], msgspec.json.decode(config.template_params))

    def render(self, parcel: Parcel) -> Request | Outcome:
        """Return the signed request. `OutId` is the parcel's key, which reports of Alibaba Cloud repeat."""
        number = e164(parcel.address)
        if number is None:
            return Outcome("never", "not a mobile number", is_bad_address=True)
        config = self._config
        code, variables = own_template(parcel.note, config.variable_limit) or (
            config.template_code,
            {name: fill(text, parcel.note, config.variable_limit) for name, text in self._variables.items()},
        )
        parameters = {
            "OutId": sha256(parcel.key.encode()).hexdigest()[:32],
            "PhoneNumbers": number.removeprefix("+86") if number.startswith("+86") else number.removeprefix("+"),
            "SignName": config.sign_name,
            "TemplateCode": code,
            "TemplateParam": msgspec.json.encode(variables).decode(),
        }
        return _signed(config, parameters)

    def classify(self, answer: Answer) -> Outcome:
        """Return the outcome. Carriers deliver later, so `accepted` means that Alibaba Cloud has taken the message."""
        content = json_object(answer)
        code = scalar(content, "Code")
        if code == "OK":
            return Outcome("accepted", provider_id=str(content.get("BizId", "")))
        return _CODES.outcome(code, str(content.get("Message", f"HTTP {answer.status}")))


def _signed(config: AliyunConfig, parameters: Mapping[str, str]) -> Request:
    """Return a request for SendSms with its parameters in the URL."""
    query = acs3.canonical_query(parameters)
    headers = {
        "x-acs-action": "SendSms",
        "x-acs-content-sha256": sha256(b"").hexdigest(),
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-version": "2017-05-25",
    }
    authorization = acs3.authorization(
        config.access_key_id,
        config.access_key_secret,
        query=query,
        headers={"host": host_header(config.base_url), **headers},
        body=b"",
    )
    return Request(f"{config.base_url}/?{query}", headers=(*headers.items(), ("Authorization", authorization)))
