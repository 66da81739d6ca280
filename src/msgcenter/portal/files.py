"""The scripts and styles of the portal."""

from starlette.requests import Request
from starlette.responses import Response

from msgcenter.domain.refusal import Refusal
from msgcenter.portal.assets import portal_assets
from msgcenter.portal.portal import ANY_METHOD, Page, PageEndpoint, Portal
from msgcenter.web.endpoint import Respond, client_address


def static_files(portal: Portal, unknown: Page) -> Respond:
    """Return what answers with the files; where there is none, with the page `unknown`."""
    static = portal_assets()
    instead = PageEndpoint(portal, {ANY_METHOD: unknown})
    of_a_file = PageEndpoint(portal, {"GET": unknown})

    async def respond(request: Request) -> Response:
        response = static.response(request.path_params["rest"], request, {})
        if response is None:
            return await instead(request)
        if request.method not in {"GET", "HEAD"}:
            return await of_a_file(request)
        try:
            portal.limits.count_file(client_address(request))
        except Refusal as refusal:
            return of_a_file.refuse(request, refusal)
        return response

    return respond
