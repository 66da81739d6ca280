"""Signing up: who can, and invitations."""

from typing import Literal, NamedTuple

from msgcenter.actions.apps.key_ring import KeyRing, new_token, token_digest
from msgcenter.actions.portal.logins import ActiveSession
from msgcenter.actions.portal.new_account import NewAccount, insert_account, new_account
from msgcenter.actions.portal.operators import ask, check_confirmers
from msgcenter.actions.portal.proof import prove
from msgcenter.database.database import Connection, Database, transactional
from msgcenter.domain.language import Phrase
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.person import Actor, Person, Role, checked_login
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.store import audit
from msgcenter.store.portal import invitations
from msgcenter.store.portal.invitations import Invitation
from msgcenter.store.portal.settings import portal_setting, set_portal_setting

SignUpMode = Literal["open", "invitation"]
_SETTING = "sign_up"
INVITATION_MS = 7 * 86_400_000
_MAX_NOTE = 200


class NewInvitation(NamedTuple):
    """A new invitation: the secret part of its link, and when it expires (ms since 1970)."""

    token: str
    expires_at: int


class SignUps:
    """Creates accounts for people who sign up, and the invitations that this may require."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def sign_up(self, login: str, name: str, password: str, *, invitation: str | None, address: str) -> Person:
        """Create a developer. If they are invited as an operator, another operator than the inviter has to confirm it.

        Refuses with FIELD_MALFORMED as `new_account` does or a login that is taken, or with NOT_AUTHORISED if an
        invitation is required or `invitation` is not valid.
        """
        if invitation is None and await self.mode() != "open":
            raise _no_invitation()
        by = Actor("person", checked_login(login), address)
        return await self._insert(await new_account(login, name, password, "developer"), invitation, by)

    @transactional
    async def _insert(self, connection: Connection, account: NewAccount, invitation: str | None, by: Actor) -> Person:
        now = now_ms()
        if invitation is None:
            return await insert_account(connection, account, by=by, now=now)
        used = await invitations.use_invitation(connection, token_digest(invitation), now)
        if used is None:
            raise _no_invitation()
        role, inviter = used
        person = await insert_account(connection, account, by=by, now=now)
        if role == "operator":
            await ask(connection, "operator", person, asked_by=inviter, by=by, now=now)
        return person

    async def mode(self) -> SignUpMode:
        """Return who can sign up: everybody ("open"), or people with an invitation."""
        async with self._database.connection() as connection:
            return "invitation" if await portal_setting(connection, _SETTING) == "invitation" else "open"

    @transactional
    async def set_mode(self, connection: Connection, mode: SignUpMode, by: Actor) -> None:
        """Change who can sign up."""
        if await portal_setting(connection, _SETTING) == mode:
            return
        await set_portal_setting(connection, _SETTING, mode)
        await audit.record(connection, by, "portal.sign_up", mode, now=now_ms())

    # --- Invitations ------------------------------------------------------------------------------------------------

    async def invite(self, role: Role, note: str, session: ActiveSession, password: str, by: Actor) -> NewInvitation:
        """Create an invitation for one sign-up within a week; `note` is for operators, cut to 200 characters.

        It ends when its inviter stops being an operator. An invitation as an operator requires the inviter's own
        `password`: raises LoginError if it is wrong, ThrottledError after ten wrong ones. Refuses with NOT_AUTHORISED
        if no other operator could confirm.
        """
        if role == "operator":
            await prove(self._database, self._keys, session, password)
        invitation = NewInvitation(new_token(), now_ms() + INVITATION_MS)
        await self._insert_invitation(invitation, role, note.strip()[:_MAX_NOTE], inviter=session.person.number, by=by)
        return invitation

    @transactional
    async def _insert_invitation(
        self, connection: Connection, invitation: NewInvitation, role: Role, note: str, *, inviter: int, by: Actor
    ) -> None:
        now = now_ms()
        if role == "operator":
            await check_confirmers(connection, inviter)
        await invitations.insert_invitation(
            connection,
            token_digest(invitation.token),
            role=role,
            note=note,
            created_by=inviter,
            now=now,
            expires_at=invitation.expires_at,
        )
        await audit.record(connection, by, "invitation.create", role, now=now, note=note)

    @transactional
    async def revoke_invitation(self, connection: Connection, number: int, by: Actor) -> None:
        """Revoke an open invitation. Refuses with FIELD_MALFORMED (number) any other."""
        now = now_ms()
        role = await invitations.revoke_invitation(connection, number, now)
        if role is None:
            raise malformed("number", "邀请不存在、已使用或已失效", "is not an open invitation any more")
        await audit.record(connection, by, "invitation.revoke", role, now=now)

    async def invitation_role(self, token: str) -> Role | None:
        """Return the role of an open invitation; None if it is not valid."""
        async with self._database.connection() as connection:
            return await invitations.open_invitation(connection, token_digest(token), now_ms())

    async def open_invitations(self) -> list[Invitation]:
        """Return the invitations that can still be used."""
        async with self._database.connection() as connection:
            return await invitations.open_invitations(connection, now_ms())


def _no_invitation() -> Refusal:
    return Refusal(
        Reason.NOT_AUTHORISED,
        rule=Phrase("邀请链接无效、已使用或已过期", "the invitation is invalid, already used or expired"),
    )
