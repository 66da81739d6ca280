"""For operators: people, invitations, and who can sign up."""

from dataclasses import dataclass
from typing import get_args

from msgcenter.actions.portal.operators import AccountChange, Operators
from msgcenter.actions.portal.people import People
from msgcenter.actions.portal.sign_up import SignUps
from msgcenter.domain.person import LoginError, Role, ThrottledError
from msgcenter.domain.refusal import malformed
from msgcenter.domain.search_text import folded, search_words
from msgcenter.portal.page import HOME, Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.numbers import form_number
from msgcenter.portal.pages.refusals import own_password_refusal
from msgcenter.store.portal.confirmations import ConfirmationKind

MAX_ROWS = 500


@dataclass(frozen=True)
class PeoplePages:
    """List and change people and invitations."""

    people: People
    sign_ups: SignUps
    operators: Operators

    async def list_people(self, request: PageRequest) -> Answer:
        """List the people whose name or login contains the query, and the open invitations."""
        return await self._list(request)

    async def _list(
        self, request: PageRequest, invitation: str | None = None, changed: AccountChange | None = None
    ) -> View:
        """List people. `invitation` (a link) and `changed` are the result of a form, shown once."""
        words = search_words(request.query("q")) or ""
        people = [
            record
            for record in await self.people.everyone()
            if words in folded(record.person.name) or words in folded(record.person.login)
        ]
        return View(
            "operator_people.html",
            {
                "people": people[:MAX_ROWS],
                "total": len(people),
                "invitations": await self.sign_ups.open_invitations(),
                "sign_up": await self.sign_ups.mode(),
                "invitation": invitation,
                "changed": changed,
                "form_person": request.form["person"],
                "confirmations": len(await self.operators.waiting()),
            },
        )

    async def set_sign_up(self, request: PageRequest) -> Answer:
        """Change who can sign up."""
        mode = request.form["mode"]
        await self.sign_ups.set_mode("invitation" if mode == "invitation" else "open", request.actor)
        return see_other("/operator/people", "saved")

    async def invite(self, request: PageRequest) -> Answer:
        """Create an invitation and show its link, once."""
        form = request.form
        role: Role = "operator" if form["role"] == "operator" else "developer"
        try:
            invitation = await self.sign_ups.invite(
                role, form["note"], request.required_session, form["inviter_password"], request.actor
            )
        except (LoginError, ThrottledError) as error:
            raise own_password_refusal(error, "inviter_password") from None
        return await self._list(request, f"{request.server}{HOME}/invitation/{invitation.token}")

    async def revoke_invitation(self, request: PageRequest) -> Answer:
        """Revoke an invitation."""
        await self.sign_ups.revoke_invitation(form_number(request.form, "number"), request.actor)
        return see_other("/operator/people", "revoked")

    async def change_person(self, request: PageRequest) -> Answer:
        """Change a person's role, disable or enable them, reset their password or their second factor.

        A change that needs a second operator waits for their confirmation.
        """
        form = request.form
        number, change = form_number(form, "person", "login"), form["change"]
        if change == "developer":
            await self.people.make_developer(number, request.actor)
            return see_other("/operator/people", "saved")
        if change == "disable":
            await self.people.disable(number, request.actor)
            return see_other("/operator/people", "disabled")
        if change == "enable" and not (await self.people.find(number)).person.is_operator:
            await self.people.enable(number, request.actor)
            return see_other("/operator/people", "enabled")
        kind = next((kind for kind in get_args(ConfirmationKind) if kind == change), None)
        if kind is None:
            raise malformed("change", "请选择", "must be chosen")
        try:
            changed = await self.operators.change(
                request.required_session, kind, number, form["own_password"], request.actor
            )
        except (LoginError, ThrottledError) as error:
            raise own_password_refusal(error, "own_password") from None
        if changed.secret is not None:
            return await self._list(request, changed=changed)
        return see_other("/operator/people", "waits" if changed.waits else "saved")
