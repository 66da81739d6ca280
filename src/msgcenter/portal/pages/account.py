"""Signing up, logging in, and one's own account."""

from starlette.responses import RedirectResponse, Response

from msgcenter.actions.portal.logins import NewSession
from msgcenter.actions.portal.second_factor import is_secret, new_enrolment
from msgcenter.domain.language import Phrase
from msgcenter.domain.person import (
    CodeError,
    LoginError,
    OneTimePasswordError,
    SecondFactorNeededError,
    ThrottledError,
    TicketError,
)
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.portal.portal import DUE_PAGES, HOME, SESSION_SECONDS, Portal, csrf_of, see_other, set_secret
from msgcenter.portal.visitor import DEVICE_COOKIE, SESSION_COOKIE, Visitor, csrf_token

_YEAR = 365 * 86_400


async def login_page(portal: Portal, visitor: Visitor) -> Response:
    """Ask for login and password."""
    if visitor.visit is not None:
        return see_other("/apps")
    return portal.page(
        visitor, "login.html", csrf=csrf_of(portal, visitor), sign_up=await portal.people.sign_up_mode() == "open"
    )


async def login(portal: Portal, visitor: Visitor) -> Response:
    """Begin a session, or ask for the second factor."""
    form = visitor.form
    try:
        begun = await portal.logins.login(form["login"], form["password"], visitor.browser)
    except SecondFactorNeededError as needed:
        return portal.page(visitor, "second_step.html", csrf=csrf_of(portal, visitor), ticket=needed.ticket)
    except (LoginError, ThrottledError) as error:
        raise _as_refusal(error) from None
    return _begun(visitor, begun)


async def second_step(portal: Portal, visitor: Visitor) -> Response:
    """Begin a session with a code of the second factor."""
    try:
        begun = await portal.logins.second_step(visitor.form["ticket"], visitor.form["code"], visitor.browser)
    except TicketError:
        said = Phrase("登录已超时,请重新登录", "That took too long: log in again")
        raise Refusal(Reason.NOT_AUTHORISED, rule=said) from None
    except (LoginError, ThrottledError) as error:
        visitor.error = _as_refusal(error, "code")
        return portal.page(visitor, "second_step.html", csrf=csrf_of(portal, visitor), ticket=visitor.form["ticket"])
    return _begun(visitor, begun)


def _begun(visitor: Visitor, begun: NewSession, path: str = "/apps", done: str = "") -> Response:
    wanted = visitor.cookies.get("next", "")
    # Only a path of the portal itself: "//elsewhere" would be another site's.
    is_ours = wanted.startswith(f"{HOME}/") and "\\" not in wanted and not done
    response = RedirectResponse(wanted, 303) if is_ours else see_other(path, done)
    response.delete_cookie("next", path=visitor.root + HOME)
    return _with_session(response, begun)


def _with_session(response: Response, begun: NewSession) -> Response:
    set_secret(response, SESSION_COOKIE, begun.token, SESSION_SECONDS)
    set_secret(response, DEVICE_COOKIE, begun.device, _YEAR)
    return response


def _as_refusal(error: LoginError | ThrottledError, field: str = "password") -> Refusal:
    if isinstance(error, ThrottledError):
        minutes = -(-error.seconds // 60)
        rule = Phrase(f"尝试过多,请{minutes}分钟后再试", f"too many attempts, try again in {minutes} minutes")
        return Refusal(Reason.NOT_AUTHORISED, rule=rule, field=field)
    if isinstance(error, OneTimePasswordError):
        said = Phrase("一次性密码已过期,请重新申请重置", "This one-time password has ended: ask for another reset")
    elif field == "code":
        said = Phrase("验证码不正确或已使用", "The code is wrong or was used before")
    else:
        said = Phrase("邮箱或密码不正确", "The e-mail address or the password is wrong")
    return Refusal(Reason.NOT_AUTHORISED, rule=said, field=field)


async def logout(portal: Portal, visitor: Visitor) -> Response:
    """End the session."""
    if visitor.visit is not None:
        await portal.logins.end(visitor.visit, visitor.actor)
    response = see_other("/login", "logged-out")
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True)
    return response


# --- Signing up -----------------------------------------------------------------------------------------------------


async def sign_up_page(portal: Portal, visitor: Visitor) -> Response:
    """Ask for what an account needs."""
    invitation = visitor.request.path_params.get("invitation")
    role = await portal.people.invitation_role(invitation) if invitation else None
    is_open = role is not None or (invitation is None and await portal.people.sign_up_mode() == "open")
    return portal.page(
        visitor,
        "sign_up.html",
        200 if is_open else 403,
        csrf=csrf_of(portal, visitor),
        is_open=is_open,
        role=role,
        invitation=invitation,
    )


async def sign_up(portal: Portal, visitor: Visitor) -> Response:
    """Make an account and log in."""
    form = visitor.form
    try:
        await portal.logins.count_sign_up(visitor.address)
    except ThrottledError as error:
        raise _as_refusal(error) from None
    person = await portal.people.sign_up(
        form["login"],
        form["name"],
        form["password"],
        invitation=visitor.request.path_params.get("invitation"),
        address=visitor.address,
    )
    return _begun(visitor, await portal.logins.begin(person, visitor.browser), "/apps", "welcome")


# --- One's own account ----------------------------------------------------------------------------------------------


async def account(portal: Portal, visitor: Visitor) -> Response:
    """Show password, second factor and sessions."""
    record = await portal.people.find(visitor.person.number)
    assert visitor.visit is not None
    return portal.page(
        visitor,
        "account.html",
        sessions=await portal.logins.sessions(visitor.person),
        here=visitor.visit.record.digest,
        recovery_left=record.recovery_left,
        must_have_factor=portal.logins.must_have_second_factor(visitor.person),
    )


async def new_password_page(portal: Portal, visitor: Visitor) -> Response:
    """Ask for a password instead of a one-time password."""
    assert visitor.visit is not None
    if visitor.visit.due != "password":
        return see_other("/account")
    return portal.page(visitor, "new_password.html")


async def change_password(portal: Portal, visitor: Visitor) -> Response:
    """Change the password."""
    assert visitor.visit is not None
    form = visitor.form
    if form["new_password"] != form["repeated_password"]:
        raise malformed("repeated_password", "两次输入不一致", "must be the same twice")
    try:
        await portal.people.change_password(visitor.visit, form["old_password"], form["new_password"], visitor.actor)
    except LoginError:
        raise malformed("old_password", "当前密码不正确", "is not your present password") from None
    except ThrottledError as error:
        raise _as_refusal(error, "old_password") from None
    except Refusal as refusal:
        raise Refusal(refusal.reason, field="new_password", rule=refusal.data["rule"]) from None
    begun = await portal.logins.begin(visitor.person, visitor.browser)
    return _with_session(see_other("/apps" if visitor.visit.due else "/account", "password"), begun)


async def end_session(portal: Portal, visitor: Visitor) -> Response:
    """End one session, or all others."""
    assert visitor.visit is not None
    digest = visitor.form["session"]
    if digest:
        try:
            await portal.logins.end_one(visitor.person, bytes.fromhex(digest), visitor.actor)
        except ValueError:
            raise malformed("session", "不存在", "is unknown") from None
    else:
        await portal.logins.end_others(visitor.visit, visitor.actor)
    return see_other("/account", "session-ended")


async def second_factor_page(portal: Portal, visitor: Visitor) -> Response:
    """Show a new secret to scan; a one-time password is changed first."""
    assert visitor.visit is not None
    if visitor.visit.due == "password":
        return see_other(DUE_PAGES["password"])
    if visitor.person.has_second_factor:
        return see_other("/account")
    typed = visitor.form["secret"]
    enrolment = new_enrolment(visitor.person.login, typed if is_secret(typed) else None)
    return portal.page(visitor, "second_factor.html", enrolment=enrolment, codes=None)


async def add_second_factor(portal: Portal, visitor: Visitor) -> Response:
    """Begin to ask for codes; show the recovery codes, once."""
    assert visitor.visit is not None
    if visitor.visit.due == "password":
        return see_other(DUE_PAGES["password"])
    form = visitor.form
    try:
        codes = await portal.people.add_second_factor(
            visitor.visit, form["password"], form["secret"], form["code"], visitor.actor
        )
    except (LoginError, ThrottledError) as error:
        raise of_password(error) from None
    begun = await portal.logins.begin(visitor.person, visitor.browser)
    visitor.csrf = csrf_token(portal.csrf_key, begun.token)
    return _with_session(portal.page(visitor, "second_factor.html", enrolment=None, codes=codes), begun)


async def remove_second_factor(portal: Portal, visitor: Visitor) -> Response:
    """Ask for no codes any more."""
    assert visitor.visit is not None
    try:
        await portal.people.remove_second_factor(
            visitor.visit, visitor.form["password"], visitor.form["code"], visitor.actor
        )
    except CodeError as error:
        raise _as_refusal(error, "code") from None
    except (LoginError, ThrottledError) as error:
        raise of_password(error) from None
    begun = await portal.logins.begin(visitor.person, visitor.browser)
    return _with_session(see_other("/account", "factor-removed"), begun)


def of_password(error: LoginError | ThrottledError) -> Refusal:
    """Return the refusal for a person's own password, asked for within a session."""
    if isinstance(error, ThrottledError):
        return _as_refusal(error)
    return malformed("password", "密码不正确", "is wrong")
