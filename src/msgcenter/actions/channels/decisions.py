"""What operators decide about channels: message types, policies of apps, settings of platforms.

Sends see a change within seconds (`messaging.channels.rules`). Each change is in the audit log of `by`.
"""

from msgcenter.actions.apps.platforms import check_platform
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.channels.decisions import MessageType, Settings, check_choice, check_settings, check_type
from msgcenter.domain.channels.policy import Choice
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps.apps import AppRecord, find_app
from msgcenter.store.channels import decisions
from msgcenter.store.channels.decisions import AppPolicy


class ChannelDecisions:
    """The decisions of platforms. Each call raises UnknownPlatformError for an unknown platform."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Message types ---------------------------------------------------------------------------------

    async def types(self, platform_code: str) -> list[MessageType]:
        """Return the message types of a platform, those that were archived last."""
        await check_platform(self._database, platform_code)
        async with self._database.connection() as connection:
            return await decisions.list_types(connection, platform_code)

    async def save_type(self, platform_code: str, kind: MessageType, *, by: Actor, is_new: bool | None = None) -> None:
        """Add a message type or change it; if it was archived, apps can use it again.

        With `is_new`, it must not exist or must exist. Refuses with FIELD_MALFORMED.
        """
        check_type(kind)
        await check_platform(self._database, platform_code)
        await self._save_type(platform_code, kind._replace(archived_at=None), is_new=is_new, by=by)

    @transactional
    async def _save_type(
        self, connection: Connection, platform_code: str, kind: MessageType, *, is_new: bool | None, by: Actor
    ) -> None:
        types = {each.code: each for each in await decisions.list_types(connection, platform_code)}
        if is_new is not None and is_new is (kind.code in types):
            raise malformed("code", "已存在", "is taken") if is_new else _unknown_type("code", kind.code)
        if types.get(kind.code) == kind:
            return
        now = now_ms()
        await decisions.save_type(connection, platform_code, kind, now)
        await audit.record(
            connection,
            by,
            "channel.type",
            f"{platform_code}/{kind.code}",
            now=now,
            app_number=None,
            name=f"{kind.name_zh} / {kind.name_en}",
            urgency=kind.urgency.name.lower(),
            mandatory=kind.mandatory,
            **_choice_detail(kind.choice),
        )

    @transactional
    async def archive_type(self, connection: Connection, platform_code: str, code: str, *, by: Actor) -> None:
        """Archive a message type: apps can no longer use it. Refuses with FIELD_MALFORMED (code) an unknown one."""
        types = {each.code: each for each in await decisions.list_types(connection, platform_code)}
        if code not in types:
            raise _unknown_type("code", code)
        if types[code].archived_at is None:
            now = now_ms()
            await decisions.save_type(connection, platform_code, types[code]._replace(archived_at=now), now)
            await audit.record(connection, by, "channel.type.archive", f"{platform_code}/{code}", now=now)

    # --- Policies of apps ------------------------------------------------------------------------------

    async def policies(self, platform_code: str) -> list[AppPolicy]:
        """Return what apps of a platform do otherwise."""
        await check_platform(self._database, platform_code)
        async with self._database.connection() as connection:
            return await decisions.list_policies(connection, platform_code)

    @transactional
    async def set_policy(
        self, connection: Connection, platform_code: str, app_id: str, type_code: str, choice: Choice, *, by: Actor
    ) -> None:
        """Set what an app does otherwise, for one type or, with "", for all its messages.

        Refuses with FIELD_MALFORMED an unknown app (app), one that is not on the platform (app), an unknown type
        (type), or a policy that says nothing (channels).
        """
        check_choice(choice)
        if choice == Choice():
            raise malformed("channels", "渠道和延迟至少填一项", "and delay: at least one of them must be given")
        record = await _app_on(connection, platform_code, app_id)
        if type_code and type_code not in {each.code for each in await decisions.list_types(connection, platform_code)}:
            raise _unknown_type("type", type_code)
        await decisions.save_policy(connection, platform_code, record.app.number, type_code, choice)
        detail = _policy_detail(platform_code, type_code) | _choice_detail(choice)
        number = record.app.number
        await audit.record(connection, by, "channel.policy", app_id, now=now_ms(), app_number=number, **detail)

    @transactional
    async def remove_policy(
        self, connection: Connection, platform_code: str, app_id: str, type_code: str, *, by: Actor
    ) -> bool:
        """Let an app follow the types and the platform again; return whether it did otherwise.

        Refuses with FIELD_MALFORMED an unknown app (app) or one that is not on the platform.
        """
        record = await _app_on(connection, platform_code, app_id)
        removed = await decisions.remove_policy(connection, platform_code, record.app.number, type_code)
        if removed:
            detail, number = _policy_detail(platform_code, type_code), record.app.number
            await audit.record(
                connection, by, "channel.policy.remove", app_id, now=now_ms(), app_number=number, **detail
            )
        return removed

    # --- Settings of platforms -------------------------------------------------------------------------

    async def settings(self, platform_code: str) -> Settings:
        """Return what a platform has decided."""
        await check_platform(self._database, platform_code)
        async with self._database.connection() as connection:
            return await decisions.find_settings(connection, platform_code)

    async def save_settings(self, platform_code: str, settings: Settings, *, by: Actor) -> None:
        """Save what a platform decides. Refuses with FIELD_MALFORMED."""
        check_settings(settings)
        await check_platform(self._database, platform_code)
        await self._save_settings(platform_code, settings, by=by)

    @transactional
    async def _save_settings(
        self, connection: Connection, platform_code: str, settings: Settings, *, by: Actor
    ) -> None:
        before = await decisions.find_settings(connection, platform_code)
        if before == settings:
            return
        await decisions.save_settings(connection, platform_code, settings)
        changed: dict[str, object] = {
            name: str(value) if name == "quiet_hours" else value
            for name, value in settings._asdict().items()
            if value != getattr(before, name)
        }
        await audit.record(connection, by, "channel.settings", platform_code, now=now_ms(), app_number=None, **changed)


async def _app_on(connection: Connection, platform_code: str, app_id: str) -> AppRecord:
    record = await find_app(connection, app_id)
    if record is None:
        raise malformed("app", "没有此应用", "there is no app with this appId")
    if platform_code != record.app.platform_code and platform_code not in record.app.platforms:
        raise malformed("app", f"应用未获平台{platform_code}授权", f"the app is not on platform {platform_code}")
    return record


def _unknown_type(field: str, code: str) -> Refusal:
    return malformed(field, f"没有消息类型{code[:32]}", f"there is no message type {code[:32]}")


def _policy_detail(platform_code: str, type_code: str) -> dict[str, object]:
    return {"platform": platform_code, "type": type_code} if type_code else {"platform": platform_code}


def _choice_detail(choice: Choice) -> dict[str, object]:
    return {
        name: value
        for name, value in (("channels", choice.channels), ("delay_minutes", choice.delay_minutes))
        if value is not None
    }
