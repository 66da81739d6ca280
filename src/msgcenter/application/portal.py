"""Builds the pages of the portal, each with the actions that it needs."""

from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.apps.statistics import Statistics
from msgcenter.actions.apps.team import Team
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.audit_log import AuditLog
from msgcenter.actions.channels.contacts import UserContacts
from msgcenter.actions.channels.decisions import ChannelDecisions
from msgcenter.actions.channels.gateways import Gateways
from msgcenter.actions.channels.templates import Templates as MessageTemplates
from msgcenter.actions.directory.browsing import DirectoryBrowser
from msgcenter.actions.directory.edits import DirectoryEdits
from msgcenter.actions.directory.grants import AddressingGrants
from msgcenter.actions.messages.audience_previews import AudiencePreviews
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.portal.announcement_views import AnnouncementViews
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.actions.portal.logins import Logins
from msgcenter.actions.portal.operators import Operators
from msgcenter.actions.portal.own_account import OwnAccount
from msgcenter.actions.portal.people import People
from msgcenter.actions.portal.sign_up import SignUps
from msgcenter.database.database import Database
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.reference.reference import reference
from msgcenter.monitor.health import Health
from msgcenter.outbound.network import Network
from msgcenter.portal.edge import PortalEdge
from msgcenter.portal.pages.account import AccountPages
from msgcenter.portal.pages.announcement_form import AnnouncementForm
from msgcenter.portal.pages.announcements import AnnouncementPages
from msgcenter.portal.pages.apps import AppPages
from msgcenter.portal.pages.audience_picker import AudiencePicker
from msgcenter.portal.pages.audit import AuditPages
from msgcenter.portal.pages.channel_rules import ChannelRulesPages
from msgcenter.portal.pages.directory import DirectoryPages
from msgcenter.portal.pages.gateways import GatewayPages
from msgcenter.portal.pages.health import HealthPages
from msgcenter.portal.pages.login import LoginPages
from msgcenter.portal.pages.messages import MessagePages
from msgcenter.portal.pages.org_reports import OrgReports
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
from msgcenter.portal.render import Templates
from msgcenter.portal.routes import PortalPages, routes
from msgcenter.portal.times import Times
from msgcenter.settings import Settings
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog


def portal_routes(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    *,
    tokens: Tokens,
    actions: CallActions,
    announcements: Announcements,
    health: Health,
    network: Network,
    request_log: RequestLog,
    limits: RequestLimits,
) -> list[BaseRoute]:
    """Return the routes of the portal."""
    zone = ZoneInfo(settings.time_zone)
    times = Times(zone)
    calls = reference()
    apis = [call.name for call in calls if call.needs_token]
    rate_limit = settings.rate_limit
    logins = Logins(database, keys, settings.second_factor or "operators")
    people, sign_ups, operators = People(database), SignUps(database, keys), Operators(database, keys)
    apps, platforms, deliveries = Apps(database, keys), Platforms(database), actions.webhook_deliveries
    team, settings_of_apps = Team(database, apps), AppSettings(database)
    message_log, statuses, sent = MessageLog(database), actions.message_statuses, actions.sent_messages
    views = AnnouncementViews(database, actions.message_statuses)
    statistics = Statistics(database, zone, is_on=settings.statistics)
    edge = PortalEdge(logins, team, Templates(times), keys.csrf_key, request_log, limits)
    browser, grants = DirectoryBrowser(database), AddressingGrants(database)
    picker, previews = AudiencePicker(browser), AudiencePreviews(database)
    pages = PortalPages(
        start=StartPages(sign_ups),
        login=LoginPages(logins, sign_ups),
        account=AccountPages(logins, people, OwnAccount(database, keys)),
        apps=AppPages(apps, settings_of_apps, team, platforms, grants),
        messages=MessagePages(message_log, statuses, sent, deliveries, OrgReports(statuses, browser, times), times),
        webhooks=WebhookPages(actions.webhooks, deliveries, times),
        trial=TrialPages(apps, team, tokens, actions.user_tokens, calls),
        reference=ReferencePages(calls, team, rate_limit),
        statistics=StatisticsPages(statistics, apis, rate_limit),
        audit=AuditPages(AuditLog(database), apps, times),
        requests=RequestPages(team, operators, views),
        people=PeoplePages(people, sign_ups, operators),
        platforms=PlatformPages(platforms),
        permissions=PermissionPages(apps, platforms, Permissions(database), grants, settings_of_apps, apis, rate_limit),
        health=HealthPages(health),
        announcements=AnnouncementPages(announcements, views, platforms, AnnouncementForm(times), picker, previews),
        channel_rules=ChannelRulesPages(ChannelDecisions(database), platforms, apps),
        templates=TemplatePages(MessageTemplates(database), platforms, actions.sending, times),
        gateways=GatewayPages(Gateways(database, keys, network), platforms),
        directory=DirectoryPages(
            browser, DirectoryEdits(database), picker, previews, platforms, UserContacts(database, keys)
        ),
    )
    return routes(edge, pages)
