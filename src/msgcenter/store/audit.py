"""The audit log: who has changed what. Entries are only ever added."""

from typing import Any, NamedTuple

import msgspec

from msgcenter.domain.person import Actor
from msgcenter.store.database import Connection


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
    """Which entries are wanted; None means all. Times are ms since 1970, ids go down from below `before_id`."""

    app_number: int | None = None
    actor: str | None = None
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
    rows = await connection.fetch(
        "select e.id, e.at, e.actor_kind, e.actor, e.address, e.action, e.subject, a.app_id, e.detail"
        " from audit_entry e left join app a on a.number = e.app_number"
        " where ($1::int is null or e.app_number = $1) and ($2::text is null or e.actor = $2)"
        " and ($3::text is null or e.action like $3 || '%') and ($4::bigint is null or e.at >= $4)"
        " and ($5::bigint is null or e.at < $5) and e.id < $6 order by e.id desc limit $7",
        *wanted,
        limit,
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
