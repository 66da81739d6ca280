"""Builds every object of a server process once, and connects them."""

import os
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from msgcenter.actions.apps.call_counter import CallCounter
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.channels.preferences import UserPreferences
from msgcenter.actions.channels.subscriptions import PushSubscriptions
from msgcenter.actions.directory.feeding import DirectoryChanges
from msgcenter.actions.directory.reading import DirectoryReads
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.inbox_links import InboxLinks
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics, topic_readers
from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.actions.webhooks.deliveries import WebhookDeliveries
from msgcenter.actions.webhooks.registration import Webhooks
from msgcenter.application.database import readiness_problem, server_database
from msgcenter.application.lifespan import Lifespan
from msgcenter.application.portal import portal_routes
from msgcenter.application.secret_key import key_ring
from msgcenter.delivery.channels.dispatcher import ChannelDispatcher
from msgcenter.delivery.channels.planner import Planner
from msgcenter.delivery.webhooks import WebhookDispatcher
from msgcenter.delivery.worker import Worker
from msgcenter.domain.channels.signed_links import SignedLinks
from msgcenter.domain.network import AddressRules
from msgcenter.gateway.call_actions import CallActions
from msgcenter.gateway.call_log import logs_calls
from msgcenter.gateway.call_record import Observer
from msgcenter.gateway.endpoint import Gateway
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.routes import Fallback
from msgcenter.gateway.routes import routes as gateway_routes
from msgcenter.inbox.endpoint import Inboxes
from msgcenter.inbox.routes import PREFIX as INBOX_PREFIX
from msgcenter.inbox.routes import routes as inbox_routes
from msgcenter.live.bus import Bus
from msgcenter.live.hub import Hub
from msgcenter.live.postgres_bus import PostgresBus
from msgcenter.monitor.monitor import Monitor
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from msgcenter.redis.status import RedisStatus
from msgcenter.settings import Settings
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.web.base_path import BehindProxy
from msgcenter.web.headers import SafeAnswers
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog
from msgcenter.web.path_table import PathTable
from msgcenter.web.shared import SharedResult

if TYPE_CHECKING:
    from msgcenter.redis.counts import SharedCounts


def application(
    settings: Settings, workers_folder: Path | None = None, more_routes: Sequence[BaseRoute] = ()
) -> ASGIApp:
    """Return the ASGI application for a database that is migrated.

    `settings` are those that `database.running_database` has completed. `workers_folder` is shared by the worker
    processes of a server, None if there is only one process. `more_routes` are those of the demo.
    """
    process = _Process(settings, _server_name(workers_folder))
    actions = _call_actions(process)
    inbox = Inbox(process.database, actions.statuses, waiting_limit=settings.queue_limit, on_change=process.bus.publish)
    tokens = Tokens(
        process.database,
        process.keys,
        ttl=settings.token_ttl,
        clock_window=settings.clock_window,
        waiting_limit=settings.queue_limit,
    )
    dispatcher = WebhookDispatcher(
        process.database, process.keys.open, resolve=process.resolver, rules=process.webhook_addresses
    )
    channels = ChannelDispatcher(
        process.database,
        process.keys,
        network=process.network,
        links=SignedLinks(settings.link_base, process.keys),
        zone=process.zone,
    )
    monitor = Monitor(
        settings,
        process.database,
        workers_folder,
        queues={
            "statuses": actions.statuses.waiting,
            "sends": actions.sending.waiting,
            "tokens": tokens.waiting,
            "unread_counts": actions.message_statuses.waiting,
            "inbox": inbox.waiting,
        },
        streams=process.hub.streams,
        webhook_attempts=dispatcher.attempts,
        channel_deliveries=channels.counts,
        count_guess=process.limits.count_address,
        redis=process.redis,
    )
    gateway = _gateway(process, tokens, monitor)
    inboxes = Inboxes(
        inbox,
        actions.user_tokens,
        process.hub,
        PushSubscriptions(process.database, process.keys, process.network),
        UserPreferences(process.database, process.keys),
        InboxLinks(process.database, process.keys, inbox, actions.user_tokens),
        process.request_log,
        process.limits,
    )
    problem = SharedResult(partial(readiness_problem, process.database), seconds=1)

    async def ready() -> str | None:
        return "shutting down" if gateway.closing else await problem.get()

    router = Router(
        [
            PathTable(INBOX_PREFIX, inbox_routes(inboxes)),
            *gateway_routes(gateway, actions, ready, process.limits),
            *monitor.routes(),
            *portal_routes(
                settings,
                process.database,
                process.keys,
                tokens=tokens,
                actions=actions,
                announcements=_announcements(process),
                health=monitor.health,
                network=process.network,
                request_log=process.request_log,
                limits=process.limits,
            ),
            *more_routes,
        ],
        default=_HttpOnly(Fallback(gateway, actions)),
        lifespan=Lifespan(
            database=process.database,
            lease=process.lease,
            monitor=monitor,
            gateway=gateway,
            sending=actions.sending,
            statuses=actions.statuses,
            counter=process.counter,
            worker=Worker(process.database, on_change=process.bus.publish),
            dispatcher=dispatcher,
            planner=Planner(process.database, process.zone),
            channels=channels,
            resolver=process.resolver,
            bus=process.bus,
            counts=process.counts,
            hub=process.hub,
        ),
        redirect_slashes=False,
    )
    return SafeAnswers(monitor.with_own_port(BehindProxy(router, settings.base_path, settings.trusted_proxies)))


def _server_name(workers_folder: Path | None) -> str:
    """Return the name of the server that this process belongs to: the machine, and the pid of the first process."""
    return f"{socket.gethostname()}/{os.getpid() if workers_folder is None else os.getppid()}"


class _Process:
    """What several surfaces of a process share."""

    def __init__(self, settings: Settings, server: str) -> None:
        self.settings = settings
        self.zone = ZoneInfo(settings.time_zone)
        self.keys = key_ring(settings)
        self.database = server_database(settings)
        self.lease = NodeLease(self.database.direct_url, server)
        self.hub = Hub(partial(topic_readers, self.database), per_user=settings.stream_limit)
        self.redis = None if settings.redis_url is None else RedisStatus()
        self.counts = self._shared_counts()
        self.bus = self._live_bus()
        self.hub.on_streams = lambda streams: self.bus.announce(streams=streams)
        self.hub.announced = self.bus.announced
        self.counter = CallCounter(self.database, self.zone)
        self.on_stored = self.counter.sent if settings.statistics else None
        self.resolver = Resolver()
        self.webhook_addresses = AddressRules(settings.webhook_allow)
        self.network = Network(self.resolver, self.webhook_addresses)
        self.limits = RequestLimits(
            per_user=settings.user_rate_limit, per_address=settings.address_rate_limit, shared=self.counts
        )
        self.request_log = RequestLog(settings.access_log or settings.log_level == "debug", settings.slow_call_ms)

    def _shared_counts(self) -> "SharedCounts | None":
        url = self.settings.redis_url
        if url is None or self.redis is None:
            return None
        # The client of Redis takes 18 MiB and 0.3 s to import.
        from msgcenter.redis.counts import SharedCounts  # noqa: PLC0415

        return SharedCounts(url, self._namespace, self.redis)

    def _live_bus(self) -> Bus:
        url, deliver, mark_stale = self.settings.redis_url, self.hub.deliver, self.hub.mark_stale
        if url is None or self.redis is None:
            return PostgresBus(self.database.direct_url, on_events=deliver, on_gap=mark_stale)
        from msgcenter.live.redis_bus import RedisBus  # noqa: PLC0415 - as above

        return RedisBus(url, self._namespace, self.redis, on_events=deliver, on_gap=mark_stale)

    @property
    def _namespace(self) -> str:
        """The beginning of all names in Redis, which other installations may use, too."""
        return f"msgcenter:{self.keys.installation}"


def _call_actions(process: _Process) -> CallActions:
    database, keys, publish = process.database, process.keys, process.bus.publish
    limit = process.settings.queue_limit
    return CallActions(
        sending=Sending(
            database,
            process.lease,
            waiting_limit=limit,
            zone=process.zone,
            on_change=publish,
            on_stored=process.on_stored,
        ),
        statuses=Statuses(database, waiting_limit=limit, on_change=publish),
        message_statuses=MessageStatuses(database, waiting_limit=limit),
        sent_messages=SentMessages(database, zone=process.zone, on_change=publish),
        topics=Topics(database),
        user_tokens=UserTokens(database, keys, default_ttl=process.settings.user_token_ttl, waiting_limit=limit),
        webhooks=Webhooks(database, keys, rules=process.webhook_addresses, resolve=process.resolver),
        webhook_deliveries=WebhookDeliveries(database),
        directory_changes=DirectoryChanges(database, keys),
        directory_reads=DirectoryReads(database),
    )


def _gateway(process: _Process, tokens: Tokens, monitor: Monitor) -> Gateway:
    observers: list[Observer] = [process.counter.observe] if process.settings.statistics else []
    observers.append(monitor.calls.observe)
    if process.request_log.is_needed:
        observers.append(logs_calls(process.request_log))
    return Gateway(tokens, RateLimit(process.settings.rate_limit, process.counts), observers)


def _announcements(process: _Process) -> Announcements:
    return Announcements(
        process.database,
        process.keys,
        process.lease,
        on_change=process.bus.publish,
        on_stored=process.on_stored,
    )


class _HttpOnly:
    """Passes unmatched HTTP requests to an application, and closes WebSockets, which nothing here serves."""

    def __init__(self, http: ASGIApp) -> None:
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
