"""Webhooks: registered, shown, changed, tested and replayed by the app that they belong to."""

from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Connection, Database
from msgcenter.domain.account import App
from msgcenter.domain.language import Phrase
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules, ForbiddenAddressError
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.webhook import (
    MAX_WEBHOOKS,
    REPEATED_MS,
    ROTATION_MS,
    WebhookKind,
    check_webhook_url,
    new_secret,
    new_webhook_id,
    without_query,
)
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.store import audit
from msgcenter.store.webhooks import deliveries as webhook_deliveries
from msgcenter.store.webhooks import outbox, webhooks
from msgcenter.store.webhooks.deliveries import DeliveryFilter, WebhookDelivery
from msgcenter.store.webhooks.webhooks import Webhook

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host name (for a port); raises OSError if it has none."""


class Created(NamedTuple):
    """A new webhook and its secret, which is told this once."""

    webhook_id: str
    secret: str


class Rotated(NamedTuple):
    """A new secret, and until when (ms since 1970) POSTs are signed with the one before as well."""

    secret: str
    previous_until: int


class WebhookReport(NamedTuple):
    """A webhook and what waits for it: so many events, and when (ms since 1970) a failed delivery is due again."""

    webhook: Webhook
    pending: int
    due_at: int | None = None

    @property
    def state(self) -> Literal["active", "failing", "paused"]:
        """`paused`, `failing` (the last attempts were in vain) or `active`."""
        if self.webhook.paused_at is not None:
            return "paused"
        return "active" if self.webhook.failing_since is None else "failing"

    @property
    def next_attempt_at(self) -> int | None:
        """When (ms since 1970) what has failed is tried again; None if nothing has, or while it is paused."""
        webhook = self.webhook
        if webhook.paused_at is not None or webhook.failing_since is None or self.due_at is None:
            return None
        return max(webhook.next_attempt_at or 0, self.due_at)


class MessageDelivery(NamedTuple):
    """A delivery that tells of a message, and to which webhook."""

    webhook: Webhook
    delivery: WebhookDelivery


class Webhooks:
    """The webhooks of all apps. Every call refuses with WEBHOOK_UNKNOWN a webhook that is not the app's.

    What `by` changes is written to the audit log with it; what was so already is no change.
    """

    def __init__(self, database: Database, keys: KeyRing, *, rules: AddressRules, resolve: Resolve) -> None:
        self._database = database
        self._keys = keys
        self._rules = rules
        self._resolve = resolve

    async def create(self, app: App, url: str, events: Collection[WebhookKind], *, by: Actor) -> Created:
        """Register a webhook for kinds of events.

        Refuses with FIELD_MALFORMED a URL that may not be called, with TOO_MANY_ITEMS an eleventh webhook.
        """
        await self._check_url(url)
        created = Created(new_webhook_id(), new_secret())

        async def write(connection: Connection) -> bool:
            inserted = await webhooks.insert_webhook(
                connection,
                app_number=app.number,
                webhook_id=created.webhook_id,
                url=url,
                events=sorted(set(events)),
                secret_sealed=self._keys.seal(*created),
                limit=MAX_WEBHOOKS,
                now=now_ms(),
            )
            if inserted:
                told = {"url": without_query(url), "events": sorted(set(events))}
                await _record(connection, by, "create", app, created.webhook_id, **told)
            return inserted

        if not await self._database.in_transaction(write):
            limit = MAX_WEBHOOKS
            rule = Phrase(f"每个应用最多{limit}个回调地址", f"at most {limit} webhooks for each app")
            raise Refusal(Reason.TOO_MANY_ITEMS, field="webhooks", rule=rule)
        return created

    async def registered(self, app: App) -> list[WebhookReport]:
        """Return the app's webhooks, the oldest first."""
        async with self._database.connection() as connection:
            registered = await webhooks.list_webhooks(connection, app.number)
            backlogs = await webhooks.backlogs(connection, [webhook.number for webhook in registered])
        return [WebhookReport(webhook, *backlogs[webhook.number]) for webhook in registered]

    async def find(self, app: App, webhook_id: str) -> WebhookReport:
        """Return one of the app's webhooks."""
        async with self._database.connection() as connection:
            webhook = await _find(connection, app, webhook_id)
            backlogs = await webhooks.backlogs(connection, [webhook.number])
        return WebhookReport(webhook, *backlogs[webhook.number])

    async def update(
        self,
        app: App,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Collection[WebhookKind] | None = None,
        paused: bool | None = None,
        by: Actor,
    ) -> None:
        """Change a webhook; None keeps what it is. Resuming it, or another URL, tries at once what waits.

        Refuses with FIELD_MALFORMED a URL that may not be called.
        """
        if url is not None:
            await self._check_url(url)

        async def write(connection: Connection) -> None:
            webhook = await _find(connection, app, webhook_id)
            if events is not None:
                await webhooks.set_events(connection, webhook, sorted(set(events)))
            if url is not None:
                await webhooks.set_url(connection, webhook.number, url)
            if paused is True:
                await webhooks.pause(connection, webhook.number, "request", now_ms())
            elif paused is False:
                await webhooks.resume(connection, webhook.number)
            if changes := _changes(webhook, url, events, paused):
                await _record(connection, by, "update", app, webhook_id, **changes)

        await self._database.in_transaction(write)

    async def delete(self, app: App, webhook_id: str, *, by: Actor) -> None:
        """Delete a webhook with its deliveries and all that waits for it."""

        async def write(connection: Connection) -> None:
            webhook = await _find(connection, app, webhook_id)
            await webhooks.delete_webhook(connection, webhook)
            await _record(connection, by, "delete", app, webhook_id, url=without_query(webhook.url))

        await self._database.in_transaction(write)

    async def rotate_secret(self, app: App, webhook_id: str, *, by: Actor) -> Rotated:
        """Give a webhook a new secret; for a day POSTs are signed with both.

        Repeated within ten minutes, as after a lost answer, it replaces the new secret and keeps the old one.
        """
        rotated = Rotated(new_secret(), now_ms() + ROTATION_MS)
        sealed = self._keys.seal(webhook_id, rotated.secret)

        async def write(connection: Connection) -> None:
            webhook = await _find(connection, app, webhook_id)
            await webhooks.replace_secret(
                connection,
                webhook.number,
                sealed,
                previous_until=rotated.previous_until,
                repeated_after=rotated.previous_until - REPEATED_MS,
            )
            await _record(connection, by, "rotate", app, webhook_id)

        await self._database.in_transaction(write)
        return rotated

    async def send_test(self, app: App, webhook_id: str, *, by: Actor) -> None:
        """Put a `webhook.test` event up for a webhook."""

        async def write(connection: Connection) -> None:
            webhook = await _find(connection, app, webhook_id)
            await outbox.record_test(connection, webhook.number, webhook_id, now_ms())
            await _record(connection, by, "test", app, webhook_id)

        await self._database.in_transaction(write)

    async def deliveries(
        self,
        app: App,
        webhook_id: str,
        *,
        state: DeliveryState | None = None,
        message_id: int | None = None,
        before_number: int | None = None,
        limit: int,
    ) -> ListPage[WebhookDelivery, int]:
        """Return a webhook's deliveries, perhaps only those in a state or about a message, newest first."""
        async with self._database.connection() as connection:
            webhook = await _find(connection, app, webhook_id)
            wanted = DeliveryFilter((webhook.number,), state, message_id)
            if before_number is not None:
                wanted = wanted._replace(before_number=before_number)
            found = await webhook_deliveries.list_deliveries(connection, wanted, limit + 1)
        return cut_page(found, limit, lambda delivery: delivery.number)

    async def deliveries_about(self, app: App, message_id: int, limit: int) -> list[MessageDelivery]:
        """Return up to `limit` deliveries that tell of a message, to any of the app's webhooks, newest first."""
        async with self._database.connection() as connection:
            registered = {one.number: one for one in await webhooks.list_webhooks(connection, app.number)}
            if not registered:
                return []
            wanted = DeliveryFilter(tuple(registered), message_id=message_id)
            found = await webhook_deliveries.list_deliveries(connection, wanted, limit)
        return [MessageDelivery(registered[delivery.webhook_number], delivery) for delivery in found]

    async def replay(
        self, app: App, webhook_id: str, *, delivery_id: str | None = None, since: int | None = None, by: Actor
    ) -> int:
        """Put up again one delivery, or all made since a time (ms since 1970); return how many.

        Refuses with WEBHOOK_UNKNOWN a delivery that is not the webhook's.
        """

        async def write(connection: Connection) -> int:
            webhook = await _find(connection, app, webhook_id)
            now = now_ms()
            count = await webhook_deliveries.replay(
                connection, webhook.number, delivery_id=delivery_id, since=since, now=now
            )
            if not count and delivery_id is not None:
                raise Refusal(Reason.WEBHOOK_UNKNOWN)
            await webhooks.reset_failures(connection, webhook.number)
            if count:
                which = {"since": since} if delivery_id is None else {"delivery": delivery_id}
                await _record(connection, by, "replay", app, webhook_id, **which, deliveries=count)
            return count

        return await self._database.in_transaction(write)

    async def _check_url(self, url: str) -> None:
        """Refuse a URL that may not be called. One whose host is not to be found now may well be later."""
        target = check_webhook_url(url)
        try:
            addresses = await self._resolve(target.host, target.port)
        except OSError:
            addresses = []
        try:
            self._rules.check(addresses, encrypted=target.encrypted)
        except ForbiddenAddressError:
            raise malformed(
                "url", "须为https且主机地址须为公网地址", "must be https, and its host must have public addresses only"
            ) from None
        if not addresses and not target.encrypted:
            raise malformed("url", "须以https开头", "must begin with https://")


async def _find(connection: Connection, app: App, webhook_id: str) -> Webhook:
    webhook = await webhooks.find_webhook(connection, app.number, webhook_id)
    if webhook is None:
        raise Refusal(Reason.WEBHOOK_UNKNOWN)
    return webhook


def _changes(
    webhook: Webhook, url: str | None, events: Collection[WebhookKind] | None, paused: bool | None
) -> dict[str, object]:
    """Return what an update makes different. To resume a webhook that fails is to try it at once."""
    changes: dict[str, object] = {}
    if url is not None and url != webhook.url:
        changes["url"] = without_query(url)
    if events is not None and set(events) != set(webhook.events):
        changes["events"] = sorted(set(events))
    stands_still = webhook.paused_at is not None or (paused is False and webhook.failing_since is not None)
    if paused is not None and paused is not stands_still:
        changes["paused"] = paused
    return changes


async def _record(connection: Connection, by: Actor, what: str, app: App, webhook_id: str, **detail: object) -> None:
    await audit.record(connection, by, f"webhook.{what}", webhook_id, now=now_ms(), app_number=app.number, **detail)
