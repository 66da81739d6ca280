"""The scripts and styles of the portal."""

from starlette.requests import Request
from starlette.responses import Response

from msgcenter.domain.refusal import Refusal
from msgcenter.portal.assets import portal_assets
from msgcenter.portal.edge import ANY_METHOD, PageEndpoint, PortalEdge
from msgcenter.portal.page import BoundPage
from msgcenter.web.edge import client_address
from msgcenter.web.endpoint import Respond


def static_files(edge: PortalEdge, unknown: BoundPage) -> Respond:
    """Return a function that answers with a static file, or with the page `unknown` if there is no such file."""
    static = portal_assets()
    no_file = PageEndpoint(edge, {ANY_METHOD: unknown})
    file_page = PageEndpoint(edge, {"GET": unknown})

    async def respond(http: Request) -> Response:
        response = static.response(http.path_params["rest"], http, {})
        if response is None:
            return await no_file(http)
        if http.method not in {"GET", "HEAD"}:
            return await file_page(http)
        try:
            edge.limits.count_file(client_address(http.scope))
        except Refusal as refusal:
            return await file_page.refuse(http, refusal)
        return response

    return respond
