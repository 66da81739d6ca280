"""The OpenAPI 3.1 document, made from the structs that validate requests."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct, inspect

from msgcenter import __version__
from msgcenter.domain.content import FormRow, Link, Oa, OaBody, OaHead, Text
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import SUCCESS_CODE, Reason
from msgcenter.gateway.calls.tokens import LOWER_CASE_TOKEN_PATH, OAUTH_PATH, TOKEN_PATH, TOKEN_SUMMARY
from msgcenter.gateway.endpoint import AnyEndpoint
from msgcenter.gateway.wire.answers import LowerCaseTokenAnswer, NationalTokenAnswer, TokenAnswer
from msgcenter.gateway.wire.app_message import AppLink
from msgcenter.gateway.wire.requests import GetAccessToken, GetAccessTokenLowerCase, NestedOa
from msgcenter.web.absent import is_absent_if_empty

_REF = "#/components/schemas/{name}"
_Schema = dict[str, Any]
_SECURITY: list[_Schema] = [{"accessTokenQuery": []}, {"bearer": []}, {"accessTokenHeader": []}]


@lru_cache(maxsize=8)
def document(endpoints: tuple[AnyEndpoint, ...], root: str) -> bytes:
    """Return the document for these calls and the token calls, as JSON; `root` is the base path, "" for none."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "MsgCenter",
                "version": __version__,
                "description": "The app API of MsgCenter. Every answer is an envelope with retCode and retDesc; "
                "refusals have HTTP status 200 as well.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": root or "/"}],
            "paths": {
                **_token_paths(),
                **{
                    endpoint.path: {
                        "post": _operation(
                            endpoint.path, endpoint.summary, endpoint.request, endpoint.answer, security=_SECURITY
                        )
                    }
                    for endpoint in endpoints
                },
            },
            "components": {"schemas": _schemas(endpoints), "securitySchemes": _security_schemes()},
        }
    )


def _operation(
    path: str, summary: Phrase, request: type[Struct], answer: type[Struct] | None, *, security: list[_Schema]
) -> _Schema:
    success: _Schema = {"$ref": _REF.format(name="Success")}
    if answer is not None:
        success = {"allOf": [success, _ref(answer)]}
    return {
        "operationId": path.rpartition("/")[2],
        "summary": summary.en,
        "description": summary.zh,
        "security": security,
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(request)}}},
        "responses": {
            "200": {
                "description": "Success, or a refusal by its retCode",
                "headers": {name: _string_header(text) for name, text in _HEADERS.items()},
                "content": {
                    "application/json": {"schema": {"anyOf": [success, {"$ref": _REF.format(name="Refusal")}]}}
                },
            },
            **{
                status: {
                    "description": text,
                    "content": {"application/json": {"schema": {"$ref": _REF.format(name="Refusal")}}},
                }
                for status, text in _OTHER_STATUSES.items()
            },
        },
    }


_HEADERS = {
    "X-Request-Id": "identifies the call in the server's log",
    "RateLimit-Limit": "calls per second of this app and API; without a limit none of the three is sent",
    "RateLimit-Remaining": "calls left in this second",
    "RateLimit-Reset": "seconds until the count restarts",
    "Retry-After": "with 400001 and 400002: seconds to wait before the next attempt",
}
_OTHER_STATUSES = {
    "405": "The method is not POST",
    "413": "The body is over 1 MiB",
    "503": "The server is shutting down, or its database is unavailable; retry",
}


def _string_header(text: str) -> _Schema:
    return {"description": text, "schema": {"type": "string"}}


def _ref(struct: type[Struct]) -> _Schema:
    return {"$ref": _REF.format(name=struct.__name__)}


def _token_paths() -> _Schema:
    lower = _operation(LOWER_CASE_TOKEN_PATH, TOKEN_SUMMARY, GetAccessTokenLowerCase, LowerCaseTokenAnswer, security=[])
    lower["deprecated"] = True
    usual = _operation(TOKEN_PATH, TOKEN_SUMMARY, GetAccessToken, TokenAnswer, security=[])
    # With a sysCode in the request.
    national = {"allOf": [{"$ref": _REF.format(name="Success")}, _ref(NationalTokenAnswer)]}
    usual["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"].insert(1, national)
    form = {
        "type": "object",
        "properties": {
            "grant_type": {"const": "client_credentials"},
            "client_id": {"type": "string", "description": "appId; or HTTP Basic"},
            "client_secret": {"type": "string", "description": "appKey; or HTTP Basic"},
        },
        "required": ["grant_type"],
    }
    answer = {
        "type": "object",
        "properties": {
            "access_token": {"type": "string"},
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer", "description": "seconds"},
        },
        "required": ["access_token", "token_type", "expires_in"],
    }
    error = {
        "type": "object",
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
        "required": ["error"],
    }
    oauth = {
        "operationId": "oauthToken",
        "summary": "Get an access token (RFC 6749 section 4.4)",
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "200": {"description": "The token", "content": {"application/json": {"schema": answer}}},
            **{
                status: {"description": text, "content": {"application/json": {"schema": error}}}
                for status, text in {
                    "400": "The request is wrong",
                    "401": "The client is unknown or disabled, or its secret is wrong",
                    "405": "The method is not POST",
                    "413": "The body is over 1 MiB",
                    "429": "Too many requests",
                    "503": "The server is shutting down, or its database is unavailable; retry",
                }.items()
            },
        },
    }
    return {
        TOKEN_PATH: {"post": usual},
        LOWER_CASE_TOKEN_PATH: {"post": lower},
        OAUTH_PATH: {"post": oauth},
    }


_REQUEST_PARTS: tuple[type[Struct], ...] = (
    GetAccessToken,
    GetAccessTokenLowerCase,
    Text,
    Link,
    Oa,
    OaHead,
    OaBody,
    FormRow,
    NestedOa,
    AppLink,
)


def _allow_absent(schema: _Schema, struct: type[Struct]) -> None:
    """Allow null in optional fields of a request, and "" where it means "left out"."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if not field.required:
            as_absent: list[_Schema] = [{"type": "null"}]
            if is_absent_if_empty(field):
                as_absent.append({"const": ""})
            schema["properties"][field.encode_name] = {"anyOf": [schema["properties"][field.encode_name], *as_absent]}


def _schemas(endpoints: Sequence[AnyEndpoint]) -> _Schema:
    structs: list[type[Struct]] = [*_REQUEST_PARTS, TokenAnswer, LowerCaseTokenAnswer, NationalTokenAnswer]
    for endpoint in endpoints:
        structs.append(endpoint.request)
        if endpoint.answer is not None:
            structs.append(endpoint.answer)
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REF)
    for struct in (*_REQUEST_PARTS, *(endpoint.request for endpoint in endpoints)):
        _allow_absent(schemas[struct.__name__], struct)
    codes = [reason.ret_code for reason in Reason]
    return {
        **schemas,
        "Success": _envelope({"const": SUCCESS_CODE}),
        "Refusal": _envelope({"enum": codes, "description": "; ".join(f"{r.ret_code} {r.phrase.en}" for r in Reason)}),
    }


def _envelope(ret_code: _Schema) -> _Schema:
    return {
        "type": "object",
        "properties": {"retCode": ret_code, "retDesc": {"type": "string", "maxLength": 100}},
        "required": ["retCode", "retDesc"],
    }


def _security_schemes() -> _Schema:
    return {
        "accessTokenQuery": {"type": "apiKey", "in": "query", "name": "accessToken"},
        "bearer": {"type": "http", "scheme": "bearer"},
        "accessTokenHeader": {"type": "apiKey", "in": "header", "name": "accessToken"},
    }
