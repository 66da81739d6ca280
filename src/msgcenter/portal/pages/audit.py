"""The audit log: of one app for its members, of everything for operators."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from starlette.responses import StreamingResponse

from msgcenter.actions.apps.apps import Apps
from msgcenter.actions.audit_log import AuditLog
from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.list_page import ListPage
from msgcenter.domain.message_id import MAX_ID
from msgcenter.domain.person import ActorKind
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.spreadsheet import BYTE_ORDER_MARK, csv_line
from msgcenter.portal.page import Answer, View
from msgcenter.portal.page_request import PageRequest, whole_number
from msgcenter.portal.texts.audit import ACTIONS, action_text
from msgcenter.portal.times import Times
from msgcenter.store.audit import AuditEntry, AuditFilter

_ENTRIES = 50
_KINDS: tuple[ActorKind, ...] = get_args(ActorKind)
_OF_APPS = ("app.", "grant.", "message.", "topic.", "webhook.")
_COLUMNS = (
    Phrase("时间", "when"),
    Phrase("类别", "kind"),
    Phrase("操作人", "who"),
    Phrase("来源", "from where"),
    Phrase("操作", "action"),
    Phrase("说明", "what"),
    Phrase("对象", "to what"),
    Phrase("应用", "app"),
    Phrase("详情", "detail"),
)


@dataclass(frozen=True)
class AuditPages:
    """Show the audit log and export it."""

    audit_log: AuditLog
    apps: Apps
    times: Times

    async def app_audit(self, request: PageRequest) -> Answer:
        """Show the changes of one app."""
        actions = {name: phrase for name, phrase in ACTIONS.items() if name.startswith(_OF_APPS)}
        try:
            entry_filter = self._filter(request)._replace(app_number=request.required_app.app.number)
            log = await self.audit_log.page(entry_filter, _ENTRIES)
        except Refusal as refusal:
            return _refused_filter("app_audit.html", actions, refusal)
        return View("app_audit.html", {"log": log, "actions": actions})

    async def audit(self, request: PageRequest) -> Answer:
        """Show all changes."""
        try:
            log = await self.audit_log.page(await self._filter_of_all(request), _ENTRIES)
        except Refusal as refusal:
            return _refused_filter("operator_audit.html", ACTIONS, refusal)
        return View("operator_audit.html", {"log": log, "actions": ACTIONS})

    async def audit_csv(self, request: PageRequest) -> Answer:
        """Export all entries that match the filter."""
        entry_filter = await self._filter_of_all(request)
        name = f"audit-{datetime.now(self.times.zone):%Y-%m-%d}.csv"
        return StreamingResponse(
            self._csv(request.language, entry_filter),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    def _filter(self, request: PageRequest) -> AuditFilter:
        """Return the filter in the query. Refuses with FIELD_MALFORMED (since, until) a wrong day."""
        before = whole_number(request.query("before"), MAX_ID)
        entry_filter = AuditFilter(
            actor=request.query("actor") or None,
            kind=next((kind for kind in _KINDS if kind == request.query("kind")), None),
            action=request.query("action") or None,
            since=self.times.start_of_day(request.query("since"), "since"),
            until=self.times.start_of_day(request.query("until"), "until", days_later=1),
        )
        return entry_filter if before is None else entry_filter._replace(before_id=before)

    async def _filter_of_all(self, request: PageRequest) -> AuditFilter:
        entry_filter, app_id = self._filter(request), request.query("app")
        if not app_id:
            return entry_filter
        try:
            return entry_filter._replace(app_number=(await self.apps.find(app_id)).app.number)
        except Refusal as refusal:
            if refusal.reason is Reason.APP_UNKNOWN:
                raise malformed("app", "没有此应用", "there is no app with this appId") from None
            raise

    async def _csv(self, language: Language, entry_filter: AuditFilter) -> AsyncIterator[str]:
        yield BYTE_ORDER_MARK + csv_line(*(column.in_language(language) for column in _COLUMNS))
        async for entry in self.audit_log.entries(entry_filter):
            yield self._csv_line(language, entry)

    def _csv_line(self, language: Language, entry: AuditEntry) -> str:
        return csv_line(
            self.times.local(entry.at).isoformat(timespec="seconds"),
            entry.actor.kind,
            entry.actor.name,
            entry.actor.address,
            entry.action,
            action_text(entry.action, language),
            entry.subject,
            entry.app_id or "",
            json.dumps(entry.detail, ensure_ascii=False) if entry.detail else "",
        )


def _refused_filter(template: str, actions: object, refusal: Refusal) -> View:
    """Return the page with no entries and the reason beside the field of the filter; raise any other refusal."""
    if refusal.reason is not Reason.FIELD_MALFORMED:
        raise refusal
    return View(template, {"log": ListPage([], None), "actions": actions}, error=refusal)
