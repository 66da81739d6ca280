"""Reading the audit log."""

from collections.abc import AsyncIterator

from msgcenter.database.database import Database
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.store import audit
from msgcenter.store.audit import AuditEntry, AuditFilter

_AT_ONCE = 1_000


class AuditLog:
    """What people and apps have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: AuditFilter, limit: int) -> ListPage[AuditEntry, int]:
        """Return up to `limit` entries."""
        async with self._database.connection() as connection:
            found = await audit.list_entries(connection, wanted, limit + 1)
        return cut_page(found, limit, lambda entry: entry.id)

    async def entries(self, wanted: AuditFilter) -> AsyncIterator[AuditEntry]:
        """Give all entries, the newest first."""
        before: int | None = wanted.before_id
        while before is not None:
            page = await self.page(wanted._replace(before_id=before), _AT_ONCE)
            for entry in page.items:
                yield entry
            before = page.next_cursor
