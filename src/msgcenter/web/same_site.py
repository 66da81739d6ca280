"""Whether a request comes from a page of this server."""

from starlette.requests import Request


def is_same_site(request: Request) -> bool:
    """Return whether a page of this server made a request.

    Browsers say so in Sec-Fetch-Site, which does not depend on a proxy's Host header. Without it (plain http, old
    browsers), Origin is compared with Host. A client that sends neither is no browser.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")
