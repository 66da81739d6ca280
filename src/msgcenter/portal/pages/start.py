"""The start page, and the page for unknown paths."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse

from msgcenter.actions.portal.sign_up import SignUps
from msgcenter.portal.page import HOME, Answer, View, see_other
from msgcenter.portal.page_request import PageRequest


@dataclass(frozen=True)
class StartPages:
    """Where visitors arrive."""

    sign_ups: SignUps

    async def home(self, _: PageRequest) -> Answer:
        """Redirect the server's root to the portal."""
        return RedirectResponse(HOME, 303)

    async def start(self, request: PageRequest) -> Answer:
        """Present the product; a person who is logged in goes on to their apps."""
        if request.session is not None:
            return see_other("/apps")
        is_open = await self.sign_ups.mode() == "open"
        return View("start.html", {"sign_up": is_open, "server": request.server})

    async def unknown(self, request: PageRequest) -> Answer:
        """Show that there is no such page."""
        if request.path == f"{HOME}/":
            return RedirectResponse(HOME, 303)
        return View("error.html", {"problem": "not_found"}, 404)
