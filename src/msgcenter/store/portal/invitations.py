"""Invitations to sign up at the portal. An invitation ends when its maker is no longer an operator who may log in."""

from typing import NamedTuple

from msgcenter.database.database import Connection
from msgcenter.domain.person import Role


class Invitation(NamedTuple):
    """An open invitation. Times are ms since 1970; `created_by` is a login."""

    number: int
    role: Role
    note: str
    created_at: int
    expires_at: int
    created_by: str


_FROM = "from invitation join person as maker on maker.number = invitation.created_by"
_IS_OPEN = """
    invitation.used_at is null
    and invitation.revoked_at is null
    and maker.role = 'operator'
    and maker.disabled_at is null
"""


async def insert_invitation(
    connection: Connection, digest: bytes, *, role: Role, note: str, created_by: int, now: int, expires_at: int
) -> None:
    """Add an invitation; `digest` is the hash of its code. Times are ms since 1970."""
    await connection.execute(
        """
        insert into invitation (digest, role, note, created_by, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        digest,
        role,
        note,
        created_by,
        now,
        expires_at,
    )


async def open_invitation(connection: Connection, digest: bytes, now: int) -> Role | None:
    """Return the role of an open invitation; None if it is unknown, used, revoked or expired."""
    role: Role | None = await connection.fetchval(
        f"select invitation.role {_FROM} where invitation.digest = $1 and {_IS_OPEN} and invitation.expires_at > $2",
        digest,
        now,
    )
    return role


async def open_invitations(connection: Connection, now: int) -> list[Invitation]:
    """Return up to 200 open invitations, the newest first."""
    rows = await connection.fetch(
        f"""
        select invitation.number, invitation.role, invitation.note, invitation.created_at, invitation.expires_at,
            maker.login
        {_FROM}
        where {_IS_OPEN} and invitation.expires_at > $1
        order by invitation.created_at desc
        limit 200
        """,
        now,
    )
    return [Invitation(*row) for row in rows]


async def use_invitation(connection: Connection, digest: bytes, now: int) -> tuple[Role, int] | None:
    """Use up an open invitation; return its role and the number of its maker, or None if there is none."""
    row = await connection.fetchrow(
        f"""
        update invitation
        set used_at = $2
        from person as maker
        where maker.number = invitation.created_by
            and invitation.digest = $1
            and {_IS_OPEN}
            and invitation.expires_at > $2
        returning invitation.role, invitation.created_by
        """,
        digest,
        now,
    )
    return None if row is None else (row["role"], row["created_by"])


async def revoke_invitation(connection: Connection, number: int, now: int) -> Role | None:
    """Revoke an open invitation; return its role, or None if there is none."""
    role: Role | None = await connection.fetchval(
        f"""
        update invitation
        set revoked_at = $2
        from person as maker
        where maker.number = invitation.created_by
            and invitation.number = $1
            and {_IS_OPEN}
            and invitation.expires_at > $2
        returning invitation.role
        """,
        number,
        now,
    )
    return role


async def revoke_invitations_of(connection: Connection, person_number: int, now: int) -> None:
    """Revoke all unused invitations of a person."""
    await connection.execute(
        "update invitation set revoked_at = $2 where created_by = $1 and used_at is null and revoked_at is null",
        person_number,
        now,
    )
