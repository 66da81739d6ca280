"""The webhooks that apps have registered."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from msgcenter.database.database import Connection
from msgcenter.domain.webhook import STATUS_KINDS, PauseReason

_COLUMNS = """
    cell, number, app_number, endpoint_id as webhook_id, url, events, secret_sealed, created_at, paused_at,
    pause_reason, failing_since, next_attempt_at, previous_secret_until
"""


class Webhook(NamedTuple):
    """A registered webhook. `webhook_id` is its public id, `number` its key. Times are ms since 1970.

    Its events and deliveries are in `cell`, the first one of its app's own platform. A webhook that fails as a whole
    since `failing_since` is tried again at `next_attempt_at`.
    """

    cell: int
    number: int
    app_number: int
    webhook_id: str
    url: str
    events: tuple[str, ...]
    secret_sealed: bytes
    created_at: int
    paused_at: int | None
    pause_reason: PauseReason | None
    failing_since: int | None
    next_attempt_at: int | None
    previous_secret_until: int | None


class Backlog(NamedTuple):
    """The events of a webhook that are not delivered yet.

    `events` is their number, `due_at` (ms since 1970) when the first failed delivery is due again.
    """

    events: int
    due_at: int | None


class MessageOwner(NamedTuple):
    """The app that sent a message, and whether one of its webhooks gets status events."""

    message_id: int
    app_number: int
    wants_status_events: bool


def _webhook_of(row: asyncpg.Record) -> Webhook:
    return Webhook(**{**dict(row), "events": tuple(row["events"])})


async def insert_webhook(
    connection: Connection,
    *,
    app_number: int,
    webhook_id: str,
    url: str,
    events: Sequence[str],
    secret_sealed: bytes,
    limit: int,
    now: int,
) -> bool:
    """Add a webhook to an app; return False if the app already has `limit` webhooks. Runs inside a transaction."""
    await _lock_app(connection, app_number)
    count = await connection.fetchval("select count(*) from webhook_endpoint where app_number = $1", app_number)
    if count >= limit:
        return False
    await connection.execute(
        """
        insert into webhook_endpoint (cell, app_number, endpoint_id, url, events, secret_sealed, created_at)
        select platform.first_cell, app.number, $2, $3, $4, $5, $6
        from app join platform on platform.code = app.platform_code
        where app.number = $1
        """,
        app_number,
        webhook_id,
        url,
        events,
        secret_sealed,
        now,
    )
    await _update_webhook_events(connection, app_number)
    return True


async def list_webhooks(connection: Connection, app_number: int) -> list[Webhook]:
    """Return an app's webhooks, the oldest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from webhook_endpoint where app_number = $1 order by number", app_number
    )
    return [_webhook_of(row) for row in rows]


async def find_webhook(connection: Connection, app_number: int, webhook_id: str) -> Webhook | None:
    """Return an app's webhook."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from webhook_endpoint where endpoint_id = $2 and app_number = $1", app_number, webhook_id
    )
    return _webhook_of(row) if row else None


async def backlogs(connection: Connection, cell: int, webhook_numbers: Sequence[int]) -> dict[int, Backlog]:
    """Return the backlog of each of these webhooks, whose events and deliveries are in `cell`."""
    rows = await connection.fetch(
        """
        select webhook.number,
            (
                select count(*) from webhook_event as event
                where event.cell = $1 and event.endpoint_number = webhook.number
            )
            + (
                select coalesce(sum(delivery.event_count), 0)
                from webhook_delivery as delivery
                where delivery.cell = $1
                    and delivery.endpoint_number = webhook.number
                    and delivery.state = 'pending'
            ) as events,
            (
                select delivery.next_attempt_at
                from webhook_delivery as delivery
                where delivery.cell = $1
                    and delivery.endpoint_number = webhook.number
                    and delivery.state = 'pending'
                order by delivery.next_attempt_at
                limit 1
            ) as due_at
        from unnest($2::int[]) as webhook (number)
        """,
        cell,
        webhook_numbers,
    )
    return {row["number"]: Backlog(int(row["events"]), row["due_at"]) for row in rows}


async def set_url(connection: Connection, webhook: Webhook, url: str, now: int) -> None:
    """Set a webhook's URL. Events that could not be delivered to the old URL are tried at the new one at once."""
    await connection.execute("update webhook_endpoint set url = $2 where number = $1", webhook.number, url)
    await restart(connection, webhook.number)
    await _bring_forward(connection, webhook, now)


async def set_events(connection: Connection, webhook: Webhook, events: Sequence[str]) -> None:
    """Set the kinds of events that a webhook gets. Runs inside a transaction."""
    await _lock_app(connection, webhook.app_number)
    await connection.execute("update webhook_endpoint set events = $2 where number = $1", webhook.number, events)
    await _update_webhook_events(connection, webhook.app_number)


async def pause(connection: Connection, number: int, reason: PauseReason, now: int) -> None:
    """Stop deliveries to a webhook at `now` (ms since 1970); its events are kept. An earlier pause keeps its reason."""
    await connection.execute(
        "update webhook_endpoint set paused_at = $3, pause_reason = $2 where number = $1 and paused_at is null",
        number,
        reason,
        now,
    )


async def resume(connection: Connection, webhook: Webhook, now: int) -> None:
    """Resume deliveries to a webhook at once, also of those that it has refused."""
    await connection.execute(
        "update webhook_endpoint set paused_at = null, pause_reason = null where number = $1", webhook.number
    )
    await restart(connection, webhook.number)
    await _bring_forward(connection, webhook, now)


async def restart(connection: Connection, number: int) -> None:
    """Forget the failures of a webhook, so that it is tried at once; those of POSTs that are under way, as well."""
    await connection.execute(
        """
        update webhook_endpoint
        set attempts = 0, next_attempt_at = null, failing_since = null, restarts = restarts + 1
        where number = $1
        """,
        number,
    )


async def _bring_forward(connection: Connection, webhook: Webhook, now: int) -> None:
    """Make the pending deliveries of a webhook due at `now` (ms since 1970) at the latest."""
    await connection.execute(
        """
        update webhook_delivery
        set next_attempt_at = $3
        where cell = $1 and endpoint_number = $2 and state = 'pending' and next_attempt_at > $3
        """,
        webhook.cell,
        webhook.number,
        now,
    )


async def replace_secret(
    connection: Connection, number: int, sealed: bytes, *, previous_until: int, repeated_after: int
) -> None:
    """Replace a webhook's secret. Deliveries are signed with the old one too until `previous_until` (ms since 1970).

    If the old secret of the last rotation ends after `repeated_after`, this rotation repeats that one, and the secret
    from before both is kept.
    """
    await connection.execute(
        """
        update webhook_endpoint
        set previous_secret_until = $3,
            secret_sealed = $2,
            previous_secret_sealed =
                case when previous_secret_until > $4 then previous_secret_sealed else secret_sealed end
        where number = $1
        """,
        number,
        sealed,
        previous_until,
        repeated_after,
    )


async def delete_webhook(connection: Connection, webhook: Webhook) -> None:
    """Delete a webhook with its events and deliveries. Runs inside a transaction."""
    await _lock_app(connection, webhook.app_number)
    # The row first: after that, no other transaction can record an event for this webhook.
    await connection.execute("delete from webhook_endpoint where number = $1", webhook.number)
    await _delete_work(connection, webhook)
    await _update_webhook_events(connection, webhook.app_number)


async def _delete_work(connection: Connection, webhook: Webhook) -> None:
    key = (webhook.cell, webhook.number)
    await connection.execute("delete from webhook_event where cell = $1 and endpoint_number = $2", *key)
    await connection.execute("delete from webhook_delivery where cell = $1 and endpoint_number = $2", *key)


async def owners(connection: Connection, cell: int, message_ids: Sequence[int]) -> list[MessageOwner]:
    """Return the owners of these messages in a cell, in no particular order."""
    rows = await connection.fetch(
        """
        select message.id, message.app_number, app.webhook_events && $3::text[] as wants_status_events
        from message join app on app.number = message.app_number
        where message.cell = $1 and message.id = any($2)
        """,
        cell,
        message_ids,
        sorted(STATUS_KINDS),
    )
    return [MessageOwner(*row) for row in rows]


async def _lock_app(connection: Connection, app_number: int) -> None:
    await connection.execute("select from app where number = $1 for no key update", app_number)


async def _update_webhook_events(connection: Connection, app_number: int) -> None:
    """Set the app's `webhook_events` to the kinds of events that its webhooks get, all together."""
    await connection.execute(
        """
        update app
        set webhook_events = array(
            select distinct kind
            from webhook_endpoint as webhook cross join lateral unnest(webhook.events) as kind
            where webhook.app_number = $1
            order by kind
        )
        where number = $1
        """,
        app_number,
    )
