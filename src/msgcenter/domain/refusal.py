"""Refusals, and the one table of retCodes with their Chinese and English texts.

A `Refusal` is an expected "no": a `Reason` and the data that its text needs. The gateway turns it into an envelope. The
first digit of a retCode groups the SDK's exception classes and the documentation (docs/protocol.md, "retCodes").
"""

from enum import Enum
from typing import Any

from msgcenter.domain.language import Language, Phrase

RET_DESC_LIMIT = 100
"""Maximum length of a retDesc in characters (docs/protocol.md, "Conventions")."""


class Reason(Enum):
    """Why a call was refused: the retCode and its texts. The data of the refusal fill in the placeholders."""

    BODY_NOT_AN_OBJECT = (
        "100001",
        "请求体必须是UTF-8编码的JSON对象",
        "the body must be a JSON object in UTF-8",
    )
    FIELD_MISSING = ("100002", "缺少必填字段 {field}", "required field {field} is missing")
    FIELD_MALFORMED = ("100003", "字段 {field} 不正确:{rule}", "field {field} is wrong: {rule}")
    TOO_MANY_ITEMS = ("100004", "字段 {field} 过多:{rule}", "too much in {field}: {rule}")
    FIELDS_CONTRADICT = (
        "100005",
        "字段 {field} 相互矛盾:{rule}",
        "fields {field} contradict each other: {rule}",
    )

    TOKEN_MISSING = ("200001", "缺少accessToken", "accessToken is missing")
    TOKEN_UNKNOWN = (
        "200002",
        "accessToken不存在或已过期,请重新获取",
        "accessToken is unknown or expired, get a new one",
    )
    APP_UNKNOWN = ("200003", "appId不存在", "unknown appId")
    KEY_INFO_WRONG = (
        "200004",
        "keyInfo不正确:应为以appKey对appId+appKey+timeStamp作HMAC的大写十六进制",
        "keyInfo is wrong: upper-case hex HMAC of appId+appKey+timeStamp with appKey",
    )
    TIMESTAMP_OUTSIDE_WINDOW = (
        "200005",
        "timeStamp与服务器时间相差超过{minutes}分钟,单位为毫秒或秒",
        "timeStamp differs from the server's clock by over {minutes} min; use milliseconds or seconds",
    )
    APP_DISABLED = ("200006", "应用已停用", "the app is disabled")
    NOT_AUTHORISED = ("200007", "应用无权限:{rule}", "the app is not authorised: {rule}")

    MESSAGE_UNKNOWN = ("300001", "消息不存在", "no such message")
    NOT_AN_APPROVAL = (
        "300002",
        "消息{message_id}不是待审批消息,必须传publisherId",
        "message {message_id} is not a pending approval; publisherId is required",
    )
    REQUEST_ID_REUSED = (
        "300003",
        "requestId已用于内容不同的请求",
        "requestId was already used with a different body",
    )
    ALREADY_RECALLED = ("300004", "消息已撤回", "the message was recalled")
    AUDIENCE_UNKNOWN = ("300005", "主题或接收人不存在", "no such topic or receiver")
    WEBHOOK_UNKNOWN = ("300006", "回调地址或投递记录不存在", "no such webhook or delivery")
    ORGANISATION_UNKNOWN = ("300007", "组织不存在:{org_ids}", "no such organisation: {org_ids}")

    RATE_EXCEEDED = (
        "400001",
        "请求过于频繁,请{seconds}秒后重试",
        "too many requests, retry in {seconds} s",
    )
    QUOTA_EXCEEDED = (
        "400002",
        "已达到当日配额{quota}条,零点后恢复",
        "the daily quota of {quota} messages is used up; it resets at midnight",
    )

    INTERNAL = (
        "500001",
        "服务器内部错误,请携带X-Request-Id联系管理员",
        "internal error; quote X-Request-Id to the operator",
    )
    DATABASE_UNAVAILABLE = (
        "500002",
        "数据库暂时不可用或繁忙,请稍后重试",
        "the database is unavailable or busy, retry",
    )
    SHUTTING_DOWN = ("500003", "服务正在关闭,请稍后重试", "the server is shutting down, retry")
    TOO_MANY_CONNECTIONS = (
        "500004",
        "服务器连接数已达上限,请稍后重试",
        "the server has reached its connection limit, retry",
    )

    def __init__(self, ret_code: str, zh: str, en: str) -> None:
        self.ret_code = ret_code
        self.phrase = Phrase(zh, en)


SUCCESS_CODE = "000000"
SUCCESS = Phrase("操作成功", "success")


class Refusal(Exception):  # noqa: N818 - the glossary's term; it is an answer, not an error
    """The answer to a call that was refused: a retCode other than success. Nothing was changed.

    `data` fills the placeholders of the reason's text; a `Phrase` in it appears in the answer's language. `result` has
    the keys that follow retCode and retDesc in the answer (`invalidMsgId`).
    """

    def __init__(self, reason: Reason, *, result: dict[str, object] | None = None, **data: object) -> None:
        super().__init__(reason.name, data)
        self.reason = reason
        self.result = result or {}
        self.data = data

    def about(self, field: str) -> "Refusal":
        """Return the same refusal of a field that has another name."""
        data: dict[str, Any] = {**self.data, "field": field}
        return Refusal(self.reason, result=self.result, **data)

    def describe(self, language: Language) -> str:
        """Return the retDesc in `language`, at most 100 characters."""
        data = {
            name: value.in_language(language) if isinstance(value, Phrase) else value
            for name, value in self.data.items()
        }
        text = self.reason.phrase.in_language(language).format(**data)
        return text if len(text) <= RET_DESC_LIMIT else text[: RET_DESC_LIMIT - 1] + "…"


def malformed(field: str, zh: str, en: str) -> Refusal:
    """Return the refusal of a field's value (100003); `zh` and `en` say which values are allowed."""
    return Refusal(Reason.FIELD_MALFORMED, field=field, rule=Phrase(zh, en))


def contradiction(fields: str, zh: str, en: str) -> Refusal:
    """Return the refusal of fields that contradict each other (100005)."""
    return Refusal(Reason.FIELDS_CONTRADICT, field=fields, rule=Phrase(zh, en))
