"""Reading the audit log."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from msgcenter.database.database import Database
from msgcenter.store import audit
from msgcenter.store.audit import AuditEntry, AuditFilter

_AT_ONCE = 1_000


class AuditPage(NamedTuple):
    """Some entries, the newest first; `next_before` is the bound of the next page, None at the end."""

    entries: list[AuditEntry]
    next_before: int | None


class AuditLog:
    """What people and apps have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: AuditFilter, limit: int) -> AuditPage:
        """Return up to `limit` entries."""
        async with self._database.connection() as connection:
            found = await audit.list_entries(connection, wanted, limit + 1)
        return AuditPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def entries(self, wanted: AuditFilter) -> AsyncIterator[AuditEntry]:
        """Give all entries, the newest first."""
        before: int | None = wanted.before_id
        while before is not None:
            page = await self.page(wanted._replace(before_id=before), _AT_ONCE)
            for entry in page.entries:
                yield entry
            before = page.next_before


__all__ = ["AuditEntry", "AuditFilter", "AuditLog", "AuditPage"]
