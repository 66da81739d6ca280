"""httpx for both clients: its configuration, and the conversion of its answers and errors."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias, TypedDict
from urllib.parse import urlsplit

import httpx

from msgcenter_client.errors import TransportError
from msgcenter_client.exchange import Response

Language: TypeAlias = Literal["zh", "en"]


class Setup(TypedDict):
    """Arguments for httpx.Client and httpx.AsyncClient."""

    base_url: str
    timeout: float | httpx.Timeout
    headers: dict[str, str]


def setup(base_url: str, *, timeout: float | httpx.Timeout, language: Language, user_agent: str | None) -> Setup:
    """Return the HTTP client's arguments. Raises ValueError if the base URL is not an http(s) URL with a host."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"base_url must begin with http:// or https:// and a host, not {base_url!r}")
    headers = {"Accept": "application/json", "Accept-Language": language}
    headers["User-Agent"] = user_agent or default_user_agent()
    return {"base_url": base_url, "timeout": timeout, "headers": headers}


def default_user_agent() -> str:
    """Return the name and version of this package."""
    try:
        return f"msgcenter-client/{version('msgcenter-client')}"
    except PackageNotFoundError:  # used from a source tree
        return "msgcenter-client"


def read_response(response: httpx.Response) -> Response:
    """Return the parts of an answer that the client uses."""
    return Response(response.status_code, response.headers, response.content)


def transport_error(problem: httpx.HTTPError) -> TransportError:
    """Return the exception for a request without an answer."""
    kind = "time-out" if isinstance(problem, httpx.TimeoutException) else "connection failed"
    error = TransportError(f"{kind}: {problem}" if str(problem) else f"{kind}: {type(problem).__name__}")
    error.temporary = isinstance(
        problem,
        httpx.TimeoutException | httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError,
    )
    return error
