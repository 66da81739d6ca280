"""Where visitors arrive: what this is, and what is not here."""

from starlette.responses import RedirectResponse, Response

from msgcenter.portal.portal import HOME, Portal, see_other
from msgcenter.portal.visitor import Visitor


async def home(_: Portal, __: Visitor) -> Response:
    """Send visitors of the server's root to the portal."""
    return RedirectResponse(HOME, 303)


async def start(portal: Portal, visitor: Visitor) -> Response:
    """Say what this is and where to begin; whoever is logged in goes on to their apps."""
    if visitor.visit is not None:
        return see_other("/apps")
    is_open = await portal.people.sign_up_mode() == "open"
    return portal.page(visitor, "start.html", sign_up=is_open, server=visitor.server)


async def unknown(portal: Portal, visitor: Visitor) -> Response:
    """Say that there is no such page."""
    if visitor.path == f"{HOME}/":
        return RedirectResponse(HOME, 303)
    return portal.page(visitor, "error.html", 404, problem="not_found")
