"""The audit log: who has changed what. Entries are only added, never changed."""

from typing import Any, NamedTuple

import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.message_id import MAX_ID
from msgcenter.domain.person import Actor, ActorKind

_LAST_CHARACTER = "\U0010ffff"
"""Sorts after every character that the name of an action can have."""


class AuditEntry(NamedTuple):
    """A change at `at` (ms since 1970). `detail` has what was changed, by field; `app_id` is the app, if any."""

    id: int
    at: int
    actor: Actor
    action: str
    subject: str
    app_id: str | None
    detail: dict[str, Any]


class AuditFilter(NamedTuple):
    """Which entries to list; None means all. `action` is the name of an action or the beginning of several names.

    Times are ms since 1970. Only entries with an id below `before_id` are listed.
    """

    app_number: int | None = None
    actor: str | None = None
    kind: ActorKind | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None
    before_id: int = MAX_ID


async def record(
    connection: Connection,
    by: Actor,
    action: str,
    subject: str,
    *,
    now: int,
    app_number: int | None = None,
    **detail: object,
) -> None:
    """Add an entry, in the transaction of the change. `now` is ms since 1970."""
    await connection.execute(
        """
        insert into audit_entry (at, actor_kind, actor, address, action, subject, app_number, detail)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        now,
        *by,
        action,
        subject,
        app_number,
        msgspec.json.encode(detail).decode(),
    )


async def list_entries(connection: Connection, query: AuditFilter, limit: int) -> list[AuditEntry]:
    """Return up to `limit` entries that match the filter, the newest first."""
    # Only the conditions that are needed: one plan for all cases could use no index but the primary key's.
    conditions = {
        "entry.id < ": query.before_id,
        "entry.app_number = ": query.app_number,
        "entry.actor = ": query.actor,
        "entry.actor_kind = ": query.kind,
        "entry.action >= ": query.action,
        "entry.action < ": None if query.action is None else query.action + _LAST_CHARACTER,
        "entry.at >= ": query.since,
        "entry.at < ": query.until,
    }
    values = {condition: value for condition, value in conditions.items() if value is not None}
    where = " and ".join(f"{condition}${place}" for place, condition in enumerate(values, 1))
    rows = await connection.fetch(
        f"""
        select entry.id, entry.at, entry.actor_kind, entry.actor, entry.address, entry.action, entry.subject,
            app.app_id, entry.detail
        from audit_entry as entry left join app on app.number = entry.app_number
        where {where}
        order by entry.id desc
        limit {int(limit)}
        """,
        *values.values(),
    )
    return [
        AuditEntry(
            row["id"],
            row["at"],
            Actor(row["actor_kind"], row["actor"], row["address"]),
            row["action"],
            row["subject"],
            row["app_id"],
            msgspec.json.decode(row["detail"]),
        )
        for row in rows
    ]
