"""Which organisations and roles apps may address; operators decide it."""

from collections.abc import Sequence

import msgspec

from msgcenter.actions.apps.app_change import refuse_notices
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import App
from msgcenter.domain.directory import MAX_ROLES
from msgcenter.domain.identifiers import RoleCode
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.apps import apps
from msgcenter.store.directory import grant_changes, orgs
from msgcenter.store.directory.grant_changes import OrgGrant


class AddressingGrants:
    """Grants apps to address organisations with all below them. Every call refuses with APP_UNKNOWN.

    No-op changes are not in the audit log.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def granted(self, app_id: str) -> list[OrgGrant]:
        """Return what an app may address."""
        async with self._database.connection() as connection:
            return await grant_changes.list_grants(connection, (await _find_app(connection, app_id)).number)

    async def grant(
        self, app_id: str, org_id: str, roles: Sequence[str] | None, *, platform_code: str | None, by: Actor
    ) -> None:
        """Let an app address members with these roles, None for all members. They replace those of an earlier grant.

        Refuses with NOT_AUTHORISED (platform), ORGANISATION_UNKNOWN, or FIELD_MALFORMED (roles).
        """
        for role in roles or ():
            _check_role(role)
        codes = None if roles is None else sorted(set(roles))
        if codes is not None and not 1 <= len(codes) <= MAX_ROLES:
            raise malformed("roles", f"须为1–{MAX_ROLES}个", f"must be 1-{MAX_ROLES} roles")
        await self._grant(app_id, org_id, codes, platform_code=platform_code, by=by)

    @transactional
    async def _grant(
        self,
        connection: Connection,
        app_id: str,
        org_id: str,
        roles: list[str] | None,
        *,
        platform_code: str | None,
        by: Actor,
    ) -> None:
        app = await _find_app(connection, app_id)
        number = await _find_org(connection, app, platform_code, org_id)
        if await grant_changes.write(connection, app.number, number, roles):
            detail = {"organisation": org_id, "roles": roles or []}
            await audit.record(connection, by, "app.grant", app_id, now=now_ms(), app_number=app.number, **detail)

    @transactional
    async def revoke(
        self, connection: Connection, app_id: str, org_id: str, *, platform_code: str | None, by: Actor
    ) -> None:
        """Take a grant back. Refuses with NOT_AUTHORISED (platform) or ORGANISATION_UNKNOWN."""
        app = await _find_app(connection, app_id)
        number = await _find_org(connection, app, platform_code, org_id)
        if await grant_changes.remove(connection, app.number, number):
            await audit.record(
                connection, by, "app.revoke", app_id, now=now_ms(), app_number=app.number, organisation=org_id
            )


async def _find_app(connection: Connection, app_id: str) -> App:
    record = await apps.find_app(connection, app_id)
    if record is None:
        raise Refusal(Reason.APP_UNKNOWN)
    refuse_notices(record)
    return record.app


async def _find_org(connection: Connection, app: App, platform_code: str | None, org_id: str) -> int:
    platform = app.platform_for(platform_code)
    row = await orgs.find(connection, platform.code, org_id)
    if row is None:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=org_id)
    return row.number


def _check_role(role: str) -> None:
    try:
        msgspec.convert(role, RoleCode)
    except msgspec.ValidationError:
        raise malformed("roles", "须为1–16个字母、数字、_或-", "must be 1-16 letters, digits, _ or -") from None
