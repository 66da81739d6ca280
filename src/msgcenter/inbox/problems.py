"""Errors of the inbox API: HTTP statuses with `application/problem+json` bodies (RFC 9457)."""

from http import HTTPStatus
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from msgcenter.domain.forgotten import ForgottenUserError
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.web.edge import refusal_of


class Problem(NamedTuple):
    """Why a request is refused. `field` is the field at fault; the request may be repeated after `seconds`."""

    status: int
    code: str
    detail: Phrase
    field: str | None = None
    seconds: int | None = None


class ProblemError(Exception):
    """A refused request. Create one for each raise: an exception keeps the frames of every raise."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


TOKEN_MISSING = Problem(401, "token_missing", Phrase("缺少用户令牌", "the user token is missing"))
TOKEN_EXPIRED = Problem(
    401, "token_expired", Phrase("用户令牌已过期,请重新获取", "the user token has expired, get a new one")
)
TOKEN_INVALID = Problem(401, "token_invalid", Phrase("用户令牌无效", "the user token is invalid"))
ORIGIN_REFUSED = Problem(403, "origin_refused", Phrase("该网站未获准使用此令牌", "this website may not use the token"))
NO_SUCH_PATH = Problem(404, "not_found", Phrase("没有这个地址", "there is nothing at this address"))
NOT_FOUND = Problem(404, "not_found", Phrase("消息不存在", "there is no such message"))
NO_SUCH_APP = Problem(404, "not_found", Phrase("应用不存在", "there is no such app"))
UNAVAILABLE = Problem(503, "unavailable", Phrase("服务暂时不可用,请稍后重试", "temporarily unavailable, retry"))
INTERNAL = Problem(500, "internal", Phrase("服务器内部错误", "internal error"))
TOO_LARGE = Problem(413, "too_large", Phrase("请求体过大", "the body is too large"))


def invalid(field: str, zh: str, en: str) -> ProblemError:
    """Return the error for a field whose value is not allowed."""
    return ProblemError(Problem(400, "invalid_field", Phrase(f"{field}:{zh}", f"{field}: {en}"), field))


def wrong_method(allowed: str) -> ProblemError:
    """Return the error for a method that a path does not take."""
    detail = Phrase(f"请求方法须为 {allowed}", f"the method must be {allowed}")
    return ProblemError(Problem(405, "method_not_allowed", detail))


def problem_of(error: Exception, event: str, path: str) -> Problem:
    """Return the problem that answers an exception. Faults of the server are logged, as `event` of `path`."""
    if isinstance(error, ForgottenUserError):  # a new token makes the user known again, if the app wants that
        return TOKEN_EXPIRED
    return error.problem if isinstance(error, ProblemError) else _problem_of(refusal_of(error, event, path))


def _problem_of(refusal: Refusal) -> Problem:
    if refusal.reason is Reason.INTERNAL:
        return INTERNAL
    if refusal.reason in {Reason.DATABASE_UNAVAILABLE, Reason.SHUTTING_DOWN}:
        return UNAVAILABLE
    detail = Phrase(refusal.describe("zh"), refusal.describe("en"))
    if refusal.reason is Reason.RATE_EXCEEDED:
        seconds = refusal.data.get("seconds")
        return Problem(429, "rate_exceeded", detail, seconds=seconds if isinstance(seconds, int) else None)
    if refusal.reason is Reason.BODY_NOT_AN_OBJECT:
        return Problem(400, "invalid_field", detail, "body")
    if refusal.reason in {Reason.FIELD_MISSING, Reason.FIELD_MALFORMED, Reason.TOO_MANY_ITEMS}:
        return Problem(400, "invalid_field", detail, str(refusal.data["field"]))
    return Problem(400, "refused", detail)


def problem_response(problem: Problem, language: Language) -> Response:
    """Return the response for an error."""
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
