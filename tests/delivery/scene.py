"""Helpers for webhook tests: webhooks without the gateway, and a running dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.webhooks.registration import Webhooks
from msgcenter.database.database import Connection, Database
from msgcenter.delivery.webhooks import WebhookDispatcher
from msgcenter.domain.account import App
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.domain.webhook import WebhookEvent, WebhookKind
from msgcenter.domain.webhook_schedule import Schedule
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.store.apps import apps
from msgcenter.store.webhooks import outbox
from tests.conftest import SECRET_KEY

KEYS = KeyRing(SECRET_KEY)
QUICK = replace(Schedule(), pauses=(20, 40), poll=20, timeout=5_000)
"""A schedule with pauses short enough for tests."""
READ: WebhookKind = "message.read"
UNREAD: WebhookKind = "message.unread"


async def app_of(database: Database, number: int) -> App:
    """Return an app as the next call will see it."""
    async with database.connection() as connection:
        return (await apps.find_apps(connection, [number]))[number].app


def webhooks_of(database: Database) -> Webhooks:
    """Return the webhook actions. Receivers on this machine are allowed."""
    return Webhooks(database, KEYS, rules=AddressRules(LOOPBACK), resolve=Resolver())


async def record_events(database: Database, app_number: int, *events: tuple[WebhookKind, int], now: int = 1) -> None:
    """Record events (kind and message id), all in one transaction."""

    async def write(connection: Connection) -> None:
        recorded = [WebhookEvent(app_number, kind, message, {"msgId": str(message)}) for kind, message in events]
        await outbox.record(connection, recorded, now)

    await database.in_transaction(write)


@asynccontextmanager
async def dispatching(
    database: Database, schedule: Schedule = QUICK, allowed: Sequence[object] = LOOPBACK
) -> AsyncIterator[WebhookDispatcher]:
    """Run a dispatcher until the end of the block."""
    resolver = Resolver()
    rules = AddressRules(allowed)  # type: ignore[arg-type]
    dispatcher = WebhookDispatcher(database, KEYS.open, resolve=resolver, rules=rules, schedule=schedule)
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        await running
        resolver.close()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
