"""Single changes of the directory by operators: a membership begins or ends, a user is disabled or enabled."""

import msgspec

from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.account import Platform
from msgcenter.domain.directory import FormerMembership, Membership, UserChange
from msgcenter.domain.identifiers import RoleCode, is_user_id, user_id_refusal
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.messaging.directory.change_members import ChangedMembers, add_members, remove_members
from msgcenter.messaging.directory.change_users import change_users
from msgcenter.store import audit


class DirectoryEdits:
    """Changes one thing at a time. Each change is an entry of the audit log; no-op changes are not recorded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transactional
    async def add_member(self, connection: Connection, platform: Platform, member: Membership, by: Actor) -> None:
        """Begin a membership. A user who is not in the directory is added without a name.

        Refuses with FIELD_MALFORMED (user, role) or ORGANISATION_UNKNOWN.
        """
        if not is_user_id(member.user_id):
            raise user_id_refusal("user")
        try:
            msgspec.convert(member.role, RoleCode)
        except msgspec.ValidationError:
            raise malformed("role", "须为1–16个字母、数字、_或-", "must be 1-16 letters, digits, _ or -") from None
        changed = await add_members(connection, platform, [member])
        await _record(connection, platform, member, changed, by)

    @transactional
    async def remove_member(self, connection: Connection, platform: Platform, member: Membership, by: Actor) -> None:
        """End a membership; the user keeps what came before. Refuses with ORGANISATION_UNKNOWN."""
        changed = await remove_members(connection, platform, [FormerMembership(*member)])
        await _record(connection, platform, member, changed, by)

    @transactional
    async def set_disabled(
        self, connection: Connection, platform: Platform, user_id: str, *, disabled: bool, by: Actor
    ) -> None:
        """Disable a user of the directory, whom messages to organisations do not reach then, or enable one."""
        if await change_users(connection, platform, [UserChange(user_id, disabled=disabled)]):
            await audit.record(
                connection, by, "directory.users", platform.code, now=now_ms(), user=user_id, disabled=disabled
            )


async def _record(
    connection: Connection, platform: Platform, member: Membership, changed: ChangedMembers, by: Actor
) -> None:
    if changed.unknown_orgs:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=member.org_id)
    if changed.changed:
        await audit.record(
            connection,
            by,
            "directory.members",
            platform.code,
            now=now_ms(),
            changed=changed.changed,
            organisation=member.org_id,
            user=member.user_id,
            role=member.role,
        )
