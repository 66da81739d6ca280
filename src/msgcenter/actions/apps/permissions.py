"""The permissions of an app, which operators save together on one page."""

from collections.abc import Collection

from msgcenter.actions.apps.app_change import refuse_notices
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import InboxScope
from msgcenter.store.apps.platforms import platform_codes


class Permissions:
    """Saves what apps are allowed to do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transactional
    async def save(
        self,
        connection: Connection,
        app_id: str,
        *,
        live: bool,
        broadcasts: bool,
        directory: bool,
        urgent: bool,
        inbox_scope: InboxScope,
        platforms: Collection[str],
        by: Actor,
    ) -> None:
        """Save whether an app is live, can broadcast, change the directory and send urgent messages, its inbox scope
        and its other platforms.

        Each change is an entry of the audit log; no-op changes are not recorded. Refuses with APP_UNKNOWN, with
        FIELD_MALFORMED (platforms) an unknown code, or with NOT_AUTHORISED the app that sends announcements.
        """
        record = await apps.find_app(connection, app_id)
        if record is None:
            raise Refusal(Reason.APP_UNKNOWN)
        refuse_notices(record)
        unknown = set(platforms).difference(await platform_codes(connection))
        if unknown:
            raise malformed("platforms", f"没有平台{min(unknown)}", f"there is no platform {min(unknown)}")
        codes = sorted({*platforms} - {record.app.platform_code})

        async def note(action: str, **detail: object) -> None:
            number = record.app.number
            await audit.record(connection, by, action, app_id, now=now_ms(), app_number=number, **detail)

        if live is not record.app.live:
            await apps.set_live(connection, app_id, live=live)
            await note("app.live", live=live)
        if broadcasts is not record.app.broadcasts:
            await apps.set_broadcasts(connection, app_id, allowed=broadcasts)
            await note("app.broadcasts", allowed=broadcasts)
        if directory is not record.app.directory:
            await apps.set_directory(connection, app_id, allowed=directory)
            await note("app.directory", allowed=directory)
        if urgent is not record.app.urgent:
            await apps.set_urgent(connection, app_id, allowed=urgent)
            await note("app.urgent", allowed=urgent)
        if inbox_scope != record.inbox_scope:
            await apps.set_inbox_scope(connection, app_id, inbox_scope)
            await note("app.inbox", scope=inbox_scope)
        if set(codes) != set(record.app.platforms):
            await apps.set_platforms(connection, app_id, codes)
            await note("app.platforms", platforms=codes)
