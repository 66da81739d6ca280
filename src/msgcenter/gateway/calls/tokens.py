"""Access tokens in the three dialects of the family's clients, and OAuth 2.0 client credentials."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from msgspec import UnsetType

from msgcenter.actions.apps.tokens import IssuedToken
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.refusal import SUCCESS_CODE, Reason, Refusal
from msgcenter.gateway.endpoint import Gateway, retry_after
from msgcenter.gateway.exchange import Exchange
from msgcenter.gateway.wire import envelope
from msgcenter.gateway.wire.answers import (
    LowerCaseTokenAnswer,
    NationalTokenAnswer,
    NationalTokenInfo,
    TokenAnswer,
    TokenInfo,
)
from msgcenter.gateway.wire.dialect import Dialect, spoken_in
from msgcenter.gateway.wire.requests import GetAccessToken, GetAccessTokenLowerCase
from msgcenter.web.decode import decode
from msgcenter.web.edge import BodyTooLargeError

TOKEN_NAME = "getAccessToken"  # noqa: S105 - a name
TOKEN_PATH = f"/apigateway/{TOKEN_NAME}"
LOWER_CASE_TOKEN_PATH = "/apigateway/getaccesstoken"  # noqa: S105 - a path
OAUTH_PATH = "/oauth2/token"
TOKEN_SUMMARY = Phrase("获取accessToken", "Get an access token")
_MAX_FIELDS = 20
_MAX_FORM = 16 << 10
_ISSUED = Phrase("获取Token成功。", "Token issued.")


async def get_access_token(gateway: Gateway, exchange: Exchange) -> bytes:
    """Answer `/apigateway/getAccessToken` in the client's dialect (dialect.py)."""
    try:
        await gateway.rate_limit.hit(exchange, TOKEN_NAME)
    except Refusal:
        exchange.spoken = spoken_in(await exchange.json_body(), exchange.spoken)
        raise
    body = await exchange.json_body()
    exchange.spoken = spoken_in(body, exchange.spoken)
    names: type[GetAccessToken | GetAccessTokenLowerCase] = (
        GetAccessTokenLowerCase if exchange.spoken.lower_case_names else GetAccessToken
    )
    request = decode(body, names)
    issued = await gateway.tokens.issue(str(request.app_id), str(request.time_stamp), request.key_info)
    exchange.app = issued.app
    if exchange.spoken.dialect is Dialect.NATIONAL:
        return envelope.success(exchange.language, _national_answer(issued, request.sys_code), _ISSUED)
    info = _token_info(issued)
    if exchange.spoken.dialect is Dialect.LOWER_CASE:
        text = _ISSUED.in_language(exchange.language)
        return envelope.success(exchange.language, LowerCaseTokenAnswer(SUCCESS_CODE, text, info, info), _ISSUED)
    return envelope.success(exchange.language, TokenAnswer(info, info), _ISSUED)


def _token_info(issued: IssuedToken) -> TokenInfo:
    return TokenInfo(
        access_token=issued.token,
        valid_time=str(issued.expires_at),
        app_id=issued.app.app_id,
        app_name=issued.app.name,
        platform_code=issued.app.platform_code,
        user_id=issued.app.account,
        token=issued.token,
    )


def _national_answer(issued: IssuedToken, sys_code: str | float | UnsetType | None) -> NationalTokenAnswer:
    return NationalTokenAnswer(
        NationalTokenInfo(
            access_token=issued.token,
            app_id=issued.app.app_id,
            app_name=issued.app.name,
            sys_code="" if sys_code is None or isinstance(sys_code, UnsetType) else str(sys_code),
            user_id=issued.app.account,
            valid_time=str(issued.expires_at),
        )
    )


class _OAuthError(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


async def oauth_token(gateway: Gateway, exchange: Exchange) -> None:
    """Answer `/oauth2/token` (RFC 6749 section 4.4, errors as in section 5.2)."""
    headers = {b"pragma": b"no-cache"}
    try:
        await gateway.rate_limit.hit(exchange, OAUTH_PATH)
        client_id, secret = _client_credentials(exchange, await _form(exchange))
        issued = await gateway.tokens.issue_for_secret(client_id, secret)
    except _OAuthError as error:
        answer: dict[str, object] = {"error": error.error, "error_description": error.description}
        status = error.status
        exchange.ret_code = Reason.FIELD_MALFORMED.ret_code
    except Refusal as refusal:
        exchange.ret_code = refusal.reason.ret_code
        name, description, status = _oauth_error_of(refusal)
        headers |= retry_after(refusal) if status != 503 else {b"retry-after": b"1"}
        answer = {"error": name, "error_description": description}
    else:
        exchange.app = issued.app
        answer = {
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": (issued.expires_at - now_ms()) // 1_000,
        }
        status = 200
    if status == 401:
        headers[b"www-authenticate"] = b'Basic realm="msgcenter"'
    await exchange.answer(msgspec.json.encode(answer), status, headers)


def _oauth_error_of(refusal: Refusal) -> tuple[str, str, int]:
    if refusal.reason in {Reason.APP_UNKNOWN, Reason.KEY_INFO_WRONG}:
        return "invalid_client", "client_id (appId) or client_secret (appKey) is wrong", 401
    if refusal.reason is Reason.APP_DISABLED:
        return "invalid_client", refusal.describe("en"), 401
    return "temporarily_unavailable", refusal.describe("en"), 429 if refusal.reason is Reason.RATE_EXCEEDED else 503


async def _form(exchange: Exchange) -> dict[str, str]:
    """Return the fields of the body. Their number is limited: parsing thousands would cost more than the call."""
    try:
        body = await exchange.body(_MAX_FORM)
    except BodyTooLargeError:
        raise _OAuthError("invalid_request", f"the body must be at most {_MAX_FORM >> 10} KiB", 413) from None
    if body.count(b"&") >= _MAX_FIELDS:
        raise _OAuthError("invalid_request", f"the body must have at most {_MAX_FIELDS} parameters")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
    except UnicodeDecodeError:
        raise _OAuthError("invalid_request", "the body must be application/x-www-form-urlencoded") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _OAuthError("invalid_request", "a parameter is repeated")
    return form


def _client_credentials(exchange: Exchange, form: Mapping[str, str]) -> tuple[str, str]:
    if "grant_type" not in form:
        raise _OAuthError("invalid_request", "grant_type is missing; the body must be a form")
    if form["grant_type"] != "client_credentials":
        raise _OAuthError("unsupported_grant_type", "grant_type must be client_credentials")
    authorization = exchange.header(b"authorization")
    if authorization:
        if "client_secret" in form:
            raise _OAuthError("invalid_request", "send the secret once: in the Authorization header or in the body")
        return _basic(authorization)
    if not form.get("client_id") or not form.get("client_secret"):
        raise _OAuthError("invalid_client", "client_id (appId) and client_secret (appKey) are required", 401)
    return _storable(form["client_id"]), form["client_secret"]


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, separator, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        separator = client_id = secret = ""
    if scheme.lower() != "basic" or not separator:
        raise _OAuthError("invalid_client", "the Authorization header must be HTTP Basic: client_id:client_secret", 401)
    return _storable(unquote_plus(client_id)), unquote_plus(secret)


def _storable(client_id: str) -> str:
    """Return an id that PostgreSQL can compare; an id with U+0000 cannot exist."""
    return client_id.replace("\0", "\N{REPLACEMENT CHARACTER}")
