"""Every URL of the portal on one screen, and who can open it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Route

from msgcenter.portal.edge import ANY_METHOD, PageEndpoint, PortalEdge
from msgcenter.portal.files import static_files
from msgcenter.portal.page import HOME, BoundPage, Page, Subject
from msgcenter.portal.pages.account import AccountPages
from msgcenter.portal.pages.announcements import AnnouncementPages
from msgcenter.portal.pages.apps import AppPages
from msgcenter.portal.pages.audit import AuditPages
from msgcenter.portal.pages.channel_rules import PATH as _CHANNEL_RULES
from msgcenter.portal.pages.channel_rules import ChannelRulesPages
from msgcenter.portal.pages.directory import DirectoryPages
from msgcenter.portal.pages.gateways import GatewayPages
from msgcenter.portal.pages.health import HealthPages
from msgcenter.portal.pages.login import LoginPages
from msgcenter.portal.pages.messages import MessagePages
from msgcenter.portal.pages.people import PeoplePages
from msgcenter.portal.pages.permissions import PermissionPages
from msgcenter.portal.pages.platforms import PlatformPages
from msgcenter.portal.pages.reference import ReferencePages
from msgcenter.portal.pages.requests import RequestPages
from msgcenter.portal.pages.start import StartPages
from msgcenter.portal.pages.statistics import StatisticsPages
from msgcenter.portal.pages.templates import TemplatePages
from msgcenter.portal.pages.trial import TrialPages
from msgcenter.portal.pages.webhooks import WebhookPages
from msgcenter.web.endpoint import AnyMethod

_APP = "/apps/{app_id}"
_MESSAGE = _APP + "/messages/{message_id}"
_WEBHOOK = _APP + "/webhooks/{webhook_id}"
_OPERATOR_APP = "/operator/apps/{app_id}"
_NOTICE = "/operator/announcements/{number}"
_DIRECTORY = "/operator/directory"
_TEMPLATES = _APP + "/templates"
_OPERATOR_TEMPLATES = "/operator/templates"
_CHANNELS = "/operator/channels"
_SECOND_FACTOR = "/account/second-factor"

START = (Page("GET", "", "public", StartPages.start),)
LOGIN = (
    Page("GET", "/login", "public", LoginPages.login_page),
    Page("POST", "/login", "public", LoginPages.login, LoginPages.login_page, for_due=True),
    Page("POST", "/login/code", "public", LoginPages.second_step, LoginPages.login_page, for_due=True),
    Page("POST", "/logout", "public", LoginPages.logout, for_due=True),
    Page("GET", "/sign-up", "public", LoginPages.sign_up_page),
    Page("POST", "/sign-up", "public", LoginPages.sign_up, LoginPages.sign_up_page),
    Page("GET", "/invitation/{invitation}", "public", LoginPages.sign_up_page),
    Page("POST", "/invitation/{invitation}", "public", LoginPages.sign_up, LoginPages.sign_up_page),
)
ACCOUNT = (
    Page("GET", "/account", "person", AccountPages.account),
    Page("GET", "/account/new-password", "person", AccountPages.new_password_page, for_due=True),
    Page(
        "POST",
        "/account/new-password",
        "person",
        AccountPages.change_password,
        AccountPages.new_password_page,
        for_due=True,
    ),
    Page("POST", "/account/password", "person", AccountPages.change_password, AccountPages.account),
    Page("POST", "/account/sessions", "person", AccountPages.end_session, AccountPages.account),
    Page("GET", _SECOND_FACTOR, "person", AccountPages.second_factor_page, for_due=True),
    Page(
        "POST",
        _SECOND_FACTOR,
        "person",
        AccountPages.add_second_factor,
        AccountPages.second_factor_page,
        for_due=True,
    ),
    Page("POST", _SECOND_FACTOR + "/remove", "person", AccountPages.remove_second_factor, AccountPages.account),
)
APPS = (
    Page("GET", "/apps", "person", AppPages.list_apps),
    Page("GET", "/apps/new", "person", AppPages.new_app),
    Page("POST", "/apps/new", "person", AppPages.create_app, AppPages.new_app),
    Page("GET", _APP, "member", AppPages.app),
    Page("POST", _APP + "/ask", "member", AppPages.ask_grant, AppPages.app),
    Page("GET", _APP + "/settings", "member", AppPages.settings),
    Page("POST", _APP + "/face", "member", AppPages.save_branding, AppPages.settings),
    Page("POST", _APP + "/origins", "member", AppPages.save_origins, AppPages.settings),
    Page("POST", _APP + "/members", "member", AppPages.add_member, AppPages.settings),
    Page("POST", _APP + "/members/remove", "member", AppPages.remove_member, AppPages.settings),
    Page("POST", _APP + "/disable", "member", AppPages.disable_app, AppPages.settings),
    Page("GET", _APP + "/keys", "member", AppPages.keys),
    Page("POST", _APP + "/keys/rotate", "member", AppPages.rotate_key, AppPages.keys),
    Page("POST", _APP + "/keys/end", "member", AppPages.end_previous_key, AppPages.keys),
)
MESSAGES = (
    Page("GET", _APP + "/messages", "member", MessagePages.search),
    Page("GET", _MESSAGE, "member", MessagePages.message),
    Page("GET", _MESSAGE + "/report.csv", "member", MessagePages.report_csv),
    Page("GET", _MESSAGE + "/receivers.csv", "member", MessagePages.receivers_csv),
    Page("POST", _MESSAGE + "/recall", "member", MessagePages.recall, MessagePages.message),
    Page("POST", _MESSAGE + "/remind", "member", MessagePages.remind, MessagePages.message),
    Page("POST", _MESSAGE + "/replay", "member", MessagePages.replay, MessagePages.message),
)
WEBHOOKS = (
    Page("GET", _APP + "/webhooks", "member", WebhookPages.list_webhooks),
    Page("POST", _APP + "/webhooks", "member", WebhookPages.create, WebhookPages.list_webhooks),
    Page("GET", _WEBHOOK, "member", WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/change", "member", WebhookPages.change, WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/pause", "member", WebhookPages.pause, WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/rotate", "member", WebhookPages.rotate, WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/delete", "member", WebhookPages.delete, WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/test", "member", WebhookPages.send_test, WebhookPages.webhook),
    Page("POST", _WEBHOOK + "/replay", "member", WebhookPages.replay, WebhookPages.webhook),
)
REFERENCE = (
    Page("GET", "/docs", "public", ReferencePages.docs),
    Page("GET", "/docs/codes", "public", ReferencePages.codes),
    Page("GET", "/docs/{name}", "public", ReferencePages.call),
)
TRIAL = (
    Page("POST", _APP + "/token", "member", TrialPages.app_token),
    Page("POST", _APP + "/sandbox", "member", TrialPages.sandbox_token),
    Page("GET", "/docs/debugger", "person", TrialPages.debugger),
    Page("POST", "/docs/debugger", "person", TrialPages.check, TrialPages.debugger),
)
STATISTICS = (
    Page("GET", _APP + "/statistics", "member", StatisticsPages.of_app),
    Page("GET", _APP + "/statistics.csv", "member", StatisticsPages.of_app_csv),
    Page("GET", "/operator/statistics", "operator", StatisticsPages.of_all),
)
AUDIT = (
    Page("GET", _APP + "/audit", "member", AuditPages.app_audit),
    Page("GET", "/operator/audit", "operator", AuditPages.audit),
    Page("GET", "/operator/audit.csv", "operator", AuditPages.audit_csv),
)
REQUESTS = (
    Page("GET", "/operator", "operator", RequestPages.start),
    Page("GET", "/operator/requests", "operator", RequestPages.list_requests),
    Page("POST", "/operator/requests", "operator", RequestPages.decide, RequestPages.list_requests),
    Page("GET", "/operator/confirmations", "operator", RequestPages.list_confirmations),
    Page(
        "POST",
        "/operator/confirmations",
        "operator",
        RequestPages.decide_confirmation,
        RequestPages.list_confirmations,
    ),
)
PEOPLE = (
    Page("GET", "/operator/people", "operator", PeoplePages.list_people),
    Page("POST", "/operator/people", "operator", PeoplePages.change_person, PeoplePages.list_people),
    Page("POST", "/operator/people/invite", "operator", PeoplePages.invite, PeoplePages.list_people),
    Page("POST", "/operator/people/revoke", "operator", PeoplePages.revoke_invitation, PeoplePages.list_people),
    Page("POST", "/operator/people/sign-up", "operator", PeoplePages.set_sign_up, PeoplePages.list_people),
)
PLATFORMS = (
    Page("GET", "/operator/platforms", "operator", PlatformPages.list_platforms),
    Page("POST", "/operator/platforms", "operator", PlatformPages.save, PlatformPages.list_platforms),
)
CHANNEL_RULES = (
    Page("GET", _CHANNEL_RULES, "operator", ChannelRulesPages.rules),
    Page("POST", _CHANNEL_RULES + "/settings", "operator", ChannelRulesPages.save_settings, ChannelRulesPages.rules),
    Page("POST", _CHANNEL_RULES + "/type", "operator", ChannelRulesPages.save_type, ChannelRulesPages.rules),
    Page("POST", _CHANNEL_RULES + "/archive", "operator", ChannelRulesPages.archive_type, ChannelRulesPages.rules),
    Page("POST", _CHANNEL_RULES + "/policy", "operator", ChannelRulesPages.save_policy, ChannelRulesPages.rules),
    Page(
        "POST", _CHANNEL_RULES + "/policy/remove", "operator", ChannelRulesPages.remove_policy, ChannelRulesPages.rules
    ),
)
PERMISSIONS = (
    Page("GET", "/operator/apps", "operator", PermissionPages.list_apps),
    Page("GET", _OPERATOR_APP, "operator", PermissionPages.app),
    Page("POST", _OPERATOR_APP + "/permissions", "operator", PermissionPages.save_permissions, PermissionPages.app),
    Page("POST", _OPERATOR_APP + "/grants", "operator", PermissionPages.grant, PermissionPages.app),
    Page("POST", _OPERATOR_APP + "/grants/revoke", "operator", PermissionPages.revoke, PermissionPages.app),
    Page("POST", _OPERATOR_APP + "/limits", "operator", PermissionPages.save_limits, PermissionPages.app),
)
HEALTH = (Page("GET", "/operator/health", "operator", HealthPages.report),)
ANNOUNCEMENTS = (
    Page("GET", "/operator/announcements", "operator", AnnouncementPages.list_announcements),
    Page("GET", "/operator/announcements/new", "operator", AnnouncementPages.new),
    Page("POST", "/operator/announcements/new", "operator", AnnouncementPages.create, AnnouncementPages.new),
    Page("GET", _NOTICE, "operator", AnnouncementPages.show),
    Page("GET", _NOTICE + "/edit", "operator", AnnouncementPages.edit),
    Page("POST", _NOTICE + "/edit", "operator", AnnouncementPages.save, AnnouncementPages.edit),
    Page("POST", _NOTICE + "/submit", "operator", AnnouncementPages.submit, AnnouncementPages.show),
    Page("POST", _NOTICE + "/approve", "operator", AnnouncementPages.approve, AnnouncementPages.show),
    Page("POST", _NOTICE + "/return", "operator", AnnouncementPages.send_back, AnnouncementPages.show),
    Page("POST", _NOTICE + "/withdraw", "operator", AnnouncementPages.withdraw, AnnouncementPages.show),
    Page("POST", _NOTICE + "/recall", "operator", AnnouncementPages.recall, AnnouncementPages.show),
)
DIRECTORY = (
    Page("GET", _DIRECTORY, "operator", DirectoryPages.directory),
    Page("GET", _DIRECTORY + "/branch", "operator", DirectoryPages.branch),
    Page("GET", _DIRECTORY + "/org", "operator", DirectoryPages.org),
    Page("GET", _DIRECTORY + "/members.csv", "operator", DirectoryPages.members_csv),
    Page("GET", _DIRECTORY + "/user", "operator", DirectoryPages.user),
    Page("POST", _DIRECTORY + "/user", "operator", DirectoryPages.set_disabled, DirectoryPages.user),
    Page("POST", _DIRECTORY + "/contacts/remove", "operator", DirectoryPages.remove_contact, DirectoryPages.user),
    Page("POST", _DIRECTORY + "/members", "operator", DirectoryPages.add_member, DirectoryPages.org),
    Page("POST", _DIRECTORY + "/members/remove", "operator", DirectoryPages.remove_member, DirectoryPages.user),
    Page("GET", _DIRECTORY + "/audience", "operator", DirectoryPages.audience),
    Page("POST", _DIRECTORY + "/audience", "operator", DirectoryPages.audience),
)

TEMPLATES = (
    Page("GET", _TEMPLATES, "member", TemplatePages.list_templates),
    Page("GET", _TEMPLATES + "/edit", "member", TemplatePages.edit),
    Page("POST", _TEMPLATES + "/edit", "member", TemplatePages.save, TemplatePages.edit),
    Page("POST", _TEMPLATES + "/submit", "member", TemplatePages.submit, TemplatePages.edit),
    Page("POST", _TEMPLATES + "/archive", "member", TemplatePages.archive, TemplatePages.edit),
    Page("POST", _TEMPLATES + "/test", "member", TemplatePages.send_test, TemplatePages.edit),
    Page("GET", _TEMPLATES + "/preview", "member", TemplatePages.preview_version),
    Page("POST", _TEMPLATES + "/preview", "member", TemplatePages.preview),
    Page("GET", _OPERATOR_TEMPLATES, "operator", TemplatePages.list_templates),
    Page("GET", _OPERATOR_TEMPLATES + "/edit", "operator", TemplatePages.edit),
    Page("POST", _OPERATOR_TEMPLATES + "/edit", "operator", TemplatePages.save, TemplatePages.edit),
    Page("POST", _OPERATOR_TEMPLATES + "/submit", "operator", TemplatePages.submit, TemplatePages.edit),
    Page("POST", _OPERATOR_TEMPLATES + "/archive", "operator", TemplatePages.archive, TemplatePages.edit),
    Page("GET", _OPERATOR_TEMPLATES + "/preview", "operator", TemplatePages.preview_version),
    Page("POST", _OPERATOR_TEMPLATES + "/preview", "operator", TemplatePages.preview),
    Page("POST", _OPERATOR_TEMPLATES + "/decide", "operator", TemplatePages.decide, TemplatePages.edit),
)
GATEWAYS = (
    Page("GET", _CHANNELS, "operator", GatewayPages.list_gateways),
    Page("GET", _CHANNELS + "/gateway", "operator", GatewayPages.gateway),
    Page("POST", _CHANNELS + "/gateway", "operator", GatewayPages.save, GatewayPages.gateway),
    Page("POST", _CHANNELS + "/test", "operator", GatewayPages.test, GatewayPages.gateway),
    Page("POST", _CHANNELS + "/off", "operator", GatewayPages.set_off, GatewayPages.gateway),
    Page("POST", _CHANNELS + "/remove", "operator", GatewayPages.remove, GatewayPages.gateway),
)

PAGES: tuple[Page[Any], ...] = (
    *START,
    *LOGIN,
    *ACCOUNT,
    *APPS,
    *MESSAGES,
    *WEBHOOKS,
    *TRIAL,
    *REFERENCE,
    *STATISTICS,
    *AUDIT,
    *REQUESTS,
    *PEOPLE,
    *PLATFORMS,
    *PERMISSIONS,
    *HEALTH,
    *ANNOUNCEMENTS,
    *DIRECTORY,
    *TEMPLATES,
    *CHANNEL_RULES,
    *GATEWAYS,
)
_ROOT = Page("GET", "", "public", StartPages.home)
_UNKNOWN = Page("GET", "/{rest:path}", "public", StartPages.unknown)


@dataclass(frozen=True)
class PortalPages:
    """The pages of each subject, with the actions that they need."""

    start: StartPages
    login: LoginPages
    account: AccountPages
    apps: AppPages
    messages: MessagePages
    webhooks: WebhookPages
    trial: TrialPages
    reference: ReferencePages
    statistics: StatisticsPages
    audit: AuditPages
    requests: RequestPages
    people: PeoplePages
    platforms: PlatformPages
    permissions: PermissionPages
    health: HealthPages
    announcements: AnnouncementPages
    directory: DirectoryPages
    templates: TemplatePages
    channel_rules: ChannelRulesPages
    gateways: GatewayPages

    def bound(self) -> list[BoundPage]:
        """Return all pages with the objects that answer them. The first page that matches a path answers."""
        return [
            *_bound(START, self.start),
            *_bound(LOGIN, self.login),
            *_bound(ACCOUNT, self.account),
            *_bound(APPS, self.apps),
            *_bound(MESSAGES, self.messages),
            *_bound(WEBHOOKS, self.webhooks),
            *_bound(TRIAL, self.trial),
            *_bound(REFERENCE, self.reference),
            *_bound(STATISTICS, self.statistics),
            *_bound(AUDIT, self.audit),
            *_bound(REQUESTS, self.requests),
            *_bound(PEOPLE, self.people),
            *_bound(PLATFORMS, self.platforms),
            *_bound(PERMISSIONS, self.permissions),
            *_bound(HEALTH, self.health),
            *_bound(ANNOUNCEMENTS, self.announcements),
            *_bound(DIRECTORY, self.directory),
            *_bound(TEMPLATES, self.templates),
            *_bound(CHANNEL_RULES, self.channel_rules),
            *_bound(GATEWAYS, self.gateways),
        ]


def _bound(pages: Iterable[Page[Subject]], subject: Subject) -> list[BoundPage]:
    return [page.bound_to(subject) for page in pages]


def routes(edge: PortalEdge, pages: PortalPages) -> list[BaseRoute]:
    """Return the portal's routes. Each takes every method, so that an unknown one is answered with a page."""
    by_path: dict[str, dict[str, BoundPage]] = {}
    for page in pages.bound():
        by_path.setdefault(page.path, {})[page.method] = page
    root, unknown = _ROOT.bound_to(pages.start), _UNKNOWN.bound_to(pages.start)
    return [
        Route("/", AnyMethod(PageEndpoint(edge, {"GET": root}))),
        Route(f"{HOME}/static/{{rest:path}}", AnyMethod(static_files(edge, unknown))),
        *(Route(HOME + path, AnyMethod(PageEndpoint(edge, methods))) for path, methods in by_path.items()),
        Route(HOME + _UNKNOWN.path, AnyMethod(PageEndpoint(edge, {ANY_METHOD: unknown}))),
    ]
