"""Every URL of the portal on one screen, and who may see it."""

from starlette.routing import BaseRoute, Route

from msgcenter.portal.files import static_files
from msgcenter.portal.pages import account, announcements, apps, audit, messages, statistics, webhooks
from msgcenter.portal.pages import operators as operator
from msgcenter.portal.pages import reference as docs
from msgcenter.portal.pages import start as starts
from msgcenter.portal.portal import ANY_METHOD, HOME, Page, PageEndpoint, Portal
from msgcenter.web.endpoint import AnyMethod

_APP = "/apps/{app_id}"
_ANNOUNCEMENT = "/operator/announcements/{number}"
_MESSAGE = _APP + "/messages/{message_id}"
_WEBHOOK = _APP + "/webhooks/{webhook_id}"

PAGES: tuple[Page, ...] = (
    Page("GET", "", "public", starts.start),
    Page("GET", "/login", "public", account.login_page),
    Page("POST", "/login", "public", account.login, account.login_page, for_due=True),
    Page("POST", "/login/code", "public", account.second_step, account.login_page, for_due=True),
    Page("POST", "/logout", "public", account.logout, for_due=True),
    Page("GET", "/sign-up", "public", account.sign_up_page),
    Page("POST", "/sign-up", "public", account.sign_up, account.sign_up_page),
    Page("GET", "/invitation/{invitation}", "public", account.sign_up_page),
    Page("POST", "/invitation/{invitation}", "public", account.sign_up, account.sign_up_page),
    Page("GET", "/account", "person", account.account),
    Page("GET", "/account/new-password", "person", account.new_password_page, for_due=True),
    Page("POST", "/account/new-password", "person", account.change_password, account.new_password_page, for_due=True),
    Page("POST", "/account/password", "person", account.change_password, account.account),
    Page("POST", "/account/sessions", "person", account.end_session, account.account),
    Page("GET", "/account/second-factor", "person", account.second_factor_page, for_due=True),
    Page(
        "POST",
        "/account/second-factor",
        "person",
        account.add_second_factor,
        account.second_factor_page,
        for_due=True,
    ),
    Page("POST", "/account/second-factor/remove", "person", account.remove_second_factor, account.account),
    Page("GET", "/apps", "person", apps.apps),
    Page("GET", "/apps/new", "person", apps.new_app),
    Page("POST", "/apps/new", "person", apps.create_app, apps.new_app),
    Page("GET", _APP, "member", apps.app),
    Page("POST", _APP + "/ask", "member", apps.ask_grant, apps.app),
    Page("GET", _APP + "/settings", "member", apps.settings),
    Page("POST", _APP + "/face", "member", apps.save_face, apps.settings),
    Page("POST", _APP + "/origins", "member", apps.save_origins, apps.settings),
    Page("POST", _APP + "/members", "member", apps.add_member, apps.settings),
    Page("POST", _APP + "/members/remove", "member", apps.remove_member, apps.settings),
    Page("POST", _APP + "/disable", "member", apps.disable_app, apps.settings),
    Page("GET", _APP + "/keys", "member", apps.keys),
    Page("POST", _APP + "/keys/rotate", "member", apps.rotate_key, apps.keys),
    Page("POST", _APP + "/keys/end", "member", apps.end_previous_key, apps.keys),
    Page("POST", _APP + "/token", "member", docs.try_token),
    Page("POST", _APP + "/sandbox", "member", docs.sandbox_token),
    Page("GET", _APP + "/statistics", "member", statistics.app_statistics),
    Page("GET", _APP + "/statistics.csv", "member", statistics.app_statistics_csv),
    Page("GET", _APP + "/audit", "member", audit.app_audit),
    Page("GET", _APP + "/messages", "member", messages.message_log),
    Page("GET", _MESSAGE, "member", messages.message),
    Page("POST", _MESSAGE + "/recall", "member", messages.recall, messages.message),
    Page("POST", _MESSAGE + "/remind", "member", messages.remind, messages.message),
    Page("POST", _MESSAGE + "/replay", "member", messages.replay, messages.message),
    Page("GET", _APP + "/webhooks", "member", webhooks.webhooks),
    Page("POST", _APP + "/webhooks", "member", webhooks.create, webhooks.webhooks),
    Page("GET", _WEBHOOK, "member", webhooks.webhook),
    Page("POST", _WEBHOOK + "/change", "member", webhooks.change, webhooks.webhook),
    Page("POST", _WEBHOOK + "/pause", "member", webhooks.pause, webhooks.webhook),
    Page("POST", _WEBHOOK + "/rotate", "member", webhooks.rotate, webhooks.webhook),
    Page("POST", _WEBHOOK + "/delete", "member", webhooks.delete, webhooks.webhook),
    Page("POST", _WEBHOOK + "/test", "member", webhooks.send_test, webhooks.webhook),
    Page("POST", _WEBHOOK + "/replay", "member", webhooks.replay, webhooks.webhook),
    Page("GET", "/docs", "public", docs.docs),
    Page("GET", "/docs/codes", "public", docs.codes),
    Page("GET", "/docs/debugger", "person", docs.debugger),
    Page("POST", "/docs/debugger", "person", docs.check, docs.debugger),
    Page("GET", "/docs/{name}", "public", docs.call),
    Page("GET", "/operator", "operator", operator.start),
    Page("GET", "/operator/requests", "operator", operator.requests),
    Page("POST", "/operator/requests", "operator", operator.decide, operator.requests),
    Page("GET", "/operator/people", "operator", operator.people),
    Page("POST", "/operator/people", "operator", operator.change_person, operator.people),
    Page("POST", "/operator/people/invite", "operator", operator.invite, operator.people),
    Page("POST", "/operator/people/revoke", "operator", operator.revoke_invitation, operator.people),
    Page("POST", "/operator/people/sign-up", "operator", operator.set_sign_up, operator.people),
    Page("GET", "/operator/confirmations", "operator", operator.confirmations),
    Page("POST", "/operator/confirmations", "operator", operator.decide_confirmation, operator.confirmations),
    Page("GET", "/operator/platforms", "operator", operator.platforms),
    Page("POST", "/operator/platforms", "operator", operator.save_platform, operator.platforms),
    Page("GET", "/operator/apps", "operator", operator.all_apps),
    Page("GET", "/operator/apps/{app_id}", "operator", operator.permissions),
    Page("POST", "/operator/apps/{app_id}/permissions", "operator", operator.save_permissions, operator.permissions),
    Page("POST", "/operator/apps/{app_id}/limits", "operator", operator.save_limits, operator.permissions),
    Page("GET", "/operator/statistics", "operator", statistics.operator_statistics),
    Page("GET", "/operator/health", "operator", operator.health),
    Page("GET", "/operator/audit", "operator", audit.audit),
    Page("GET", "/operator/audit.csv", "operator", audit.audit_csv),
    Page("GET", "/operator/announcements", "operator", announcements.listing),
    Page("GET", "/operator/announcements/new", "operator", announcements.new),
    Page("POST", "/operator/announcements/new", "operator", announcements.create, announcements.new),
    Page("GET", _ANNOUNCEMENT, "operator", announcements.show),
    Page("GET", _ANNOUNCEMENT + "/edit", "operator", announcements.edit),
    Page("POST", _ANNOUNCEMENT + "/edit", "operator", announcements.save, announcements.edit),
    Page("POST", _ANNOUNCEMENT + "/submit", "operator", announcements.submit, announcements.show),
    Page("POST", _ANNOUNCEMENT + "/approve", "operator", announcements.approve, announcements.show),
    Page("POST", _ANNOUNCEMENT + "/return", "operator", announcements.send_back, announcements.show),
    Page("POST", _ANNOUNCEMENT + "/withdraw", "operator", announcements.withdraw, announcements.show),
    Page("POST", _ANNOUNCEMENT + "/recall", "operator", announcements.recall, announcements.show),
)

_UNKNOWN = Page("GET", "/{rest:path}", "public", starts.unknown)


def routes(portal: Portal) -> list[BaseRoute]:
    """Return the portal's routes. Each takes every method, so that what it does not know is answered with a page."""
    by_path: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        by_path.setdefault(page.path, {})[page.method] = page
    return [
        Route("/", AnyMethod(PageEndpoint(portal, {"GET": Page("GET", "", "public", starts.home)}))),
        Route(f"{HOME}/static/{{rest:path}}", AnyMethod(static_files(portal, _UNKNOWN))),
        *(Route(HOME + path, AnyMethod(PageEndpoint(portal, pages))) for path, pages in by_path.items()),
        Route(HOME + _UNKNOWN.path, AnyMethod(PageEndpoint(portal, {ANY_METHOD: _UNKNOWN}))),
    ]
