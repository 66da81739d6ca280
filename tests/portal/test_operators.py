"""Changes that need two operators, attempts to bypass them, and the effects of resets and invitations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from msgcenter.domain.person import Person
from tests.conftest import Server, execute, wait_for
from tests.portal.conftest import PASSWORD, Company, Visitor
from tests.portal.test_accounts import add_second_factor

PEOPLE, CONFIRMATIONS = "/operator/people", "/operator/confirmations"
NEW = "an entirely different one"


@dataclass
class Somebody:
    """A person with a browser."""

    visitor: Visitor
    person: Person

    def change(self, other: Person, change: str, password: str = PASSWORD) -> httpx.Response:
        """Submit a change of a person on the page of people."""
        fields = {"person": str(other.number), "change": change, "own_password": password}
        return self.visitor.post(PEOPLE, **fields)

    def decide(self, number: str, *, confirmed: bool = True, password: str = PASSWORD) -> httpx.Response:
        """Confirm or refuse a request."""
        fields = {"number": number, "confirmed": "01"[confirmed], "own_password": password}
        return self.visitor.post(CONFIRMATIONS, page=PEOPLE, **fields)

    def request_about(self, other: Person) -> str | None:
        """Return the number of the request about a person that this operator sees."""
        for card in self.visitor.get(CONFIRMATIONS).text.split('<section class="card">')[1:]:
            if other.login in card:
                number = re.search(r'name="number" value="(\d+)"', card)
                assert number is not None
                return number[1]
        return None

    def is_operator(self) -> bool:
        """Return whether the operators' pages open."""
        return self.visitor.get(PEOPLE).status_code == 200


def entered(company: Company, role: str = "operator") -> Somebody:
    """A person who has just logged in."""
    return Somebody(*company.enter(role))  # type: ignore[arg-type]


@pytest.fixture
def asker(company: Company) -> Somebody:
    """The operator who requests changes."""
    return entered(company)


@pytest.fixture
def other(company: Company) -> Somebody:
    """Another operator."""
    return entered(company)


@pytest.fixture
def newcomer(company: Company) -> Somebody:
    """A developer."""
    return entered(company, "developer")


@pytest.fixture
def browser(server: Server) -> Iterator[Visitor]:
    """A browser without a session."""
    fresh = Visitor(server.url)
    yield fresh
    fresh.http.close()


def number_of(somebody: Somebody, other: Person) -> str:
    """Return the number of a request that must exist."""
    number = somebody.request_about(other)
    assert number is not None
    return number


def secret_in(answer: httpx.Response, name: str = "one-time-password") -> str:
    """Return a secret that a page shows once."""
    match = re.search(rf'id="{name}">([a-z0-9-]+)<', answer.text)
    assert match is not None, answer.text
    return match[1]


# --- New operators --------------------------------------------------------------------------------------------------


def test_two_operators_make_an_operator(asker: Somebody, other: Somebody, newcomer: Somebody) -> None:
    assert asker.change(newcomer.person, "operator").headers["location"].endswith("done=waits")
    assert not newcomer.is_operator()
    number = number_of(other, newcomer.person)
    assert "Pending confirmations: " in other.visitor.get("/operator/requests").text
    assert "is waiting for another operator" in asker.change(newcomer.person, "operator").text
    assert asker.decide(number).status_code == 422, "operators cannot confirm their own requests"
    assert 'id="wrong-own_password"' in other.decide(number, password="not mine").text
    assert not newcomer.is_operator()
    assert other.decide(number).headers["location"].endswith("done=confirmed")
    assert newcomer.visitor.get("/apps").status_code == 303, "sessions from before have ended"
    newcomer.visitor.log_in(newcomer.person.login)
    assert newcomer.is_operator()
    assert other.decide(number).status_code == 422, "the request is decided"
    log = other.visitor.get(f"/operator/audit?actor={other.person.login}").text
    assert "requested by" in log
    assert asker.person.login in log


def test_an_invited_operator_is_confirmed_by_another_one(
    server: Server, asker: Somebody, other: Somebody, browser: Visitor, user: str
) -> None:
    invite = {"page": PEOPLE, "role": "operator", "note": "for Ms Li"}
    assert (
        'id="wrong-inviter_password"'
        in asker.visitor.post(f"{PEOPLE}/invite", **invite, inviter_password="not it").text
    )
    made = asker.visitor.post(f"{PEOPLE}/invite", **invite, inviter_password=PASSWORD)
    link = re.search(rf"{server.url}/portal(/invitation/\w+)", made.text)
    assert link is not None
    assert "another operator has to confirm" in browser.get(link[1]).text
    login = f"{user}@example.edu"
    assert browser.post(link[1], login=login, name="Ms Second", password=PASSWORD).status_code == 303
    assert browser.get(PEOPLE).status_code == 403, "opening the link does not make an operator"
    match = re.search(rf'{login}.*?name="number" value="(\d+)"', other.visitor.get(CONFIRMATIONS).text, re.DOTALL)
    assert match is not None
    assert browser.post(CONFIRMATIONS, page="/account", number=match[1], confirmed="1").status_code == 403
    assert asker.decide(match[1]).status_code == 422
    assert other.decide(match[1]).status_code == 303
    browser.log_in(login)
    assert browser.get(PEOPLE).status_code == 200


def test_a_request_is_refused_taken_back_or_expires(
    shared_database: str, asker: Somebody, other: Somebody, newcomer: Somebody
) -> None:
    for by in (other, asker):
        asker.change(newcomer.person, "operator")
        assert by.decide(number_of(by, newcomer.person), confirmed=False).status_code == 303
        assert other.request_about(newcomer.person) is None
    asker.change(newcomer.person, "operator")
    number = number_of(other, newcomer.person)
    week = 7 * 86_400_000
    wait_for(
        execute(shared_database, f"update confirmation set expires_at = expires_at - {week} where number = {number}")
    )
    assert other.request_about(newcomer.person) is None
    assert other.decide(number).status_code == 422
    assert asker.change(newcomer.person, "operator").status_code == 303, "it can be requested again"
    assert not newcomer.is_operator()


@pytest.mark.parametrize("end", ["disable", "developer"])
def test_requests_and_invitations_end_with_the_role_of_their_operator(
    server: Server, asker: Somebody, other: Somebody, newcomer: Somebody, browser: Visitor, end: str
) -> None:
    asker.change(newcomer.person, "operator")
    number = number_of(other, newcomer.person)
    links = []
    for role in ("operator", "developer"):
        fields = {"page": PEOPLE, "role": role, "note": "", "inviter_password": PASSWORD}
        made = asker.visitor.post(f"{PEOPLE}/invite", **fields).text
        links += re.findall(rf"{server.url}/portal(/invitation/\w+)", made)
    assert [browser.get(link).status_code for link in links] == [200, 200]
    assert other.change(asker.person, end).status_code == 303
    assert other.request_about(newcomer.person) is None
    assert other.decide(number).status_code == 422
    assert [browser.get(link).status_code for link in links] == [403, 403]
    third = Somebody(other.visitor, other.person)
    assert asker.person.login not in re.findall(r'class="soft">([^ ]+@[^ ]+)', third.visitor.get(PEOPLE).text)


def test_an_invitation_is_revoked(server: Server, asker: Somebody, other: Somebody, browser: Visitor) -> None:
    made = asker.visitor.post(f"{PEOPLE}/invite", page=PEOPLE, role="developer", note=f"to {asker.person.login}").text
    link = re.search(rf"{server.url}/portal(/invitation/\w+)", made)
    row = re.search(rf'to {asker.person.login}.*?name="number" value="(\d+)"', made, re.DOTALL)
    assert link is not None
    assert row is not None
    revoke = {"page": PEOPLE, "number": row[1]}
    assert other.visitor.post(f"{PEOPLE}/revoke", **revoke).headers["location"].endswith("done=revoked")
    assert browser.get(link[1]).status_code == 403
    assert other.visitor.post(f"{PEOPLE}/revoke", **revoke).status_code == 422
    assert f"to {asker.person.login}" not in other.visitor.get(PEOPLE).text


# --- Roundabout ways ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["reset", "second_factor", "operator"])
def test_an_open_session_alone_changes_no_operator(
    asker: Somebody, other: Somebody, newcomer: Somebody, change: str
) -> None:
    add_second_factor(newcomer.visitor)
    for password in ("", "not it"):
        assert 'id="wrong-own_password"' in asker.change(newcomer.person, change, password).text
    assert newcomer.visitor.get("/apps").status_code == 200


@pytest.mark.parametrize("change", ["reset", "second_factor", "enable", "operator"])
def test_operators_cannot_change_their_own_account_this_way(asker: Somebody, other: Somebody, change: str) -> None:
    assert asker.change(asker.person, change).status_code == 422
    assert other.request_about(asker.person) is None


def test_two_operators_enable_a_disabled_operator(
    asker: Somebody, other: Somebody, company: Company, browser: Visitor
) -> None:
    third = entered(company)
    assert asker.change(third.person, "disable").status_code == 303
    assert asker.change(third.person, "enable").headers["location"].endswith("done=waits")
    assert browser.log_in(third.person.login).status_code == 422
    assert other.decide(number_of(other, third.person)).status_code == 303
    assert browser.log_in(third.person.login).status_code == 303
    assert browser.get(PEOPLE).status_code == 200


def test_a_former_operator_needs_two_operators_again(asker: Somebody, other: Somebody, company: Company) -> None:
    third = entered(company)
    assert asker.change(third.person, "developer").status_code == 303
    assert asker.change(third.person, "operator").headers["location"].endswith("done=waits")
    assert not third.is_operator()


def test_the_subject_can_refuse_but_not_confirm(asker: Somebody, other: Somebody) -> None:
    asker.change(other.person, "reset")
    number = number_of(other, other.person)
    assert "refuse it if you did not ask for it" in other.visitor.get(CONFIRMATIONS).text
    assert other.decide(number).status_code == 422
    assert other.decide(number, confirmed=False).status_code == 303
    assert asker.request_about(other.person) is None
    assert other.is_operator()


def test_a_person_with_a_one_time_password_cannot_become_an_operator(
    asker: Somebody, other: Somebody, newcomer: Somebody
) -> None:
    asker.change(newcomer.person, "operator")
    number = number_of(other, newcomer.person)
    secret_in(asker.change(newcomer.person, "reset"))
    assert other.decide(number).status_code == 422, "the reset has ended the request"
    assert "one-time password first" in asker.change(newcomer.person, "operator").text


def test_a_former_operator_cannot_confirm(
    company: Company, asker: Somebody, other: Somebody, newcomer: Somebody
) -> None:
    asker.change(newcomer.person, "operator")
    number = number_of(other, newcomer.person)
    entered(company).change(other.person, "developer")
    assert other.decide(number).status_code == 403
    assert not newcomer.is_operator()


# --- Resets ---------------------------------------------------------------------------------------------------------


def choose(visitor: Visitor, old: str, new: str = NEW) -> httpx.Response:
    """Submit the page that replaces a one-time password."""
    fields = {"old_password": old, "new_password": new, "repeated_password": new}
    return visitor.post("/account/new-password", **fields)


def test_a_reset_gives_a_password_for_one_login(asker: Somebody, newcomer: Somebody, browser: Visitor) -> None:
    once = secret_in(asker.change(newcomer.person, "reset"))
    assert newcomer.visitor.get("/apps").status_code == 303
    assert browser.log_in(newcomer.person.login).status_code == 422
    assert browser.log_in(newcomer.person.login, once).status_code == 303
    for path in ("/apps", "/account", "/docs", "", "/account/second-factor"):
        assert browser.get(path).headers["location"] == "/portal/account/new-password", path
    answer = browser.post("/apps/new", page="/account/new-password", name="An app", platform="420100")
    assert (answer.status_code, "Nothing was changed" in answer.text) == (403, True)
    assert "must differ from the current" in choose(browser, once, once).text
    assert "too easy" in choose(browser, once, "password123").text
    assert choose(browser, once).status_code == 303
    assert browser.get("/apps").status_code == 200
    browser.post("/logout", page="/account")
    assert browser.log_in(newcomer.person.login, once).status_code == 422


def test_a_one_time_password_expires(
    shared_database: str, asker: Somebody, newcomer: Somebody, browser: Visitor
) -> None:
    once = secret_in(asker.change(newcomer.person, "reset"))
    wait_for(execute(shared_database, f"update person set one_time_until = 1 where number = {newcomer.person.number}"))
    assert "has expired. Ask for another reset" in browser.log_in(newcomer.person.login, once).text


def test_a_reset_keeps_the_second_factor(asker: Somebody, newcomer: Somebody, browser: Visitor) -> None:
    _, codes = add_second_factor(newcomer.visitor)
    once = secret_in(asker.change(newcomer.person, "reset"))
    answer = browser.log_in(newcomer.person.login, once)
    ticket = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert ticket is not None
    assert browser.get("/apps").status_code == 303
    assert browser.post("/login/code", page="/login", ticket=ticket[1], code=codes[0]).status_code == 303
    assert browser.get("/apps").headers["location"] == "/portal/account/new-password"


def test_no_operator_gets_both_halves_of_a_password(
    company: Company, asker: Somebody, other: Somebody, browser: Visitor
) -> None:
    third = entered(company)
    first = secret_in(asker.change(third.person, "reset"))
    assert third.is_operator(), "nothing has changed yet"
    second = secret_in(other.decide(number_of(other, third.person)), "second-half")
    assert not third.is_operator()
    for guess in (first, second, f"{second}-{first}"):
        assert browser.log_in(third.person.login, guess).status_code == 422
    assert browser.log_in(third.person.login, f"{first}-{second}").status_code == 303
    assert browser.get(CONFIRMATIONS).headers["location"] == "/portal/account/new-password"


def test_one_operator_removes_a_developers_second_factor_two_an_operators(
    company: Company, asker: Somebody, other: Somebody, newcomer: Somebody
) -> None:
    third = entered(company)
    for somebody in (newcomer, third):
        add_second_factor(somebody.visitor)
    assert asker.change(newcomer.person, "second_factor").headers["location"].endswith("done=saved")
    assert asker.change(third.person, "second_factor").headers["location"].endswith("done=waits")
    assert third.is_operator()
    assert other.decide(number_of(other, third.person)).status_code == 303
    assert not third.is_operator()
