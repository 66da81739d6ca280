"""The portal's cookies, and the CSRF token that is derived from them."""

import hmac
from typing import TypeVar

from starlette.responses import Response

from msgcenter.actions.portal.logins import SESSION_MS, NewSession

SESSION_COOKIE = "__Host-session"
VISITOR_COOKIE = "__Host-visitor"
DEVICE_COOKIE = "__Host-device"
YEAR_SECONDS = 365 * 86_400
_SESSION_SECONDS = SESSION_MS // 1_000

AnyResponse = TypeVar("AnyResponse", bound=Response)


def set_secret(response: Response, name: str, value: str, seconds: int | None) -> None:
    """Set a cookie that no script and no other site can read; `seconds` None keeps it until the browser is closed.

    The prefix __Host- stops other sites of the same domain from setting it. It requires the path "/", also under a base
    path.
    """
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def with_session(response: AnyResponse, session: NewSession) -> AnyResponse:
    """Return a response that also logs the browser in."""
    set_secret(response, SESSION_COOKIE, session.token, _SESSION_SECONDS)
    set_secret(response, DEVICE_COOKIE, session.device, YEAR_SECONDS)
    return response


def csrf_token(key: bytes, secret: str) -> str:
    """Return the form token for the secret of a session cookie or a visitor cookie."""
    return hmac.new(key, secret.encode(), "sha256").hexdigest()[:43]
