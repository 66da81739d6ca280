"""What both clients need of httpx: how it is set up, and its answers and errors in our terms."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias, TypedDict
from urllib.parse import urlsplit

import httpx

from msgcenter_client.errors import TransportError
from msgcenter_client.exchange import Response

Language: TypeAlias = Literal["zh", "en"]


class Setup(TypedDict):
    """Arguments of httpx.Client and httpx.AsyncClient alike."""

    base_url: str
    timeout: float | httpx.Timeout
    headers: dict[str, str]


def setup(base_url: str, *, timeout: float | httpx.Timeout, language: Language, user_agent: str | None) -> Setup:
    """Return the set-up of the HTTP client. Raises ValueError for a base URL that is not http or https."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"base_url must begin with http:// or https:// and a host, not {base_url!r}")
    headers = {"Accept": "application/json", "Accept-Language": language}
    headers["User-Agent"] = user_agent or default_user_agent()
    return {"base_url": base_url, "timeout": timeout, "headers": headers}


def default_user_agent() -> str:
    """Return this distribution's name and version."""
    try:
        return f"msgcenter-client/{version('msgcenter-client')}"
    except PackageNotFoundError:  # used from a source tree
        return "msgcenter-client"


def read_response(response: httpx.Response) -> Response:
    """Return what the rest of the client looks at."""
    return Response(response.status_code, response.headers, response.content)


def transport_error(problem: httpx.HTTPError) -> TransportError:
    """Return the exception for a request that got no answer."""
    kind = "time-out" if isinstance(problem, httpx.TimeoutException) else "connection failed"
    error = TransportError(f"{kind}: {problem}" if str(problem) else f"{kind}: {type(problem).__name__}")
    error.temporary = isinstance(
        problem,
        httpx.TimeoutException | httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError,
    )
    return error
