"""For operators: the requests of developers, and the confirmations that other operators ask for."""

from dataclasses import dataclass

from msgcenter.actions.apps.team import Team
from msgcenter.actions.portal.announcement_views import AnnouncementViews
from msgcenter.actions.portal.operators import Operators, may_confirm
from msgcenter.domain.person import LoginError, ThrottledError
from msgcenter.portal.page import Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.numbers import form_number
from msgcenter.portal.pages.refusals import own_password_refusal


@dataclass(frozen=True)
class RequestPages:
    """Decide on requests and confirmations."""

    team: Team
    operators: Operators
    announcements: AnnouncementViews

    async def start(self, _: PageRequest) -> Answer:
        """Lead to the first of the operators' pages."""
        return see_other("/operator/requests")

    async def list_requests(self, _: PageRequest) -> Answer:
        """List the pending requests of developers."""
        return View(
            "operator_requests.html",
            {
                "requests": await self.team.open_requests(),
                "announcements": await self.announcements.waiting(),
                "confirmations": len(await self.operators.waiting()),
            },
        )

    async def decide(self, request: PageRequest) -> Answer:
        """Grant or refuse a request."""
        form = request.form
        granted = form["granted"] == "1"
        await self.team.decide(
            form_number(form, "number"),
            granted=granted,
            answer=form["answer"],
            person=request.person,
            by=request.actor,
            seen_name=form["seen_name"],
        )
        return see_other("/operator/requests", "granted" if granted else "refused")

    async def list_confirmations(self, request: PageRequest) -> Answer:
        """List the changes that another operator has to confirm."""
        return await self._confirmations(request)

    async def _confirmations(self, request: PageRequest, half: str | None = None) -> View:
        """List confirmations. `half` of a one-time password is the result of a form, shown once."""
        waiting = [
            (confirmation, may_confirm(confirmation, request.person)) for confirmation in await self.operators.waiting()
        ]
        return View("operator_confirmations.html", {"waiting": waiting, "half": half})

    async def decide_confirmation(self, request: PageRequest) -> Answer:
        """Confirm or refuse a change."""
        form = request.form
        number = form_number(form, "number")
        if form["confirmed"] != "1":
            await self.operators.refuse(number, request.person, request.actor)
            return see_other("/operator/confirmations", "refused")
        try:
            half = await self.operators.confirm(request.required_session, number, form["own_password"], request.actor)
        except (LoginError, ThrottledError) as error:
            raise own_password_refusal(error, "own_password") from None
        if half is not None:
            return await self._confirmations(request, half)
        return see_other("/operator/confirmations", "confirmed")
