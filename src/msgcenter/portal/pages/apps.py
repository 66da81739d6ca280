"""A developer's apps: registered, named, their keys, team and requests."""

from starlette.responses import Response

from msgcenter.domain.refusal import malformed
from msgcenter.portal.portal import Portal, see_other
from msgcenter.portal.visitor import Visitor, whole_number
from msgcenter.store.apps.grants import GrantKind

_OVERLAPS = {"0": 0, "1h": 3_600, "1d": 86_400, "7d": 7 * 86_400}
_GRANTS: tuple[GrantKind, ...] = ("live", "broadcasts", "platform_inbox", "platform")


async def apps(portal: Portal, visitor: Visitor) -> Response:
    """List one's apps."""
    return portal.page(visitor, "apps.html", apps=await portal.team.apps_of(visitor.person))


async def new_app(portal: Portal, visitor: Visitor) -> Response:
    """Ask for an app's name and platform."""
    return portal.page(visitor, "app_new.html", platforms=await portal.platforms.all())


async def create_app(portal: Portal, visitor: Visitor) -> Response:
    """Register an app and show its key, once."""
    form = visitor.form
    if not visitor.person.is_operator:
        await portal.platforms.find(form["platform"])
    credentials = await portal.apps.create(form["name"], form["platform"], by=visitor.actor, owner=visitor.person)
    visitor.app = await portal.apps.find(credentials.app.app_id)
    return portal.page(visitor, "app_key.html", 201, app_key=credentials.app_key, is_new=True)


async def app(portal: Portal, visitor: Visitor) -> Response:
    """Show what an app is and what it may do."""
    return portal.page(
        visitor,
        "app.html",
        requests=await portal.team.requests(visitor.the_app),
        platforms=await portal.platforms.all(),
    )


async def settings(portal: Portal, visitor: Visitor) -> Response:
    """Show what can be changed of an app."""
    return portal.page(visitor, "app_settings.html", members=await portal.team.members(visitor.the_app))


async def save_face(portal: Portal, visitor: Visitor) -> Response:
    """Change an app's name and colour; a live app's wait for an operator."""
    form, record = visitor.form, visitor.the_app
    app_id = record.app.app_id
    colour = None if form["automatic"] else form["colour"].removeprefix("#").lower()
    if record.app.live and not visitor.person.is_operator:
        await portal.team.ask_branding(record, form["name"], colour, person=visitor.person, by=visitor.actor)
        return see_other(f"/apps/{app_id}", "asked")
    await portal.apps.set_branding(app_id, form["name"], colour, by=visitor.actor)
    return see_other(f"/apps/{app_id}/settings", "saved")


async def save_origins(portal: Portal, visitor: Visitor) -> Response:
    """Change which websites may embed the inbox."""
    app_id = visitor.the_app.app.app_id
    await portal.apps.set_inbox(app_id, origins=visitor.form.lines("origins"), by=visitor.actor)
    return see_other(f"/apps/{app_id}/settings", "saved")


async def add_member(portal: Portal, visitor: Visitor) -> Response:
    """Let somebody look after the app too."""
    await portal.team.add(visitor.the_app, visitor.form["login"], visitor.actor)
    return see_other(f"/apps/{visitor.the_app.app.app_id}/settings", "member-added")


async def remove_member(portal: Portal, visitor: Visitor) -> Response:
    """End that."""
    number = whole_number(visitor.form["person"])
    if number is None:
        raise malformed("login", "不是成员", "is not a member")
    await portal.team.remove(visitor.the_app, number, visitor.actor)
    if number == visitor.person.number and not visitor.person.is_operator:
        return see_other("/apps", "member-removed")
    return see_other(f"/apps/{visitor.the_app.app.app_id}/settings", "member-removed")


async def keys(portal: Portal, visitor: Visitor) -> Response:
    """Show what there is to know of the keys, but for the keys themselves."""
    return portal.page(visitor, "app_keys.html")


async def rotate_key(portal: Portal, visitor: Visitor) -> Response:
    """Make a new key and show it, once."""
    app_id, chosen = visitor.the_app.app.app_id, visitor.form["overlap"]
    if chosen not in _OVERLAPS:
        raise malformed("overlap", "请选择", "must be chosen")
    credentials = await portal.apps.rotate_key(app_id, overlap_seconds=_OVERLAPS[chosen], by=visitor.actor)
    visitor.app = await portal.apps.find(app_id)
    return portal.page(visitor, "app_key.html", app_key=credentials.app_key, is_new=False)


async def end_previous_key(portal: Portal, visitor: Visitor) -> Response:
    """Let the key before the last rotation end at once."""
    app_id = visitor.the_app.app.app_id
    await portal.apps.end_previous_key(app_id, by=visitor.actor)
    return see_other(f"/apps/{app_id}/keys", "key-ended")


async def disable_app(portal: Portal, visitor: Visitor) -> Response:
    """Disable an app, or enable it again."""
    app_id, disabled = visitor.the_app.app.app_id, visitor.form["disabled"] == "1"
    await portal.apps.set_disabled(app_id, disabled=disabled, by=visitor.actor)
    return see_other(f"/apps/{app_id}/settings", "disabled" if disabled else "enabled")


async def ask_grant(portal: Portal, visitor: Visitor) -> Response:
    """Ask the operators for something."""
    form = visitor.form
    kind = next((one for one in _GRANTS if one == form["kind"]), None)
    if kind is None:
        raise malformed("kind", "请选择", "must be chosen")
    value = form["value"] if kind == "platform" else ""
    await portal.team.ask(visitor.the_app, kind, value, form["reason"], person=visitor.person, by=visitor.actor)
    return see_other(f"/apps/{visitor.the_app.app.app_id}", "asked")
