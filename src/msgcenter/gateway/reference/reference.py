"""The API reference, made from the structs that validate requests."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import Struct, inspect

from msgcenter.domain.api_reference import CallReference, FieldReference, RetCodeReference
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import SUCCESS, SUCCESS_CODE, Reason
from msgcenter.domain.struct_rules import options_of, rule_of
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.calls.tokens import TOKEN_PATH, TOKEN_SUMMARY
from msgcenter.gateway.reference.call_texts import TEXTS
from msgcenter.gateway.reference.field_texts import describe
from msgcenter.gateway.wire.answers import TokenAnswer
from msgcenter.gateway.wire.requests import GetAccessToken

_GROUPS = {
    "apigateway": Phrase("接入", "Access"),
    "message": Phrase("消息", "Messages"),
    "topic": Phrase("主题", "Topics"),
    "user": Phrase("用户", "Users"),
    "directory": Phrase("通讯录", "Directory"),
    "webhook": Phrase("回调", "Webhooks"),
}
_OF_ALL = (
    Reason.BODY_NOT_AN_OBJECT,
    Reason.FIELD_MISSING,
    Reason.FIELD_MALFORMED,
    Reason.TOO_MANY_ITEMS,
    Reason.RATE_EXCEEDED,
    Reason.INTERNAL,
    Reason.DATABASE_UNAVAILABLE,
    Reason.SHUTTING_DOWN,
    Reason.TOO_MANY_CONNECTIONS,
)
_OF_APPS = (Reason.TOKEN_MISSING, Reason.TOKEN_UNKNOWN, Reason.APP_DISABLED)
_TOKEN = FieldReference(
    "accessToken",
    True,
    "query",
    "string",
    Phrase(
        "32位十六进制；也可放在请求头Authorization: Bearer", "32 hex digits; or in the header Authorization: Bearer"
    ),
    describe("", "accessToken"),
)


@cache
def reference() -> tuple[CallReference, ...]:
    """Return all calls, getAccessToken first."""
    token = _call(TOKEN_PATH, TOKEN_SUMMARY, GetAccessToken, TokenAnswer, needs_token=False)
    return (
        token,
        *(_call(endpoint.path, endpoint.summary, endpoint.request, endpoint.answer) for endpoint in ENDPOINTS),
    )


def _call(
    path: str, summary: Phrase, request: type[Struct], answer: type[Struct] | None, *, needs_token: bool = True
) -> CallReference:
    _, *middle, name = path.strip("/").split("/")
    texts = TEXTS[name]
    reasons = {*_OF_ALL, *(_OF_APPS if needs_token else (Reason.APP_DISABLED,)), *texts.reasons}
    codes = [RetCodeReference(reason.ret_code, reason.phrase) for reason in Reason if reason in reasons]
    return CallReference(
        name=name,
        path=path,
        group=_GROUPS[middle[0] if middle else "apigateway"],
        summary=summary,
        scenario=texts.scenario,
        preconditions=texts.preconditions,
        needs_token=needs_token,
        parameters=tuple([_TOKEN] if needs_token else []) + tuple(_fields(name, request)),
        results=(*_envelope(name), *(_fields(name, answer) if answer is not None else ())),
        codes=(RetCodeReference(SUCCESS_CODE, SUCCESS), *codes),
        samples=texts.samples,
        answer={"retCode": SUCCESS_CODE, "retDesc": SUCCESS, **texts.answer},
        changes=texts.changes,
    )


def _envelope(call: str) -> Iterator[FieldReference]:
    for name, rule in (
        ("retCode", Phrase("6位", "6 digits")),
        ("retDesc", Phrase("最多100个字符", "at most 100 characters")),
    ):
        yield FieldReference(name, True, "body", "string", rule, describe(call, name))


def _fields(call: str, struct: type[Struct], prefix: str = "") -> Iterator[FieldReference]:
    """Yield the fields of a struct and of the structs in it, each with its path as in refusals."""
    for field in _struct_fields(struct).values():
        name = f"{prefix}{field.encode_name}"
        yield FieldReference(
            name,
            field.required,
            "body",
            _type_name(field.type),
            rule_of(struct, f"$.{field.encode_name}").short,
            describe(call, name),
        )
        if name not in {"data", "body"}:
            for option in options_of(field.type):
                yield from _inner(call, option, name)


def _struct_fields(struct: type[Struct]) -> dict[str, inspect.Field]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: field for field in info.fields}


def _inner(call: str, option: inspect.Type, name: str) -> Iterator[FieldReference]:
    if isinstance(option, inspect.StructType):
        yield from _fields(call, option.cls, f"{name}.")
    elif isinstance(option, inspect.ListType | inspect.VarTupleType):
        for item in options_of(option.item_type):
            if isinstance(item, inspect.StructType):
                yield from _fields(call, item.cls, f"{name}[].")


_TYPE_NAMES: tuple[tuple[Any, str], ...] = (
    (inspect.StrType, "string"),
    (inspect.IntType, "number"),
    (inspect.BoolType, "boolean"),
    (inspect.ListType, "array"),
    (inspect.VarTupleType, "array"),
    (inspect.StructType, "object"),
)


def _type_name(kind: inspect.Type) -> str:
    names = dict.fromkeys(name for option in options_of(kind) for name in _names(option))
    return " | ".join(names) or "object"


def _names(option: inspect.Type) -> Iterator[str]:
    inner = option.type if isinstance(option, inspect.Metadata) else option
    if isinstance(inner, inspect.UnionType):
        for alternative in inner.types:
            yield from _names(alternative)
    elif isinstance(inner, inspect.LiteralType):
        for value in inner.values:
            yield "string" if isinstance(value, str) else "boolean" if isinstance(value, bool) else "number"
    else:
        yield from (name for cls, name in _TYPE_NAMES if isinstance(inner, cls))
