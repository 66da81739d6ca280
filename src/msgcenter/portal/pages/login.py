"""Logging in and out, and signing up."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from msgcenter.actions.portal.logins import Logins, NewSession
from msgcenter.actions.portal.sign_up import SignUps
from msgcenter.domain.language import Phrase
from msgcenter.domain.person import LoginError, SecondFactorNeededError, ThrottledError, TicketError
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.portal.cookies import SESSION_COOKIE, with_session
from msgcenter.portal.page import HOME, Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.refusals import login_refusal


@dataclass(frozen=True)
class LoginPages:
    """Begin and end sessions, and create accounts."""

    logins: Logins
    sign_ups: SignUps

    async def login_page(self, request: PageRequest) -> Answer:
        """Ask for login and password."""
        if request.session is not None:
            return see_other("/apps")
        is_open = await self.sign_ups.mode() == "open"
        return View("login.html", {"sign_up": is_open}, has_public_form=True)

    async def login(self, request: PageRequest) -> Answer:
        """Begin a session, or ask for the second factor."""
        form = request.form
        try:
            session = await self.logins.login(form["login"], form["password"], request.browser)
        except SecondFactorNeededError as needed:
            return View("second_step.html", {"ticket": needed.ticket}, has_public_form=True)
        except (LoginError, ThrottledError) as error:
            raise login_refusal(error) from None
        return _logged_in(request, session)

    async def second_step(self, request: PageRequest) -> Answer:
        """Begin a session with a code of the second factor."""
        ticket = request.form["ticket"]
        try:
            session = await self.logins.second_step(ticket, request.form["code"], request.browser)
        except TicketError:
            rule = Phrase("登录已超时,请重新登录", "That took too long: log in again")
            raise Refusal(Reason.NOT_AUTHORISED, rule=rule) from None
        except (LoginError, ThrottledError) as error:
            refusal = login_refusal(error, "code")
            return View("second_step.html", {"ticket": ticket}, error=refusal, has_public_form=True)
        return _logged_in(request, session)

    async def logout(self, request: PageRequest) -> Answer:
        """End the session."""
        if request.session is not None:
            await self.logins.end(request.session, request.actor)
        response = see_other("/login", "logged-out")
        response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True)
        return response

    async def sign_up_page(self, request: PageRequest) -> Answer:
        """Ask for name, login and password of a new account."""
        invitation = _invitation(request)
        role = await self.sign_ups.invitation_role(invitation) if invitation else None
        is_open = role is not None or (invitation is None and await self.sign_ups.mode() == "open")
        values = {"is_open": is_open, "role": role, "invitation": invitation}
        return View("sign_up.html", values, 200 if is_open else 403, has_public_form=True)

    async def sign_up(self, request: PageRequest) -> Answer:
        """Create an account and log in."""
        form = request.form
        try:
            await self.logins.count_sign_up(request.address)
        except ThrottledError as error:
            raise login_refusal(error) from None
        person = await self.sign_ups.sign_up(
            form["login"],
            form["name"],
            form["password"],
            invitation=_invitation(request),
            address=request.address,
        )
        return _logged_in(request, await self.logins.begin(person, request.browser), "welcome")


def _invitation(request: PageRequest) -> str | None:
    return request.http.path_params.get("invitation")


def _logged_in(request: PageRequest, session: NewSession, done: str = "") -> Response:
    """Lead to the page that was opened before the login, or to the apps."""
    target = request.cookies.get("next", "")
    # Only a path of the portal itself: "//elsewhere" would be another site's.
    is_ours = target.startswith(f"{HOME}/") and "\\" not in target and not done
    response = RedirectResponse(target, 303) if is_ours else see_other("/apps", done)
    response.delete_cookie("next", path=request.root + HOME)
    return with_session(response, session)
