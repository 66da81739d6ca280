"""Webhooks: register, show, change, test and delete them."""

from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.actions.webhooks.own_webhook import find_own, record
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.language import Phrase
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
from msgcenter.store.webhooks import outbox, webhooks
from msgcenter.store.webhooks.webhooks import Webhook

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host name (for a port); raises OSError if it has none."""


class NewWebhook(NamedTuple):
    """A new webhook and its secret, which is shown only now."""

    webhook_id: str
    secret: str


class NewSecret(NamedTuple):
    """A new secret. Until `previous_until` (ms since 1970), POSTs are signed with the one before as well."""

    secret: str
    previous_until: int


class WebhookReport(NamedTuple):
    """A webhook, how many events are pending, and when (ms since 1970) a failed delivery is due again."""

    webhook: Webhook
    pending: int
    due_at: int | None = None

    @property
    def state(self) -> Literal["active", "failing", "paused"]:
        """`paused`, `failing` (the last attempts have failed) or `active`."""
        if self.webhook.paused_at is not None:
            return "paused"
        return "active" if self.webhook.failing_since is None else "failing"

    @property
    def next_attempt_at(self) -> int | None:
        """When (ms since 1970) a failed delivery is tried again; None if none has failed, or while it is paused."""
        webhook = self.webhook
        if webhook.paused_at is not None or webhook.failing_since is None or self.due_at is None:
            return None
        return max(webhook.next_attempt_at or 0, self.due_at)


class Webhooks:
    """The webhooks of all apps. Every call refuses with WEBHOOK_UNKNOWN a webhook of another app.

    Each change by `by` is written to the audit log in its transaction. No-op changes are not recorded.
    """

    def __init__(self, database: Database, keys: KeyRing, *, rules: AddressRules, resolve: Resolve) -> None:
        self._database = database
        self._keys = keys
        self._rules = rules
        self._resolve = resolve

    async def create(self, app: App, url: str, events: Collection[WebhookKind], *, by: Actor) -> NewWebhook:
        """Register a webhook for kinds of events.

        Refuses with FIELD_MALFORMED (url) a URL that may not be called, and with TOO_MANY_ITEMS an eleventh webhook.
        """
        await self._check_url(url)
        created = NewWebhook(new_webhook_id(), new_secret())
        if not await self._insert(app, created, url=url, events=sorted(set(events)), by=by):
            rule = Phrase(f"每个应用最多{MAX_WEBHOOKS}个回调地址", f"at most {MAX_WEBHOOKS} webhooks for each app")
            raise Refusal(Reason.TOO_MANY_ITEMS, field="webhooks", rule=rule)
        return created

    @transactional
    async def _insert(
        self, connection: Connection, app: App, created: NewWebhook, *, url: str, events: list[WebhookKind], by: Actor
    ) -> bool:
        inserted = await webhooks.insert_webhook(
            connection,
            app_number=app.number,
            webhook_id=created.webhook_id,
            url=url,
            events=events,
            secret_sealed=self._keys.seal(*created),
            limit=MAX_WEBHOOKS,
            now=now_ms(),
        )
        if inserted:
            await record(connection, by, "create", app, created.webhook_id, url=without_query(url), events=events)
        return inserted

    async def registered(self, app: App) -> list[WebhookReport]:
        """Return the app's webhooks, the oldest first."""
        async with self._database.connection() as connection:
            registered = await webhooks.list_webhooks(connection, app.number)
            numbers = [webhook.number for webhook in registered]
            backlogs = await webhooks.backlogs(connection, app.platform.first_cell, numbers)
        return [WebhookReport(webhook, *backlogs[webhook.number]) for webhook in registered]

    async def find(self, app: App, webhook_id: str) -> WebhookReport:
        """Return the webhook with this id."""
        async with self._database.connection() as connection:
            webhook = await find_own(connection, app, webhook_id)
            backlogs = await webhooks.backlogs(connection, webhook.cell, [webhook.number])
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
        """Change a webhook; None keeps a property. To resume it, or to give it another URL, retries at once.

        Refuses with FIELD_MALFORMED (url) a URL that may not be called.
        """
        if url is not None:
            await self._check_url(url)
        unique_events = None if events is None else sorted(set(events))
        await self._update(app, webhook_id, url=url, events=unique_events, paused=paused, by=by)

    @transactional
    async def _update(
        self,
        connection: Connection,
        app: App,
        webhook_id: str,
        *,
        url: str | None,
        events: list[WebhookKind] | None,
        paused: bool | None,
        by: Actor,
    ) -> None:
        webhook = await find_own(connection, app, webhook_id)
        if events is not None:
            await webhooks.set_events(connection, webhook, events)
        if url is not None:
            await webhooks.set_url(connection, webhook, url, now_ms())
        if paused is True:
            await webhooks.pause(connection, webhook.number, "request", now_ms())
        elif paused is False:
            await webhooks.resume(connection, webhook, now_ms())
        if changes := _changes(webhook, url, events, paused):
            await record(connection, by, "update", app, webhook_id, **changes)

    @transactional
    async def delete(self, connection: Connection, app: App, webhook_id: str, *, by: Actor) -> None:
        """Delete a webhook with its deliveries and its pending events."""
        webhook = await find_own(connection, app, webhook_id)
        await webhooks.delete_webhook(connection, webhook)
        await record(connection, by, "delete", app, webhook_id, url=without_query(webhook.url))

    async def rotate_secret(self, app: App, webhook_id: str, *, by: Actor) -> NewSecret:
        """Give a webhook a new secret; for a day POSTs are signed with both.

        A repeat within ten minutes, as after a lost answer, replaces the new secret and keeps the old one.
        """
        rotated = NewSecret(new_secret(), now_ms() + ROTATION_MS)
        await self._replace_secret(app, webhook_id, rotated, by)
        return rotated

    @transactional
    async def _replace_secret(
        self, connection: Connection, app: App, webhook_id: str, rotated: NewSecret, by: Actor
    ) -> None:
        webhook = await find_own(connection, app, webhook_id)
        await webhooks.replace_secret(
            connection,
            webhook.number,
            self._keys.seal(webhook_id, rotated.secret),
            previous_until=rotated.previous_until,
            repeated_after=rotated.previous_until - REPEATED_MS,
        )
        await record(connection, by, "rotate", app, webhook_id)

    @transactional
    async def send_test(self, connection: Connection, app: App, webhook_id: str, *, by: Actor) -> None:
        """Queue a `webhook.test` event for a webhook."""
        webhook = await find_own(connection, app, webhook_id)
        await outbox.record_test(connection, webhook, now_ms())
        await record(connection, by, "test", app, webhook_id)

    async def _check_url(self, url: str) -> None:
        """Refuse a URL that may not be called. A host without an address now may have one later."""
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


def _changes(
    webhook: Webhook, url: str | None, events: list[WebhookKind] | None, paused: bool | None
) -> dict[str, object]:
    """Return what an update changes. To resume a failing webhook is a change: it is tried at once."""
    changes: dict[str, object] = {}
    if url is not None and url != webhook.url:
        changes["url"] = without_query(url)
    if events is not None and set(events) != set(webhook.events):
        changes["events"] = events
    is_stopped = webhook.paused_at is not None or (paused is False and webhook.failing_since is not None)
    if paused is not None and paused is not is_stopped:
        changes["paused"] = paused
    return changes
