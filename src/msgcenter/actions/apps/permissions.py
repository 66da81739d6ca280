"""What an app may do, as operators set it on one page: all of it together, or none of it."""

from collections.abc import Collection

from msgcenter.database.database import Connection, Database
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.apps.apps import InboxScope
from msgcenter.store.apps.platforms import platform_codes


class Permissions:
    """Sets what apps may do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self,
        app_id: str,
        *,
        live: bool,
        broadcasts: bool,
        inbox_scope: InboxScope,
        platforms: Collection[str],
        by: Actor,
    ) -> None:
        """Set whether an app is live, may send to everyone, what its inboxes show, and its platforms besides its own.

        Each change is an entry of the audit log; what is so already is none. Refuses with APP_UNKNOWN, with
        FIELD_MALFORMED (platforms) a code that no platform has, or NOT_AUTHORISED to change the app of announcements.
        """

        async def write(connection: Connection) -> None:
            record = await apps.find_app(connection, app_id)
            if record is None:
                raise Refusal(Reason.APP_UNKNOWN)
            if record.app.notices:
                raise Refusal(
                    Reason.NOT_AUTHORISED,
                    rule=Phrase("平台公告由系统发送,不能更改", "the platform's announcements have no settings"),
                )
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
            if inbox_scope != record.inbox_scope:
                await apps.set_inbox_scope(connection, app_id, inbox_scope)
                await note("app.inbox", scope=inbox_scope)
            if set(codes) != record.app.platforms:
                await apps.set_platforms(connection, app_id, codes)
                await note("app.platforms", platforms=codes)

        await self._database.in_transaction(write)
