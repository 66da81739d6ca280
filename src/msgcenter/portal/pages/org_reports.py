"""Reports of a message to organisations on its page: who has read it, level by level; and files with all rows.

Names of users are shown to operators, and to the developers of apps that may read the directory.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.responses import StreamingResponse

from msgcenter.actions.directory.browsing import DirectoryBrowser
from msgcenter.actions.messages.message_status import MessageStatuses
from msgcenter.actions.messages.org_reports import OrgCounts
from msgcenter.domain.audience import Organisations, is_org_audience
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.message import Message
from msgcenter.domain.spreadsheet import BYTE_ORDER_MARK, csv_line
from msgcenter.portal.page_request import PageRequest, whole_number
from msgcenter.portal.times import Times
from msgcenter.store.directory.orgs import OrgRow
from msgcenter.store.mailboxes.audience_place import AudiencePlace
from msgcenter.store.mailboxes.receipts import Receipt

_ROWS = 100
_REPORT_COLUMNS = (
    Phrase("组织编号", "orgId"),
    Phrase("组织", "organisation"),
    Phrase("接收", "receivers"),
    Phrase("已读", "read"),
    Phrase("未读", "unread"),
    Phrase("已读比例", "read %"),
)
_ORG_COLUMNS = (Phrase("组织编号", "orgId"), Phrase("组织", "organisation"))
_RECEIVER_COLUMNS = (
    Phrase("用户编号", "userId"),
    Phrase("姓名", "name"),
    Phrase("状态", "state"),
    Phrase("首次阅读", "first read"),
)


class ReportRow(NamedTuple):
    """An organisation with its counts; `opens` is whether the report has a level below it."""

    org_id: str
    name: str
    receivers: int
    read: int
    opens: bool

    @property
    def unread(self) -> int:
        """How many have not read the message."""
        return self.receivers - self.read

    @property
    def percent(self) -> float:
        """How many of 100 have read it."""
        return round(100 * self.read / self.receivers, 1) if self.receivers else 0.0


class OrgReport(NamedTuple):
    """One level of a report: some rows, the place of the first one, and how many there are.

    `line` leads from an addressed organisation to the one that is open; it is empty for the addressed ones.
    """

    rows: Sequence[ReportRow]
    first: int
    total: int
    line: Sequence[OrgRow]
    next_first: int | None


@dataclass(frozen=True)
class OrgReports:
    """Reads reports and writes their files."""

    statuses: MessageStatuses
    browser: DirectoryBrowser
    times: Times

    async def report(self, message: Message, audience: Organisations, org_id: str, first: int) -> OrgReport:
        """Return a level of the report: the organisations below `org_id`, or (""): the addressed ones.

        Refuses with ORGANISATION_UNKNOWN.
        """
        counts = await self.statuses.org_counts(message, org_id or None)
        shown = counts[first : first + _ROWS]
        numbers = [item.org.number for item in shown]
        opened = await self.browser.opened_at(message, numbers) if audience.include_sub else set()
        rows = [_row(item, opens=item.org.number in opened and item.org.org_id != org_id) for item in shown]
        line = await self._line(message, audience, org_id) if org_id else ()
        following = first + _ROWS if first + _ROWS < len(counts) else None
        return OrgReport(rows, first, len(counts), line, following)

    async def names(self, request: PageRequest, message: Message, user_ids: Collection[str]) -> dict[str, str]:
        """Return the names of receivers, as far as the person may see them."""
        if not (request.person.is_operator or request.required_app.app.directory):
            return {}
        return await self.browser.names_of(message.platform, user_ids)

    async def _line(self, message: Message, audience: Organisations, org_id: str) -> Sequence[OrgRow]:
        org = await self.browser.find_org(message.platform, org_id)
        if org is None:
            return ()
        line = [*org.line, org.row]
        start = next((place for place, row in enumerate(line) if row.org_id in audience.org_ids), len(line) - 1)
        return line[start:]

    # --- Files ------------------------------------------------------------------------------------------------------

    async def report_csv(self, request: PageRequest, message: Message) -> StreamingResponse:
        """Return a level of the report with all rows. Refuses with ORGANISATION_UNKNOWN."""
        counts = await self.statuses.org_counts(message, request.query("org") or None)
        rows = [_row(item, opens=False) for item in counts]
        return _file(f"report-{message.id}.csv", _report_lines(request.language, rows))

    async def receivers_csv(self, request: PageRequest, message: Message, *, read: bool | None) -> StreamingResponse:
        """Return all receivers of a message, or of those in an organisation with all below it.

        Refuses with ORGANISATION_UNKNOWN or FIELDS_CONTRADICT.
        """
        org_id = request.query("org") or None
        # Read before the answer begins, so that a refusal is a page.
        parts = self.statuses.all_receipts(request.required_app.app, message.id, read=read, org_id=org_id)
        first: list[Receipt] = await anext(parts, [])
        return _file(f"receivers-{message.id}.csv", self._receiver_lines(request, message, first, parts))

    async def _receiver_lines(
        self, request: PageRequest, message: Message, first: list[Receipt], parts: AsyncIterator[list[Receipt]]
    ) -> AsyncIterator[str]:
        language, in_orgs = request.language, is_org_audience(message.topic_number)
        yield _head(language, (*(_ORG_COLUMNS if in_orgs else ()), *_RECEIVER_COLUMNS))
        part: list[Receipt] | None = first
        while part is not None:
            names = await self.names(request, message, [receipt.user_id for receipt in part])
            numbers = [AudiencePlace.parse(message, receipt.cursor).org_number if in_orgs else 0 for receipt in part]
            rows = await self.browser.org_rows(set(numbers), message.platform) if in_orgs else {}
            lines = [
                csv_line(
                    *((rows[number].org_id, rows[number].name) if in_orgs else ()),
                    receipt.user_id,
                    names.get(receipt.user_id, ""),
                    _state(receipt).in_language(language),
                    "" if receipt.read_at is None else self.times.local(receipt.read_at).isoformat(timespec="seconds"),
                )
                for receipt, number in zip(part, numbers, strict=True)
            ]
            yield "".join(lines)
            part = await anext(parts, None)


def _row(item: OrgCounts, *, opens: bool) -> ReportRow:
    return ReportRow(item.org.org_id, item.org.name, item.counts.receivers, item.counts.read, opens)


def _state(receipt: Receipt) -> Phrase:
    return Phrase("未读", "unread") if receipt.read_at is None else Phrase("已读", "read")


def _head(language: Language, columns: Sequence[Phrase]) -> str:
    return BYTE_ORDER_MARK + csv_line(*(column.in_language(language) for column in columns))


async def _report_lines(language: Language, rows: Sequence[ReportRow]) -> AsyncIterator[str]:
    yield _head(language, _REPORT_COLUMNS)
    for row in rows:
        yield csv_line(row.org_id, row.name, *map(str, (row.receivers, row.read, row.unread, row.percent)))


def _file(name: str, lines: AsyncIterator[str]) -> StreamingResponse:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def first_row(request: PageRequest) -> int:
    """Return the place of the first row of a report in the query."""
    return whole_number(request.query("from")) or 0
