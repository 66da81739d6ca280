"""For operators: all apps, with their permissions and limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.domain.search_text import folded, search_words
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.numbers import form_number

MAX_ROWS = 500


@dataclass(frozen=True)
class PermissionPages:
    """List apps and change what they are allowed to do.

    `apis` are the calls that can have a rate limit of their own; `rate_limit` is the default, in calls per second for
    each app and API.
    """

    apps: Apps
    platforms: Platforms
    permissions: Permissions
    settings: AppSettings
    apis: Sequence[str]
    rate_limit: int

    async def list_apps(self, request: PageRequest) -> Answer:
        """List the apps whose name or appId contains the query."""
        words = search_words(request.query("q")) or ""
        apps = [
            record
            for record in await self.apps.registered(request.query("platform") or None)
            if words in folded(record.app.name) or words in folded(record.app.app_id)
        ]
        platforms = await self.platforms.all()
        return View("operator_apps.html", {"apps": apps[:MAX_ROWS], "total": len(apps), "platforms": platforms})

    async def app(self, _: PageRequest) -> Answer:
        """Show the permissions and limits of one app."""
        return View(
            "operator_app.html",
            {
                "platforms": await self.platforms.all(),
                "apis": self._limited,
                "default_limit": self.rate_limit,
            },
        )

    @property
    def _limited(self) -> list[str]:
        """The APIs with a rate limit field; "*" is every other API."""
        return ["*", *self.apis]

    async def save_permissions(self, request: PageRequest) -> Answer:
        """Change what an app is allowed to do."""
        form = request.form
        await self.permissions.save(
            request.app_id,
            live=form["live"] == "1",
            broadcasts=form["broadcasts"] == "1",
            directory=form["directory"] == "1",
            inbox_scope="platform" if form["platform_inbox"] == "1" else "own",
            platforms=[name.removeprefix("platform.") for name in form if name.startswith("platform.")],
            by=request.actor,
        )
        return see_other(f"/operator/apps/{request.app_id}", "saved")

    async def save_limits(self, request: PageRequest) -> Answer:
        """Change an app's rate limits and daily quota."""
        form = request.form
        limits = {name: form_number(form, f"rate.{name}") for name in self._limited if form[f"rate.{name}"]}
        quota = form_number(form, "quota") if form["quota"] else None
        await self.settings.set_limits(request.app_id, limits or None, quota, by=request.actor)
        return see_other(f"/operator/apps/{request.app_id}", "saved")
