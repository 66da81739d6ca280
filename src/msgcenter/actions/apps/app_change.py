"""One change of one app, with its entry in the audit log."""

from collections.abc import Awaitable, Callable, Mapping

from msgcenter.database.database import Connection, Database
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import AppRecord

Write = Callable[[Connection], Awaitable[object]]
"""Writes the change in the caller's transaction."""


async def change_app(
    database: Database, app_id: str, by: Actor, action: str, write: Write, **detail: object
) -> AppRecord:
    """Change an app and write `action` to the audit log, both or neither; return the app after the change.

    No-op changes are not recorded. Refuses with APP_UNKNOWN, or with NOT_AUTHORISED for the app that sends a platform's
    announcements.
    """
    return await database.in_transaction(_change, app_id, write, by=by, action=action, detail=detail)


async def _change(
    connection: Connection, app_id: str, write: Write, *, by: Actor, action: str, detail: Mapping[str, object]
) -> AppRecord:
    before = await apps.find_app(connection, app_id)
    await write(connection)
    record = await apps.find_app(connection, app_id)
    if record is None:
        raise Refusal(Reason.APP_UNKNOWN)
    refuse_notices(record)
    if record != before:
        number = record.app.number
        await audit.record(connection, by, action, app_id, now=now_ms(), app_number=number, **detail)
    return record


def refuse_notices(record: AppRecord) -> None:
    """Refuse with NOT_AUTHORISED the app that sends a platform's announcements: it has no key and no settings."""
    if record.app.notices:
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase("平台公告由系统发送,没有密钥,不能更改", "the platform's announcements: no key, no settings"),
        )
