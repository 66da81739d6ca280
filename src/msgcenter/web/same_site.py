"""Whether a request comes from a page of this server itself."""

from starlette.requests import Request


def is_same_site(request: Request) -> bool:
    """Tell whether a request was made by one of our own pages.

    Browsers say so in Sec-Fetch-Site, whatever a proxy has made of the Host header. Where they leave it out (plain
    http, old browsers), Origin is compared with Host. Who sends neither is no browser.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")
