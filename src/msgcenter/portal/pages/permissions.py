"""For operators: all apps, with their permissions and limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.domain.refusal import malformed
from msgcenter.domain.search_text import folded, search_words
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.numbers import form_number
from msgcenter.portal.texts.roles import role_name

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
    grants: AddressingGrants
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

    async def app(self, request: PageRequest) -> Answer:
        """Show the permissions and limits of one app."""
        # The app that sends announcements has no grants: operators address whom they like.
        has_grants = not request.required_app.app.notices
        return View(
            "operator_app.html",
            {
                "platforms": await self.platforms.all(),
                "granted": await self.grants.granted(request.app_id) if has_grants else [],
                "role_name": role_name,
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
            urgent=form["urgent"] == "1",
            inbox_scope="platform" if form["platform_inbox"] == "1" else "own",
            platforms=[name.removeprefix("platform.") for name in form if name.startswith("platform.")],
            by=request.actor,
        )
        return see_other(f"/operator/apps/{request.app_id}", "saved")

    async def grant(self, request: PageRequest) -> Answer:
        """Let an app address an organisation with all below it: some roles, or all members."""
        form = request.form
        if not form["org"]:
            raise malformed("org", "请填写", "is required")
        roles = form["roles"].replace(",", " ").replace("，", " ").split()
        await self.grants.grant(
            request.app_id, form["org"], roles or None, platform_code=form["platform"] or None, by=request.actor
        )
        return see_other(f"/operator/apps/{request.app_id}", "saved")

    async def revoke(self, request: PageRequest) -> Answer:
        """Take a grant back."""
        form = request.form
        await self.grants.revoke(request.app_id, form["org"], platform_code=form["platform"] or None, by=request.actor)
        return see_other(f"/operator/apps/{request.app_id}", "saved")

    async def save_limits(self, request: PageRequest) -> Answer:
        """Change an app's rate limits and daily quota."""
        form = request.form
        limits = {name: form_number(form, f"rate.{name}") for name in self._limited if form[f"rate.{name}"]}
        quota = form_number(form, "quota") if form["quota"] else None
        await self.settings.set_limits(request.app_id, limits or None, quota, by=request.actor)
        return see_other(f"/operator/apps/{request.app_id}", "saved")
