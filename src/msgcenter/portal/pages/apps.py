"""A developer's apps: registration, name, keys, members, requests to the operators."""

from dataclasses import dataclass

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.apps.team import Team
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.domain.refusal import malformed
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest, whole_number
from msgcenter.portal.texts.roles import role_name
from msgcenter.store.apps.grants import GrantKind

_OVERLAPS = {"0": 0, "1h": 3_600, "1d": 86_400, "7d": 7 * 86_400}
_GRANTS: tuple[GrantKind, ...] = ("live", "broadcasts", "platform_inbox", "platform")


@dataclass(frozen=True)
class AppPages:
    """Register and manage apps, as their members do."""

    apps: Apps
    app_settings: AppSettings
    team: Team
    platforms: Platforms
    grants: AddressingGrants

    async def list_apps(self, request: PageRequest) -> Answer:
        """List the person's apps."""
        return View("apps.html", {"apps": await self.team.apps_of(request.person)})

    async def new_app(self, _: PageRequest) -> Answer:
        """Ask for an app's name and platform."""
        return View("app_new.html", {"platforms": await self.platforms.all()})

    async def create_app(self, request: PageRequest) -> Answer:
        """Register an app and show its key, once."""
        form = request.form
        if not request.person.is_operator:
            await self.platforms.find(form["platform"])
        credentials = await self.apps.create(form["name"], form["platform"], by=request.actor, owner=request.person)
        record = await self.apps.find(credentials.app.app_id)
        return View("app_key.html", {"app_key": credentials.app_key, "is_new": True}, 201, app=record)

    async def app(self, request: PageRequest) -> Answer:
        """Show an app and what it is allowed to do."""
        record = request.required_app
        return View(
            "app.html",
            {
                "requests": await self.team.requests(record),
                "platforms": await self.platforms.all(),
                "granted": [] if record.app.notices else await self.grants.granted(request.app_id),
                "role_name": role_name,
            },
        )

    async def settings(self, request: PageRequest) -> Answer:
        """Show the settings that members can change."""
        return View("app_settings.html", {"members": await self.team.members(request.required_app)})

    async def save_branding(self, request: PageRequest) -> Answer:
        """Change an app's name and colour; for a live app this makes a request to the operators."""
        form, record = request.form, request.required_app
        colour = None if form["automatic"] else form["colour"].removeprefix("#").lower()
        if record.app.live and not request.person.is_operator:
            await self.team.ask_branding(record, form["name"], colour, person=request.person, by=request.actor)
            return see_other(f"/apps/{request.app_id}", "asked")
        await self.app_settings.set_branding(request.app_id, form["name"], colour, by=request.actor)
        return see_other(f"/apps/{request.app_id}/settings", "saved")

    async def save_origins(self, request: PageRequest) -> Answer:
        """Change which websites can embed the inbox."""
        await self.app_settings.set_inbox(request.app_id, origins=request.form.lines("origins"), by=request.actor)
        return see_other(f"/apps/{request.app_id}/settings", "saved")

    async def add_member(self, request: PageRequest) -> Answer:
        """Add a member."""
        await self.team.add(request.required_app, request.form["login"], request.actor)
        return see_other(f"/apps/{request.app_id}/settings", "member-added")

    async def remove_member(self, request: PageRequest) -> Answer:
        """Remove a member."""
        number = whole_number(request.form["person"])
        if number is None:
            raise malformed("login", "不是成员", "is not a member")
        await self.team.remove(request.required_app, number, request.actor)
        if number == request.person.number and not request.person.is_operator:
            return see_other("/apps", "member-removed")
        return see_other(f"/apps/{request.app_id}/settings", "member-removed")

    async def keys(self, _: PageRequest) -> Answer:
        """Show the state of the keys, never the keys themselves."""
        return View("app_keys.html")

    async def rotate_key(self, request: PageRequest) -> Answer:
        """Create a new key and show it, once."""
        overlap = _OVERLAPS.get(request.form["overlap"])
        if overlap is None:
            raise malformed("overlap", "请选择", "must be chosen")
        credentials = await self.apps.rotate_key(request.app_id, overlap_seconds=overlap, by=request.actor)
        record = await self.apps.find(request.app_id)
        return View("app_key.html", {"app_key": credentials.app_key, "is_new": False}, app=record)

    async def end_previous_key(self, request: PageRequest) -> Answer:
        """Revoke the key before the last rotation at once."""
        await self.apps.end_previous_key(request.app_id, by=request.actor)
        return see_other(f"/apps/{request.app_id}/keys", "key-ended")

    async def disable_app(self, request: PageRequest) -> Answer:
        """Disable an app, or enable it again."""
        disabled = request.form["disabled"] == "1"
        await self.apps.set_disabled(request.app_id, disabled=disabled, by=request.actor)
        return see_other(f"/apps/{request.app_id}/settings", "disabled" if disabled else "enabled")

    async def ask_grant(self, request: PageRequest) -> Answer:
        """Request something from the operators."""
        form = request.form
        kind = next((grant for grant in _GRANTS if grant == form["kind"]), None)
        if kind is None:
            raise malformed("kind", "请选择", "must be chosen")
        value = form["value"] if kind == "platform" else ""
        await self.team.ask(request.required_app, kind, value, form["reason"], person=request.person, by=request.actor)
        return see_other(f"/apps/{request.app_id}", "asked")
