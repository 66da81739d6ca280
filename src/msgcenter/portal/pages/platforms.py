"""For operators: platforms."""

from dataclasses import dataclass

from msgcenter.actions.apps.platforms import Platforms
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest


@dataclass(frozen=True)
class PlatformPages:
    """List, add and change platforms."""

    platforms: Platforms

    async def list_platforms(self, request: PageRequest) -> Answer:
        """List the platforms; the form of the platform in `changed` shows what was refused."""
        changed = request.form["code"] if request.error and request.form["new"] != "1" else None
        return View("operator_platforms.html", {"platforms": await self.platforms.all(), "changed": changed})

    async def save(self, request: PageRequest) -> Answer:
        """Add a platform, or change one."""
        form = request.form
        await self.platforms.save(
            form["code"],
            form["name"],
            schemes=form["schemes"].replace(",", " ").split(),
            is_new=form["new"] == "1",
            by=request.actor,
        )
        return see_other("/operator/platforms", "saved")
