"""The operators' side: people, platforms, requests, limits."""

from typing import get_args

from starlette.responses import Response

from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.operators import AccountChange, ConfirmationKind, may_confirm
from msgcenter.domain.person import LoginError, Role, ThrottledError
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.domain.search_text import folded, search_words
from msgcenter.monitor.findings import LEVELS
from msgcenter.portal.pages.account import of_password
from msgcenter.portal.portal import HOME, Portal, see_other
from msgcenter.portal.visitor import Visitor, whole_number

_SHOWN = 500


async def start(_: Portal, __: Visitor) -> Response:
    """Lead to the first of the operators' pages."""
    return see_other("/operator/requests")


async def requests(portal: Portal, visitor: Visitor) -> Response:
    """List what developers have asked for."""
    return portal.page(
        visitor,
        "operator_requests.html",
        requests=await portal.team.open_requests(),
        announcements=await portal.announcements.waiting(),
        confirmations=len(await portal.operators.waiting()),
    )


async def decide(portal: Portal, visitor: Visitor) -> Response:
    """Grant or refuse a request."""
    number, granted = _number(visitor.form["number"], "number"), visitor.form["granted"] == "1"
    await portal.team.decide(
        number,
        granted=granted,
        answer=visitor.form["answer"],
        person=visitor.person,
        by=visitor.actor,
        seen_name=visitor.form["seen_name"],
    )
    return see_other("/operator/requests", "granted" if granted else "refused")


# --- People ---------------------------------------------------------------------------------------------------------


async def people(
    portal: Portal, visitor: Visitor, invitation: str | None = None, changed: AccountChange | None = None
) -> Response:
    """List the people, or those whose name or login has a text in it, and who is invited.

    `invitation` and `changed` are what is shown once, after a change.
    """
    wanted = search_words(visitor.query("q")) or ""
    found = [
        record
        for record in await portal.people.everyone()
        if wanted in folded(record.person.name) or wanted in folded(record.person.login)
    ]
    return portal.page(
        visitor,
        "operator_people.html",
        people=found[:_SHOWN],
        total=len(found),
        invitations=await portal.people.open_invitations(),
        sign_up=await portal.people.sign_up_mode(),
        invitation=invitation,
        changed=changed,
        asked_about=visitor.form["person"],
        confirmations=len(await portal.operators.waiting()),
    )


async def set_sign_up(portal: Portal, visitor: Visitor) -> Response:
    """Change who may sign up."""
    mode = visitor.form["mode"]
    await portal.people.set_sign_up_mode("invitation" if mode == "invitation" else "open", visitor.actor)
    return see_other("/operator/people", "saved")


async def invite(portal: Portal, visitor: Visitor) -> Response:
    """Make an invitation and show its link, once."""
    form = visitor.form
    role: Role = "operator" if form["role"] == "operator" else "developer"
    try:
        invited = await portal.people.invite(
            role, form["note"], _visit(visitor), form["inviter_password"], visitor.actor
        )
    except (LoginError, ThrottledError) as error:
        raise _of_own_password(error, "inviter_password") from None
    return await people(portal, visitor, f"{visitor.server}{HOME}/invitation/{invited.token}")


async def revoke_invitation(portal: Portal, visitor: Visitor) -> Response:
    """End an invitation."""
    await portal.people.revoke_invitation(_number(visitor.form["number"], "number"), visitor.actor)
    return see_other("/operator/people", "revoked")


async def change_person(portal: Portal, visitor: Visitor) -> Response:
    """Change somebody's role, keep them out or let them in, reset their password or their second factor.

    What takes another operator waits for one.
    """
    form = visitor.form
    number, change = _number(form["person"], "login"), form["change"]
    if change == "developer":
        await portal.people.make_developer(number, visitor.actor)
        return see_other("/operator/people", "saved")
    if change == "disable":
        await portal.people.disable(number, visitor.actor)
        return see_other("/operator/people", "disabled")
    if change == "enable" and not (await portal.people.find(number)).person.is_operator:
        await portal.people.enable(number, visitor.actor)
        return see_other("/operator/people", "enabled")
    kind = next((one for one in get_args(ConfirmationKind) if one == change), None)
    if kind is None:
        raise malformed("change", "请选择", "must be chosen")
    try:
        changed = await portal.operators.change(_visit(visitor), kind, number, form["own_password"], visitor.actor)
    except (LoginError, ThrottledError) as error:
        raise _of_own_password(error) from None
    if changed.secret is not None:
        return await people(portal, visitor, changed=changed)
    return see_other("/operator/people", "waits" if changed.waits else "saved")


async def confirmations(portal: Portal, visitor: Visitor, half: str | None = None) -> Response:
    """List what one operator has asked for and another has to confirm; `half` of a one-time password is shown once."""
    waiting = [(one, may_confirm(one, visitor.person)) for one in await portal.operators.waiting()]
    return portal.page(visitor, "operator_confirmations.html", waiting=waiting, half=half)


async def decide_confirmation(portal: Portal, visitor: Visitor) -> Response:
    """Confirm, or refuse."""
    form = visitor.form
    number = _number(form["number"], "number")
    if form["confirmed"] != "1":
        await portal.operators.refuse(number, visitor.person, visitor.actor)
        return see_other("/operator/confirmations", "refused")
    try:
        half = await portal.operators.confirm(_visit(visitor), number, form["own_password"], visitor.actor)
    except (LoginError, ThrottledError) as error:
        raise _of_own_password(error) from None
    if half is not None:
        return await confirmations(portal, visitor, half)
    return see_other("/operator/confirmations", "confirmed")


def _visit(visitor: Visitor) -> ActiveSession:
    assert visitor.visit is not None
    return visitor.visit


def _of_own_password(error: LoginError | ThrottledError, field: str = "own_password") -> Refusal:
    refusal = of_password(error)
    return Refusal(refusal.reason, field=field, rule=refusal.data["rule"])


# --- Platforms and apps ---------------------------------------------------------------------------------------------


async def platforms(portal: Portal, visitor: Visitor) -> Response:
    """List the platforms; a change that was refused stands where it was made."""
    changed = visitor.form["code"] if visitor.error and visitor.form["new"] != "1" else None
    return portal.page(visitor, "operator_platforms.html", platforms=await portal.platforms.all(), changed=changed)


async def save_platform(portal: Portal, visitor: Visitor) -> Response:
    """Add a platform, or change one."""
    form = visitor.form
    await portal.platforms.save(
        form["code"],
        form["name"],
        schemes=form["schemes"].replace(",", " ").split(),
        is_new=form["new"] == "1",
        by=visitor.actor,
    )
    return see_other("/operator/platforms", "saved")


async def all_apps(portal: Portal, visitor: Visitor) -> Response:
    """List all apps, or those whose name or id has a text in it."""
    wanted = search_words(visitor.query("q")) or ""
    found = [
        record
        for record in await portal.apps.registered(visitor.query("platform") or None)
        if wanted in folded(record.app.name) or wanted in folded(record.app.app_id)
    ]
    platforms = await portal.platforms.all()
    return portal.page(visitor, "operator_apps.html", apps=found[:_SHOWN], total=len(found), platforms=platforms)


async def permissions(portal: Portal, visitor: Visitor) -> Response:
    """Show what an app may do and how often."""
    return portal.page(
        visitor,
        "operator_app.html",
        platforms=await portal.platforms.all(),
        apis=_limited(portal),
        default_limit=portal.rate_limit,
    )


def _limited(portal: Portal) -> list[str]:
    """Return what an app can have a rate limit for: "*" stands for every other API."""
    return ["*", *portal.api_names]


async def save_permissions(portal: Portal, visitor: Visitor) -> Response:
    """Change that."""
    form, app_id = visitor.form, visitor.the_app.app.app_id
    await portal.permissions.save(
        app_id,
        live=form["live"] == "1",
        broadcasts=form["broadcasts"] == "1",
        inbox_scope="platform" if form["platform_inbox"] == "1" else "own",
        platforms=[name.removeprefix("platform.") for name in form if name.startswith("platform.")],
        by=visitor.actor,
    )
    return see_other(f"/operator/apps/{app_id}", "saved")


async def save_limits(portal: Portal, visitor: Visitor) -> Response:
    """Change how often an app may call, and how much it may send."""
    form, app_id = visitor.form, visitor.the_app.app.app_id
    limits = {name: _number(form[f"rate.{name}"], f"rate.{name}") for name in _limited(portal) if form[f"rate.{name}"]}
    quota = _number(form["quota"], "quota") if form["quota"] else None
    await portal.apps.set_limits(app_id, limits or None, quota, by=visitor.actor)
    return see_other(f"/operator/apps/{app_id}", "saved")


async def health(portal: Portal, visitor: Visitor) -> Response:
    """Show how the server is."""
    report = await portal.health.report()
    return portal.page(visitor, "operator_health.html", report=report, levels=LEVELS)


def _number(text: str, field: str) -> int:
    number = whole_number(text)
    if number is None:
        raise malformed(field, "须为0–2,147,483,647的整数", "must be a whole number from 0 to 2,147,483,647")
    return number
