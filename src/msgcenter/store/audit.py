"""The audit log: who has changed what. Entries are only ever added."""

from typing import Any, NamedTuple

import msgspec

from msgcenter.database.database import Connection
from msgcenter.domain.person import Actor, ActorKind

_AFTER_ALL = "\U0010ffff"
"""Sorts behind every letter that the name of an action can have."""


class AuditEntry(NamedTuple):
    """One change. `detail` is what was changed, by field; `app_id` the app concerned, if one is."""

    id: int
    at: int
    actor: Actor
    action: str
    subject: str
    app_id: str | None
    detail: dict[str, Any]


class AuditFilter(NamedTuple):
    """Which entries are wanted; None means all. `action` is the name of one, or how the names of several begin.

    Times are ms since 1970, ids go down from below `before_id`.
    """

    app_number: int | None = None
    actor: str | None = None
    kind: ActorKind | None = None
    action: str | None = None
    since: int | None = None
    until: int | None = None
    before_id: int = (1 << 63) - 1


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
    """Add an entry, in the transaction of the change itself."""
    await connection.execute(
        "insert into audit_entry (at, actor_kind, actor, address, action, subject, app_number, detail)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        now,
        *by,
        action,
        subject,
        app_number,
        msgspec.json.encode(detail).decode(),
    )


async def list_entries(connection: Connection, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
    """Return entries, the newest first."""
    # Only what is asked for stands in the statement: with a plan for all cases no index but the primary key's helps.
    conditions = {
        "e.id < ": wanted.before_id,
        "e.app_number = ": wanted.app_number,
        "e.actor = ": wanted.actor,
        "e.actor_kind = ": wanted.kind,
        "e.action >= ": wanted.action,
        "e.action < ": None if wanted.action is None else wanted.action + _AFTER_ALL,
        "e.at >= ": wanted.since,
        "e.at < ": wanted.until,
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    where = " and ".join(f"{condition}${number}" for number, condition in enumerate(given, 1))
    rows = await connection.fetch(
        "select e.id, e.at, e.actor_kind, e.actor, e.address, e.action, e.subject, a.app_id, e.detail"
        " from audit_entry e left join app a on a.number = e.app_number"
        f" where {where} order by e.id desc limit {int(limit)}",
        *given.values(),
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
