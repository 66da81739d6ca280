"""A person's own account: password, second factor, sessions."""

from dataclasses import dataclass

from msgcenter.actions.portal.logins import Logins
from msgcenter.actions.portal.own_account import OwnAccount
from msgcenter.actions.portal.people import People
from msgcenter.actions.portal.second_factor import is_secret, new_enrolment
from msgcenter.domain.person import CodeError, LoginError, ThrottledError
from msgcenter.domain.refusal import Refusal, malformed
from msgcenter.portal.cookies import with_session
from msgcenter.portal.page import DUE_PAGES, Answer, View, see_other
from msgcenter.portal.page_request import PageRequest
from msgcenter.portal.pages.refusals import login_refusal, own_password_refusal


@dataclass(frozen=True)
class AccountPages:
    """Show and change the account of the person who is logged in."""

    logins: Logins
    people: People
    own_account: OwnAccount

    async def account(self, request: PageRequest) -> Answer:
        """Show password, second factor and sessions."""
        person = request.person
        record = await self.people.find(person.number)
        return View(
            "account.html",
            {
                "sessions": await self.logins.sessions(person),
                "current_digest": request.required_session.record.digest,
                "recovery_left": record.recovery_left,
                "must_have_factor": self.logins.must_have_second_factor(person),
            },
        )

    async def new_password_page(self, request: PageRequest) -> Answer:
        """Ask for a password that replaces a one-time password."""
        if request.required_session.due != "password":
            return see_other("/account")
        return View("new_password.html")

    async def change_password(self, request: PageRequest) -> Answer:
        """Change the password."""
        form, session = request.form, request.required_session
        if form["new_password"] != form["repeated_password"]:
            raise malformed("repeated_password", "两次输入不一致", "must be the same twice")
        try:
            await self.own_account.change_password(session, form["old_password"], form["new_password"], request.actor)
        except LoginError:
            raise malformed("old_password", "当前密码不正确", "is not your current password") from None
        except ThrottledError as error:
            raise login_refusal(error, "old_password") from None
        except Refusal as refusal:
            raise Refusal(refusal.reason, field="new_password", rule=refusal.data["rule"]) from None
        new_session = await self.logins.begin(session.person, request.browser)
        return with_session(see_other("/apps" if session.due else "/account", "password"), new_session)

    async def end_session(self, request: PageRequest) -> Answer:
        """End one session, or all others."""
        digest = request.form["session"]
        if digest:
            try:
                await self.logins.end_one(request.person, bytes.fromhex(digest), request.actor)
            except ValueError:
                raise malformed("session", "不存在", "is unknown") from None
        else:
            await self.logins.end_others(request.required_session, request.actor)
        return see_other("/account", "session-ended")

    async def second_factor_page(self, request: PageRequest) -> Answer:
        """Show a new secret to scan, or the one of a form that was refused. A one-time password is replaced first."""
        session = request.required_session
        if session.due == "password":
            return see_other(DUE_PAGES["password"])
        if session.person.has_second_factor:
            return see_other("/account")
        secret = request.form["secret"]
        enrolment = new_enrolment(session.person.login, secret if is_secret(secret) else None)
        return View("second_factor.html", {"enrolment": enrolment, "codes": None})

    async def add_second_factor(self, request: PageRequest) -> Answer:
        """Enable the second factor and show the recovery codes, once."""
        form, session = request.form, request.required_session
        if session.due == "password":
            return see_other(DUE_PAGES["password"])
        try:
            codes = await self.own_account.add_second_factor(
                session, form["password"], form["secret"], form["code"], request.actor
            )
        except (LoginError, ThrottledError) as error:
            raise own_password_refusal(error) from None
        new_session = await self.logins.begin(session.person, request.browser)
        return View("second_factor.html", {"enrolment": None, "codes": codes}, session=new_session)

    async def remove_second_factor(self, request: PageRequest) -> Answer:
        """Disable the second factor."""
        form, session = request.form, request.required_session
        try:
            await self.own_account.remove_second_factor(session, form["password"], form["code"], request.actor)
        except CodeError as error:
            raise login_refusal(error, "code") from None
        except (LoginError, ThrottledError) as error:
            raise own_password_refusal(error) from None
        new_session = await self.logins.begin(session.person, request.browser)
        return with_session(see_other("/account", "factor-removed"), new_session)
