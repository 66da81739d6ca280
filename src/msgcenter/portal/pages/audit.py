"""The audit log: of an app for those who look after it, of everything for operators."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import get_args

from starlette.responses import Response, StreamingResponse

from msgcenter.domain.list_page import ListPage
from msgcenter.domain.message_id import MAX_ID
from msgcenter.domain.person import ActorKind
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.spreadsheet import csv_line
from msgcenter.portal.portal import Portal
from msgcenter.portal.texts.audit import ACTIONS, action_text
from msgcenter.portal.visitor import Visitor, whole_number
from msgcenter.store.audit import AuditEntry, AuditFilter

_ENTRIES = 50
_KINDS: tuple[ActorKind, ...] = get_args(ActorKind)
_OF_APPS = ("app.", "grant.", "message.", "topic.", "webhook.")


async def app_audit(portal: Portal, visitor: Visitor) -> Response:
    """Show what was changed of an app."""
    try:
        wanted = _filter(portal, visitor)._replace(app_number=visitor.the_app.app.number)
        log = await portal.audit_log.page(wanted, _ENTRIES)
    except Refusal as refusal:
        log = _nothing(visitor, refusal)
    actions = {name: said for name, said in ACTIONS.items() if name.startswith(_OF_APPS)}
    return portal.page(visitor, "app_audit.html", log=log, actions=actions)


async def audit(portal: Portal, visitor: Visitor) -> Response:
    """Show what was changed by whom."""
    try:
        log = await portal.audit_log.page(await _filter_of_all(portal, visitor), _ENTRIES)
    except Refusal as refusal:
        log = _nothing(visitor, refusal)
    return portal.page(visitor, "operator_audit.html", log=log, actions=ACTIONS)


def _nothing(visitor: Visitor, refusal: Refusal) -> ListPage[AuditEntry, int]:
    """Show beside its field what is wrong with a filter, and no entries; raise what is wrong with anything else."""
    if refusal.reason is not Reason.FIELD_MALFORMED:
        raise refusal
    visitor.error = refusal
    return ListPage([], None)


def _filter(portal: Portal, visitor: Visitor) -> AuditFilter:
    """Return which entries the address asks for. Refuses with FIELD_MALFORMED a wrong day."""
    before = whole_number(visitor.query("before"), MAX_ID)
    wanted = AuditFilter(
        actor=visitor.query("actor") or None,
        kind=next((kind for kind in _KINDS if kind == visitor.query("kind")), None),
        action=visitor.query("action") or None,
        since=portal.templates.start_of_day(visitor.query("since"), "since"),
        until=portal.templates.start_of_day(visitor.query("until"), "until", days_later=1),
    )
    return wanted if before is None else wanted._replace(before_id=before)


async def _filter_of_all(portal: Portal, visitor: Visitor) -> AuditFilter:
    wanted, app_id = _filter(portal, visitor), visitor.query("app")
    if not app_id:
        return wanted
    try:
        return wanted._replace(app_number=(await portal.apps.find(app_id)).app.number)
    except Refusal as refusal:
        if refusal.reason is Reason.APP_UNKNOWN:
            raise malformed("app", "没有此应用", "there is no app with this appId") from None
        raise


async def audit_csv(portal: Portal, visitor: Visitor) -> Response:
    """Export all entries that the filter of the page lets through."""
    wanted = await _filter_of_all(portal, visitor)
    name = f"audit-{datetime.now(portal.templates.zone):%Y-%m-%d}.csv"
    return StreamingResponse(
        _lines(portal, visitor, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _lines(portal: Portal, visitor: Visitor, wanted: AuditFilter) -> AsyncIterator[str]:
    """Give the file: with a byte order mark, by which spreadsheets know UTF-8."""
    t = visitor.text
    yield "\ufeff" + csv_line(
        t("时间", "when"),
        t("类别", "kind"),
        t("操作人", "who"),
        t("来源", "from where"),
        t("操作", "action"),
        t("说明", "what"),
        t("对象", "to what"),
        t("应用", "app"),
        t("详情", "detail"),
    )
    async for entry in portal.audit_log.entries(wanted):
        yield _line(portal, visitor, entry)


def _line(portal: Portal, visitor: Visitor, entry: AuditEntry) -> str:
    at = datetime.fromtimestamp(entry.at / 1_000, portal.templates.zone).isoformat(timespec="seconds")
    detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
    said = action_text(entry.action, visitor.language)
    who = (entry.actor.kind, entry.actor.name, entry.actor.address)
    return csv_line(at, *who, entry.action, said, entry.subject, entry.app_id or "", detail)
