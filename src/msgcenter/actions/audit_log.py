"""Reading the audit log."""

from collections.abc import AsyncIterator

from msgcenter.database.database import Database
from msgcenter.domain.list_page import ListPage, cut_page
from msgcenter.store import audit
from msgcenter.store.audit import AuditEntry, AuditFilter

_ENTRIES_PER_QUERY = 1_000


class AuditLog:
    """Reads what people, apps and commands have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: AuditFilter, limit: int) -> ListPage[AuditEntry, int]:
        """Return up to `limit` entries that pass the filter."""
        async with self._database.connection() as connection:
            entries = await audit.list_entries(connection, query, limit + 1)
        return cut_page(entries, limit, lambda entry: entry.id)

    async def entries(self, query: AuditFilter) -> AsyncIterator[AuditEntry]:
        """Yield all entries that pass the filter, newest first."""
        before_id: int | None = query.before_id
        while before_id is not None:
            page = await self.page(query._replace(before_id=before_id), _ENTRIES_PER_QUERY)
            for entry in page.items:
                yield entry
            before_id = page.next_cursor
