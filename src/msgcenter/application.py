"""The composition root: the only file that knows everybody."""

import asyncio
import gc
import os
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.apps.call_counter import CallCounter
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.apps.permissions import Permissions
from msgcenter.actions.apps.platforms import Platforms
from msgcenter.actions.apps.statistics import Statistics
from msgcenter.actions.apps.team import Team
from msgcenter.actions.apps.tokens import Tokens
from msgcenter.actions.audit_log import AuditLog
from msgcenter.actions.housekeeping import keep_house
from msgcenter.actions.mailboxes.inbox import Inbox
from msgcenter.actions.mailboxes.statuses import Statuses
from msgcenter.actions.mailboxes.topics import Topics
from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.actions.messages.message_log import MessageLog
from msgcenter.actions.messages.reports import Reports
from msgcenter.actions.messages.sending import Sending
from msgcenter.actions.messages.sent_messages import SentMessages
from msgcenter.actions.portal.announcements import Announcements
from msgcenter.actions.portal.logins import Logins
from msgcenter.actions.portal.operators import Operators
from msgcenter.actions.portal.people import People
from msgcenter.actions.webhooks.webhooks import Webhooks
from msgcenter.database.database import Database
from msgcenter.database.embedded.postgres import embedded_postgres
from msgcenter.database.migrate import migrate, pending_migrations
from msgcenter.delivery.guarded_network import Resolver
from msgcenter.delivery.webhooks import WebhookDispatcher
from msgcenter.delivery.worker import Worker
from msgcenter.domain.network import AddressRules
from msgcenter.domain.refusal import Refusal
from msgcenter.gateway.call_log import logs_calls
from msgcenter.gateway.endpoint import Actions, Gateway
from msgcenter.gateway.rate_limit import RateLimit
from msgcenter.gateway.reference.reference import reference
from msgcenter.gateway.routes import Otherwise
from msgcenter.gateway.routes import routes as gateway_routes
from msgcenter.gateway.wire.bodies import body_in
from msgcenter.inbox.routes import routes as inbox_routes
from msgcenter.inbox.visitor import Inboxes
from msgcenter.live.bus import PostgresBus
from msgcenter.live.hub import Hub
from msgcenter.monitor.health import Health
from msgcenter.monitor.monitor import Monitor
from msgcenter.portal.portal import Portal
from msgcenter.portal.render import Templates
from msgcenter.portal.routes import routes as portal_routes
from msgcenter.settings import PREFIX, SettingError, Settings, read_settings
from msgcenter.store.mailboxes.topics import concerned_by_topic
from msgcenter.store.messages.node_lease import NodeLease
from msgcenter.web.base_path import BehindProxy
from msgcenter.web.headers import SafeAnswers
from msgcenter.web.limits import RequestLimits
from msgcenter.web.logs import RequestLog, configure_logs
from msgcenter.web.shared import SharedLook

_KEY_FILE = "secret.key"
WORKERS_FOLDER = f"{PREFIX}WORKERS_FOLDER"
"""Where the parent of worker processes tells them which folder they share; no setting of anybody's."""


@contextmanager
def database_of(settings: Settings) -> Iterator[Settings]:
    """Give settings with the database's URL and the secret key filled in, the embedded database running if it is used.

    Blocks while the database starts, so it is called outside the event loop. Raises EmbeddedDatabaseError.
    """
    if settings.database_url is not None:
        yield settings
        return
    secret_key = settings.secret_key or kept_secret_key(settings.data_dir)
    with embedded_postgres(settings.data_dir) as url:
        yield replace(settings, database_url=url, secret_key=secret_key)


def kept_secret_key(data_dir: Path) -> str:
    """Return the secret key kept in the data folder, made there (0600) the first time."""
    path = data_dir / _KEY_FILE
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            made = data_dir / f"{_KEY_FILE}.{os.getpid()}"
            made.touch(mode=0o600)
            with made.open("w", encoding="ascii") as file:
                file.write(secrets.token_hex(32) + "\n")
                file.flush()
                os.fsync(file.fileno())  # app keys sealed with it are worthless without it
            with suppress(FileExistsError):  # another process was first: its key holds
                path.hardlink_to(made)
            made.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingError(
            f"{PREFIX}DATA_DIR is {str(data_dir)!r}, but it takes a folder that this user can write to "
            f"({error.strerror or error})"
        ) from None


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment that makes `read_settings` in a worker process give the same settings."""
    assert settings.database_url is not None
    assert settings.secret_key is not None
    return {
        f"{PREFIX}DATABASE_URL": settings.database_url,
        f"{PREFIX}SECRET_KEY": settings.secret_key,
        f"{PREFIX}DATA_DIR": str(settings.data_dir),
        f"{PREFIX}LOG_LEVEL": settings.log_level,
        **({} if settings.metrics_port is None else {f"{PREFIX}METRICS_PORT": str(settings.metrics_port)}),
    }


def database_url(settings: Settings) -> str:
    """Return the database's URL of settings that `database_of` has filled in."""
    assert settings.database_url is not None
    return settings.database_url


def key_ring(settings: Settings) -> KeyRing:
    """Return the key ring for settings that `database_of` has filled in."""
    assert settings.secret_key is not None
    return KeyRing(settings.secret_key)


def worker_application() -> ASGIApp:
    """Return the application of a worker process, whose environment its parent has prepared."""
    settings = read_settings()
    configure_logs(settings.log_level)
    return application(settings, Path(os.environ[WORKERS_FOLDER]))


def application(settings: Settings, workers_folder: Path | None = None) -> ASGIApp:
    """Return the ASGI application for a database that is migrated.

    `workers_folder` is shared by the worker processes of a server, None if there is one process alone.
    """
    database = Database(database_url(settings), connections=settings.database_connections)
    lease = NodeLease(database.url)
    hub = Hub(partial(concerned_by_topic, database), per_user=settings.stream_limit)
    limits = RequestLimits(per_user=settings.user_rate_limit, per_address=settings.address_rate_limit)
    bus = PostgresBus(database.url, on_events=hub.deliver, on_gap=hub.gap)
    hub.on_streams, hub.announced = (lambda streams: bus.announce(streams=streams)), bus.announced
    keys, zone = key_ring(settings), ZoneInfo(settings.time_zone)
    limit = settings.queue_limit
    counter = CallCounter(database, zone)
    on_stored = counter.sent if settings.statistics else None
    resolver, rules = Resolver(), AddressRules(settings.webhook_allow)
    actions = Actions(
        tokens=Tokens(database, keys, ttl=settings.token_ttl, clock_window=settings.clock_window, waiting_limit=limit),
        sending=Sending(
            database,
            lease,
            waiting_limit=limit,
            zone=zone,
            on_change=bus.publish,
            on_stored=on_stored,
        ),
        statuses=Statuses(database, waiting_limit=limit, on_change=bus.publish),
        reports=Reports(database, waiting_limit=limit),
        sent_messages=SentMessages(database, on_change=bus.publish),
        topics=Topics(database),
        user_tokens=UserTokens(database, keys, default_ttl=settings.user_token_ttl, waiting_limit=limit),
        webhooks=Webhooks(database, keys, rules=rules, resolve=resolver),
    )
    inbox = Inbox(database, actions.statuses, waiting_limit=limit, on_change=bus.publish)
    gateway = Gateway(actions, RateLimit(settings.rate_limit), [counter.observe] if settings.statistics else [])
    announcements = Announcements(database, keys, lease, actions.reports, on_change=bus.publish, on_stored=on_stored)
    worker = Worker(database, on_change=bus.publish)
    dispatcher = WebhookDispatcher(database, keys.open, resolve=resolver, rules=rules)
    monitor = Monitor(
        settings,
        database,
        workers_folder,
        queues={
            "statuses": actions.statuses.waiting,
            "sends": actions.sending.waiting,
            "tokens": actions.tokens.waiting,
            "unread_counts": actions.reports.waiting,
            "inbox": inbox.waiting,
        },
        streams=hub.streams,
        webhook_attempts=dispatcher.attempts,
        count_guess=limits.count_address,
    )
    gateway.observers.append(monitor.calls.observe)
    requests = RequestLog(settings.access_log or settings.log_level == "debug", settings.slow_call_ms)
    if requests.is_needed:
        gateway.observers.append(logs_calls(requests))

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(database)
            await stack.enter_async_context(lease)
            await stack.enter_async_context(monitor.watching())
            stack.enter_context(_on_stop_signals(hub.close))
            spare_the_collector()
            jobs = [asyncio.create_task(work) for work in (worker.run(), dispatcher.run(), counter.run())]
            others = [asyncio.create_task(work) for work in (keep_house(database), bus.run(), hub.run())]
            try:
                yield
            finally:
                gateway.closing = True
                await actions.sending.drained()
                await actions.statuses.drained()
                for task in others:
                    task.cancel()
                worker.stop()
                dispatcher.stop()
                counter.stop()
                await asyncio.wait([*jobs, *others], timeout=10)
                await counter.close()
                resolver.close()

    missing = SharedLook(partial(missing_for_work, database), seconds=1)

    async def ready() -> str | None:
        return "shutting down" if gateway.closing else await missing.get()

    portal = _portal(
        settings,
        database,
        keys,
        actions,
        announcements=announcements,
        health=monitor.health,
        requests=requests,
        limits=limits,
    )
    router = Router(
        [
            *gateway_routes(gateway, ready, limits),
            *monitor.routes(),
            *inbox_routes(Inboxes(inbox, actions.user_tokens, hub, requests, limits)),
            *portal_routes(portal),
        ],
        default=_Default(Otherwise(gateway)),
        lifespan=lifespan,
        redirect_slashes=False,
    )
    return SafeAnswers(monitor.with_own_port(BehindProxy(router, settings.base_path, settings.trusted_proxies)))


def _portal(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    actions: Actions,
    *,
    announcements: Announcements,
    health: Health,
    requests: RequestLog,
    limits: RequestLimits,
) -> Portal:
    apps = Apps(database, keys)
    return Portal(
        logins=Logins(database, keys, settings.second_factor or "operators"),
        people=People(database, keys),
        operators=Operators(database, keys),
        apps=apps,
        team=Team(database, apps),
        audit_log=AuditLog(database),
        platforms=Platforms(database),
        tokens=actions.tokens,
        user_tokens=actions.user_tokens,
        statistics=Statistics(database, ZoneInfo(settings.time_zone), is_on=settings.statistics),
        message_log=MessageLog(database),
        reports=actions.reports,
        sent_messages=actions.sent_messages,
        webhooks=actions.webhooks,
        templates=Templates(ZoneInfo(settings.time_zone)),
        csrf_key=keys.csrf_key,
        reference=reference(),
        rate_limit=settings.rate_limit,
        announcements=announcements,
        permissions=Permissions(database),
        body_in=body_in,
        health=health,
        requests=requests,
        limits=limits,
    )


def spare_the_collector() -> None:
    """Let the garbage collector leave alone what was loaded at the start, and come by less often.

    What a request makes is freed by reference counts; searching it for cycles cost some 7 % of a busy process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def _on_stop_signals(act: Callable[[], None]) -> Iterator[None]:
    """Act as soon as the process is told to stop, before the server does: it waits for open streams to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    servers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        handler = servers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in servers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in servers.items():
            if signal.getsignal(number) is stop:
                signal.signal(number, handler)


class _Default:
    """Answers what no route is for."""

    def __init__(self, http: ASGIApp) -> None:
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})


async def missing_for_work(database: Database) -> str | None:
    """Return what keeps this installation from working, None if nothing does."""
    try:
        async with asyncio.timeout(5), database.connection() as connection:
            pending = await pending_migrations(connection)
    except (Refusal, TimeoutError):
        return "the database does not answer"
    return f"{len(pending)} migrations are pending: run msgcenter migrate" if pending else None


async def prepare(settings: Settings) -> None:
    """Bring the database to this version, and check that the secret key is the one that its keys are sealed with.

    Raises SchemaError, WrongSecretKeyError, or the refusal DATABASE_UNAVAILABLE.
    """
    await migrate(database_url(settings))
    async with Database(database_url(settings), connections=2) as database:
        await Apps(database, key_ring(settings)).check_secret_key()
