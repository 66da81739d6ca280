"""Errors of the inbox API: ordinary statuses, `application/problem+json` bodies (RFC 9457)."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import Reason, Refusal


class ProblemError(Exception):
    """A request that is refused. `field` names the part at fault; after `seconds` it may be repeated."""

    def __init__(
        self, status: int, code: str, detail: Phrase, field: str | None = None, *, seconds: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.seconds = seconds


TOKEN_MISSING = ProblemError(401, "token_missing", Phrase("缺少用户令牌", "the user token is missing"))
TOKEN_EXPIRED = ProblemError(
    401, "token_expired", Phrase("用户令牌已过期,请重新获取", "the user token has ended, get a new one")
)
TOKEN_INVALID = ProblemError(401, "token_invalid", Phrase("用户令牌无效", "the user token is not valid"))
ORIGIN_REFUSED = ProblemError(
    403, "origin_refused", Phrase("该网站未获准使用此令牌", "this website may not use the token")
)
NO_SUCH_PATH = ProblemError(404, "not_found", Phrase("没有这个地址", "there is nothing at this address"))
NOT_FOUND = ProblemError(404, "not_found", Phrase("消息不存在", "there is no such message"))
UNAVAILABLE = ProblemError(503, "unavailable", Phrase("服务暂时不可用,请稍后重试", "not available right now, retry"))
INTERNAL = ProblemError(500, "internal", Phrase("服务器内部错误", "internal error"))
TOO_LARGE = ProblemError(413, "too_large", Phrase("请求体过大", "the body is too large"))


def invalid(field: str, zh: str, en: str) -> ProblemError:
    """Return the error for one field whose value is not allowed."""
    return ProblemError(400, "invalid_field", Phrase(f"{field}:{zh}", f"{field}: {en}"), field)


def wrong_method(allowed: str) -> ProblemError:
    """Return the error for a method that a path does not take."""
    return ProblemError(405, "method_not_allowed", Phrase(f"请求方法须为 {allowed}", f"the method must be {allowed}"))


def problem_of(refusal: Refusal) -> ProblemError:
    """Return the error that stands for a refusal of the actions."""
    if refusal.reason in {Reason.DATABASE_UNAVAILABLE, Reason.SHUTTING_DOWN}:
        return UNAVAILABLE
    detail = Phrase(refusal.describe("zh"), refusal.describe("en"))
    if refusal.reason is Reason.RATE_EXCEEDED:
        seconds = refusal.data.get("seconds")
        return ProblemError(429, "rate_exceeded", detail, seconds=seconds if isinstance(seconds, int) else None)
    if refusal.reason in {Reason.FIELD_MALFORMED, Reason.TOO_MANY_ITEMS}:
        return ProblemError(400, "invalid_field", detail, str(refusal.data["field"]))
    return ProblemError(400, "refused", detail)


def problem_response(problem: ProblemError, language: Language) -> Response:
    """Return the answer for an error."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail.in_language(language),
        "code": problem.code,
    }
    if problem.field is not None:
        body["field"] = problem.field
    headers = {"www-authenticate": "Bearer"} if problem.status == 401 else {}
    if problem.status in {429, 503}:
        headers["retry-after"] = str(problem.seconds or 1)
    return Response(msgspec.json.encode(body), problem.status, headers, "application/problem+json")
