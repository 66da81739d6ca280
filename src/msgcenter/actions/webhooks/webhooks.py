"""Webhooks: registered, shown, changed, tested and replayed by the app that they belong to."""

from collections.abc import Awaitable, Callable, Collection
from typing import Literal, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Connection, Database
from msgcenter.domain import webhook
from msgcenter.domain.account import App
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import AddressRules, ForbiddenAddressError
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.webhook import WebhookKind
from msgcenter.domain.webhook_schedule import DeliveryState
from msgcenter.store import audit
from msgcenter.store.webhooks import deliveries as webhook_deliveries
from msgcenter.store.webhooks import endpoints as webhooks
from msgcenter.store.webhooks import outbox
from msgcenter.store.webhooks.deliveries import Delivery, DeliveryFilter
from msgcenter.store.webhooks.endpoints import Endpoint

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host name (for a port); raises OSError if it has none."""


class Created(NamedTuple):
    """A new endpoint and its secret, which is told this once."""

    endpoint_id: str
    secret: str


class Rotated(NamedTuple):
    """A new secret, and until when (ms since 1970) POSTs are signed with the one before as well."""

    secret: str
    previous_until: int


class EndpointReport(NamedTuple):
    """An endpoint and what waits for it: so many events, and when (ms since 1970) a failed delivery is due again."""

    endpoint: Endpoint
    pending: int
    due_at: int | None = None

    @property
    def state(self) -> Literal["active", "failing", "paused"]:
        """`paused`, `failing` (the last attempts were in vain) or `active`."""
        if self.endpoint.paused_at is not None:
            return "paused"
        return "active" if self.endpoint.failing_since is None else "failing"

    @property
    def next_attempt_at(self) -> int | None:
        """When (ms since 1970) what has failed is tried again; None if nothing has, or while it is paused."""
        endpoint = self.endpoint
        if endpoint.paused_at is not None or endpoint.failing_since is None or self.due_at is None:
            return None
        return max(endpoint.next_attempt_at or 0, self.due_at)


class DeliveryPage(NamedTuple):
    """Some deliveries, newest first; `next_before` is the id bound of the next page, None at the end."""

    deliveries: list[Delivery]
    next_before: int | None


class MessageDelivery(NamedTuple):
    """A delivery that tells of a message, and to which endpoint."""

    endpoint: Endpoint
    delivery: Delivery


class Webhooks:
    """The webhooks of all apps. Every call refuses with WEBHOOK_UNKNOWN an endpoint that is not the app's.

    What `by` changes is written to the audit log with it; what was so already is no change.
    """

    def __init__(self, database: Database, keys: KeyRing, *, rules: AddressRules, resolve: Resolve) -> None:
        self._database = database
        self._keys = keys
        self._rules = rules
        self._resolve = resolve

    async def create(self, app: App, url: str, events: Collection[WebhookKind], *, by: Actor) -> Created:
        """Register an endpoint for kinds of events.

        Refuses with FIELD_MALFORMED a URL that may not be called, with TOO_MANY_ITEMS an eleventh endpoint.
        """
        await self._check_url(url)
        created = Created(webhook.new_endpoint_id(), webhook.new_secret())

        async def write(connection: Connection) -> bool:
            inserted = await webhooks.insert_endpoint(
                connection,
                app_number=app.number,
                endpoint_id=created.endpoint_id,
                url=url,
                events=sorted(set(events)),
                secret_sealed=self._keys.seal(*created),
                limit=webhook.MAX_ENDPOINTS,
                now=now_ms(),
            )
            if inserted:
                told = {"url": webhook.without_query(url), "events": sorted(set(events))}
                await _record(connection, by, "create", app, created.endpoint_id, **told)
            return inserted

        if not await self._database.in_transaction(write):
            limit = webhook.MAX_ENDPOINTS
            rule = Phrase(f"每个应用最多{limit}个回调地址", f"at most {limit} webhooks for each app")
            raise Refusal(Reason.TOO_MANY_ITEMS, field="webhooks", rule=rule)
        return created

    async def registered(self, app: App) -> list[EndpointReport]:
        """Return the app's endpoints, the oldest first."""
        async with self._database.connection() as connection:
            endpoints = await webhooks.list_endpoints(connection, app.number)
            waiting = await webhooks.waiting(connection, [endpoint.number for endpoint in endpoints])
        return [EndpointReport(endpoint, *waiting[endpoint.number]) for endpoint in endpoints]

    async def find(self, app: App, endpoint_id: str) -> EndpointReport:
        """Return one of the app's endpoints."""
        async with self._database.connection() as connection:
            endpoint = await _find(connection, app, endpoint_id)
            waiting = await webhooks.waiting(connection, [endpoint.number])
        return EndpointReport(endpoint, *waiting[endpoint.number])

    async def update(
        self,
        app: App,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Collection[WebhookKind] | None = None,
        paused: bool | None = None,
        by: Actor,
    ) -> None:
        """Change an endpoint; None keeps what it is. Resuming it, or another URL, tries at once what waits.

        Refuses with FIELD_MALFORMED a URL that may not be called.
        """
        if url is not None:
            await self._check_url(url)

        async def write(connection: Connection) -> None:
            endpoint = await _find(connection, app, endpoint_id)
            if events is not None:
                await webhooks.set_events(connection, endpoint, sorted(set(events)))
            if url is not None:
                await webhooks.set_url(connection, endpoint.number, url)
            if paused is True:
                await webhooks.pause(connection, endpoint.number, "request", now_ms())
            elif paused is False:
                await webhooks.resume(connection, endpoint.number)
            if changes := _changes(endpoint, url, events, paused):
                await _record(connection, by, "update", app, endpoint_id, **changes)

        await self._database.in_transaction(write)

    async def delete(self, app: App, endpoint_id: str, *, by: Actor) -> None:
        """Delete an endpoint with its deliveries and all that waits for it."""

        async def write(connection: Connection) -> None:
            endpoint = await _find(connection, app, endpoint_id)
            await webhooks.delete_endpoint(connection, endpoint)
            await _record(connection, by, "delete", app, endpoint_id, url=webhook.without_query(endpoint.url))

        await self._database.in_transaction(write)

    async def rotate_secret(self, app: App, endpoint_id: str, *, by: Actor) -> Rotated:
        """Give an endpoint a new secret; for a day POSTs are signed with both.

        Repeated within ten minutes, as after a lost answer, it replaces the new secret and keeps the old one.
        """
        rotated = Rotated(webhook.new_secret(), now_ms() + webhook.ROTATION_MS)
        sealed = self._keys.seal(endpoint_id, rotated.secret)

        async def write(connection: Connection) -> None:
            endpoint = await _find(connection, app, endpoint_id)
            await webhooks.replace_secret(
                connection,
                endpoint.number,
                sealed,
                previous_until=rotated.previous_until,
                repeated_after=rotated.previous_until - webhook.REPEATED_MS,
            )
            await _record(connection, by, "rotate", app, endpoint_id)

        await self._database.in_transaction(write)
        return rotated

    async def send_test(self, app: App, endpoint_id: str, *, by: Actor) -> None:
        """Put a `webhook.test` event up for an endpoint."""

        async def write(connection: Connection) -> None:
            endpoint = await _find(connection, app, endpoint_id)
            await outbox.record_test(connection, endpoint.number, endpoint_id, now_ms())
            await _record(connection, by, "test", app, endpoint_id)

        await self._database.in_transaction(write)

    async def deliveries(
        self,
        app: App,
        endpoint_id: str,
        *,
        state: DeliveryState | None = None,
        message_id: int | None = None,
        before_id: int | None = None,
        limit: int,
    ) -> DeliveryPage:
        """Return an endpoint's deliveries, perhaps only those in a state or about a message, newest first."""
        async with self._database.connection() as connection:
            endpoint = await _find(connection, app, endpoint_id)
            wanted = DeliveryFilter((endpoint.number,), state, message_id)
            if before_id is not None:
                wanted = wanted._replace(before_id=before_id)
            found = await webhook_deliveries.list_deliveries(connection, wanted, limit + 1)
        more = len(found) > limit
        return DeliveryPage(found[:limit], found[limit - 1].id if more else None)

    async def deliveries_about(self, app: App, message_id: int, limit: int) -> list[MessageDelivery]:
        """Return up to `limit` deliveries that tell of a message, to any of the app's endpoints, newest first."""
        async with self._database.connection() as connection:
            endpoints = {one.number: one for one in await webhooks.list_endpoints(connection, app.number)}
            if not endpoints:
                return []
            wanted = DeliveryFilter(tuple(endpoints), message_id=message_id)
            found = await webhook_deliveries.list_deliveries(connection, wanted, limit)
        return [MessageDelivery(endpoints[delivery.endpoint_number], delivery) for delivery in found]

    async def replay(
        self, app: App, endpoint_id: str, *, delivery_id: str | None = None, since: int | None = None, by: Actor
    ) -> int:
        """Put up again one delivery, or all made since a time (ms since 1970); return how many.

        Refuses with WEBHOOK_UNKNOWN a delivery that is not the endpoint's.
        """

        async def write(connection: Connection) -> int:
            endpoint = await _find(connection, app, endpoint_id)
            now = now_ms()
            count = await webhook_deliveries.replay(
                connection, endpoint.number, webhook_id=delivery_id, since=since, now=now
            )
            if not count and delivery_id is not None:
                raise Refusal(Reason.WEBHOOK_UNKNOWN)
            await webhooks.start_afresh(connection, endpoint.number)
            if count:
                which = {"since": since} if delivery_id is None else {"delivery": delivery_id}
                await _record(connection, by, "replay", app, endpoint_id, **which, deliveries=count)
            return count

        return await self._database.in_transaction(write)

    async def _check_url(self, url: str) -> None:
        """Refuse a URL that may not be called. One whose host is not to be found now may well be later."""
        target = webhook.check_endpoint_url(url)
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


async def _find(connection: Connection, app: App, endpoint_id: str) -> Endpoint:
    endpoint = await webhooks.find_endpoint(connection, app.number, endpoint_id)
    if endpoint is None:
        raise Refusal(Reason.WEBHOOK_UNKNOWN)
    return endpoint


def _changes(
    endpoint: Endpoint, url: str | None, events: Collection[WebhookKind] | None, paused: bool | None
) -> dict[str, object]:
    """Return what an update makes different. To resume an endpoint that fails is to try it at once."""
    changes: dict[str, object] = {}
    if url is not None and url != endpoint.url:
        changes["url"] = webhook.without_query(url)
    if events is not None and set(events) != set(endpoint.events):
        changes["events"] = sorted(set(events))
    stands_still = endpoint.paused_at is not None or (paused is False and endpoint.failing_since is not None)
    if paused is not None and paused is not stands_still:
        changes["paused"] = paused
    return changes


async def _record(connection: Connection, by: Actor, what: str, app: App, endpoint_id: str, **detail: object) -> None:
    await audit.record(connection, by, f"webhook.{what}", endpoint_id, now=now_ms(), app_number=app.number, **detail)
