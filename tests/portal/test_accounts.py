"""Sign-up, login, second factor and sessions, used and attacked."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher

from msgcenter.database.database import Database
from msgcenter.domain.person import Person
from tests.conftest import Server, execute, wait_for
from tests.portal.conftest import PASSWORD, Company, Visitor, add_person

SESSION = "__Host-session"


@pytest.fixture
def person(shared_database: str) -> Person:
    """A person with an account."""
    return wait_for(add_person(shared_database))


def secrets_of(answer: httpx.Response) -> dict[str, str]:
    """Return the Set-Cookie lines of an answer by cookie name."""
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


def test_signing_up_logs_in(visitor: Visitor, user: str) -> None:
    answer = visitor.post("/sign-up", login=f"{user}@Example.edu", name="  Wang Fang ", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/apps?done=welcome")
    page = visitor.get("/apps?done=welcome").text
    assert "Your account is ready" in page
    assert "Wang Fang" in page
    assert f"{user}@example.edu" in visitor.get("/account").text


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("login", "nobody", "must be an e-mail address"),
        ("login", "", "must be an e-mail address"),
        ("login", "a b@example.edu", "must be an e-mail address"),
        ("login", "x@" + "e" * 300, "must be an e-mail address"),
        ("name", " ", "must be 1-64"),
        ("name", "x" * 65, "must be 1-64"),
        ("password", "short", "must be 10-128"),
        ("password", "x" * 129, "must be 10-128"),
        ("password", "aaaaaaaaaaaa", "too easy"),
    ],
)
def test_a_refused_field_of_a_sign_up_is_explained_at_the_field(
    visitor: Visitor, user: str, field: str, value: str, error: str
) -> None:
    fields = {"login": f"{user}@example.edu", "name": "Wang", "password": PASSWORD, field: value}
    answer = visitor.post("/sign-up", **fields)
    assert answer.status_code == 422
    assert re.search(rf'id="wrong-{field}"[^>]*>[^<]*{error}', answer.text)
    assert PASSWORD not in answer.text, "a password is never sent back"
    assert SESSION not in visitor.cookies


def test_a_login_can_be_taken_only_once(visitor: Visitor, person: Person) -> None:
    answer = visitor.post("/sign-up", login=person.login.upper(), name="Another", password=PASSWORD)
    assert answer.status_code == 422
    assert "is taken" in answer.text


def test_each_login_has_a_new_session(visitor: Visitor, person: Person) -> None:
    visitor.cookies[SESSION] = "chosen-by-an-attacker"
    answer = visitor.log_in(person.login)
    assert answer.headers["location"] == "/portal/apps"
    first = visitor.cookies[SESSION]
    assert first != "chosen-by-an-attacker"
    cookie = secrets_of(answer)[SESSION]
    for flag in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert flag in cookie
    assert "Domain" not in cookie
    visitor.post("/logout", page="/account")
    assert SESSION not in visitor.cookies
    visitor.log_in(person.login)
    assert visitor.cookies[SESSION] != first
    visitor.cookies[SESSION] = first
    assert visitor.get("/apps").status_code == 303, "the ended session stays ended"


def test_wrong_logins_look_alike(visitor: Visitor, person: Person) -> None:
    wrong, unknown = visitor.log_in(person.login, "wrong password"), visitor.log_in("nobody@example.edu")
    assert wrong.status_code == unknown.status_code == 422
    assert "e-mail address or the password is wrong" in wrong.text
    assert "e-mail address or the password is wrong" in unknown.text
    assert SESSION not in visitor.cookies


def test_the_login_leads_to_the_requested_page(visitor: Visitor, person: Person) -> None:
    assert visitor.get("/account").headers["location"] == "/portal/login"
    assert visitor.log_in(person.login).headers["location"] == "/portal/account"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/x", "https://evil.example", "/portal/\\evil.example", "/elsewhere"]
)
def test_the_login_redirects_to_no_other_website(visitor: Visitor, person: Person, elsewhere: str) -> None:
    visitor.cookies["next"] = elsewhere
    assert visitor.log_in(person.login).headers["location"] == "/portal/apps"


def test_guessing_is_throttled_and_the_owner_can_log_in(server: Server, visitor: Visitor, person: Person) -> None:
    owner = Visitor(server.url)
    assert owner.log_in(person.login).status_code == 303
    owner.post("/logout", page="/account")
    for _ in range(10):
        assert "is wrong" in visitor.log_in(person.login, "a wrong password").text
    assert "too many attempts" in visitor.log_in(person.login, "a wrong password").text
    assert "too many attempts" in visitor.log_in(person.login).text, "the right password is not checked either"
    # A browser that was logged in before has its own count: others cannot lock a person out.
    assert owner.log_in(person.login).status_code == 303
    owner.http.close()


def test_a_known_browser_is_throttled_too(company: Company, server: Server, visitor: Visitor) -> None:
    owner, person = company.enter()
    owner.post("/logout", page="/account")
    for _ in range(10):
        assert "is wrong" in owner.log_in(person.login, "a wrong password").text
    assert "too many attempts" in owner.log_in(person.login).text
    assert visitor.log_in(person.login).status_code == 303, "another login has its own count"


def test_a_device_cookie_counts_for_its_own_login_only(company: Company, person: Person) -> None:
    thief, _ = company.enter()
    thief.post("/logout", page="/account")
    for _ in range(10):
        assert "is wrong" in thief.log_in(person.login, "a wrong password").text
    assert "too many attempts" in thief.log_in(person.login).text


def test_a_lock_out_ends(shared_database: str, visitor: Visitor, person: Person) -> None:
    for _ in range(11):
        visitor.log_in(person.login, "a wrong password")
    assert "minutes to wait: 15" in visitor.log_in(person.login).text
    later = f"update throttle set since = since - 900001 where bucket = 'login {person.login}'"
    wait_for(execute(shared_database, later))
    assert visitor.log_in(person.login).status_code == 303


def test_an_address_that_guesses_many_logins_is_throttled(
    company: Company, shared_database: str, server: Server, visitor: Visitor, person: Person
) -> None:
    owner, other = company.enter()
    owner.post("/logout", page="/account")
    with used_up(shared_database, "address 127.0.0.1", 100):
        for _ in range(12):
            assert "too many attempts" in visitor.log_in(person.login).text
        assert owner.log_in(other.login).status_code == 303, "a known browser behind the same address comes in"
    assert visitor.log_in(person.login).status_code == 303, "the attempts of the login itself are left"


def test_an_address_that_signs_up_too_often_is_throttled(shared_database: str, visitor: Visitor, user: str) -> None:
    fields = {"login": f"{user}@example.edu", "name": "Wang", "password": PASSWORD}
    with used_up(shared_database, "sign-up 127.0.0.1", 60):
        answer = visitor.post("/sign-up", **fields)
        assert (answer.status_code, "too many attempts" in answer.text) == (422, True)
    assert visitor.post("/sign-up", **fields).status_code == 303


def test_logins_that_succeed_are_not_counted(company: Company, shared_database: str, server: Server) -> None:
    owner, person = company.enter()
    _, codes = add_second_factor(owner)
    with used_up(shared_database, "address 127.0.0.1", 90):
        for code in codes:
            fresh = Visitor(server.url)
            assert second_step(fresh, person.login, code).status_code == 303
            fresh.http.close()
        company.enter()


@contextmanager
def used_up(url: str, bucket: str, attempts: int) -> Iterator[None]:
    """Treat all attempts within the block as just made."""
    now = int(time.time() * 1_000)
    wait_for(execute(url, f"delete from throttle where bucket = '{bucket}'"))
    wait_for(execute(url, f"insert into throttle (bucket, failures, since) values ('{bucket}', {attempts}, {now})"))
    try:
        yield
    finally:
        wait_for(execute(url, f"delete from throttle where bucket = '{bucket}'"))


def test_a_weaker_hash_is_renewed_with_the_login(company: Company, shared_database: str, visitor: Visitor) -> None:
    owner, person = company.enter()
    _, codes = add_second_factor(owner)
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    wait_for(execute(shared_database, f"update person set password_hash = '{weaker}' where number = {person.number}"))
    assert second_step(visitor, person.login, codes[0]).status_code == 303
    assert stored_hash(shared_database, person).startswith("$argon2id$v=19$m=64,t=1,p=1$"), "those of QUICK_HASHER"


def stored_hash(url: str, person: Person) -> str:
    """Return the stored hash of a password."""

    async def look() -> str:
        async with Database(url, connections=2) as database, database.connection() as connection:
            password_hash: str = await connection.fetchval(
                "select password_hash from person where number = $1", person.number
            )
            return password_hash

    return wait_for(look())


# --- The second factor ----------------------------------------------------------------------------------------------


def add_second_factor(visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    """Turn on a person's second factor; return it and the recovery codes."""
    page = visitor.get("/account/second-factor").text
    assert "<svg" in page
    match = re.search(r'name="secret" value="([A-Z2-7]+)"', page)
    assert match is not None
    totp = pyotp.TOTP(match[1])
    assert "is wrong" in visitor.post("/account/second-factor", secret=match[1], code="abcdef").text
    proof = {"secret": match[1], "code": totp.now()}
    assert "is wrong" in visitor.post("/account/second-factor", **proof, password="not it").text
    done = visitor.post("/account/second-factor", **proof, password=PASSWORD)
    assert done.status_code == 200
    codes = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", done.text)
    assert len(set(codes)) == 10
    return totp, codes


def second_step(visitor: Visitor, login: str, code: str) -> httpx.Response:
    """Log in with a code."""
    answer = visitor.log_in(login)
    assert answer.status_code == 200
    assert SESSION not in visitor.cookies
    ticket = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert ticket is not None
    return visitor.post("/login/code", page="/login", ticket=ticket[1], code=code)


def test_the_login_asks_for_the_second_factor(company: Company, visitor: Visitor) -> None:
    owner, person = company.enter()
    began = int(time.time())
    totp, codes = add_second_factor(owner)
    used = totp.at(began)  # to turn it on, or older than that: a new code may begin in between
    assert "wrong or was used" in second_step(visitor, person.login, used).text
    assert "wrong or was used" in second_step(visitor, person.login, "000000").text
    later = totp.at(int(time.time()) + 30)
    assert second_step(visitor, person.login, later).status_code == 303
    visitor.post("/logout", page="/account")
    assert "wrong or was used" in second_step(visitor, person.login, later).text
    assert second_step(visitor, person.login, codes[3].upper()).status_code == 303
    visitor.post("/logout", page="/account")
    assert "wrong or was used" in second_step(visitor, person.login, codes[3]).text
    assert "Recovery codes left: 9" in re.sub(r"\s+", " ", owner.get("/account").text)


def test_a_second_factor_is_removed_with_password_and_code_only(company: Company) -> None:
    owner, person = company.enter()
    _, codes = add_second_factor(owner)
    for password, code, field in (
        ("not it", codes[0], "password"),
        (PASSWORD, "", "code"),
        (PASSWORD, "000000", "code"),
    ):
        refused = owner.post("/account/second-factor/remove", page="/account", password=password, code=code)
        assert (refused.status_code, f'id="wrong-{field}"' in refused.text) == (422, True)
    proof = {"password": PASSWORD, "code": codes[0]}
    assert owner.post("/account/second-factor/remove", page="/account", **proof).status_code == 303
    owner.post("/logout", page="/account")
    assert owner.log_in(person.login).status_code == 303


@pytest.mark.parametrize("ticket", ["", "00", "zz", "ab" * 60])
def test_a_forged_ticket_is_refused(visitor: Visitor, ticket: str) -> None:
    answer = visitor.post("/login/code", page="/login", ticket=ticket, code="000000")
    assert (answer.status_code, "log in again" in answer.text) == (422, True)
    assert SESSION not in visitor.cookies


def test_a_ticket_does_not_outlive_the_password(company: Company, visitor: Visitor) -> None:
    owner, person = company.enter()
    totp, _ = add_second_factor(owner)
    ticket = re.search(r'name="ticket" value="([^"]+)"', visitor.log_in(person.login).text)
    assert ticket is not None
    new = "an entirely different one"
    fields = {"old_password": PASSWORD, "new_password": new, "repeated_password": new}
    assert owner.post("/account/password", page="/account", **fields).status_code == 303
    code = totp.at(int(time.time()) + 30)
    answer = visitor.post("/login/code", page="/login", ticket=ticket[1], code=code)
    assert (answer.status_code, SESSION in visitor.cookies) == (422, False)


def test_codes_cannot_be_guessed(company: Company, visitor: Visitor) -> None:
    owner, person = company.enter()
    _, codes = add_second_factor(owner)
    ticket = re.search(r'name="ticket" value="([^"]+)"', visitor.log_in(person.login).text)
    assert ticket is not None
    guess = {"page": "/login", "ticket": ticket[1]}
    for _ in range(10):
        assert "wrong or was used" in visitor.post("/login/code", **guess, code="000000").text
    assert "too many attempts" in visitor.post("/login/code", **guess, code=codes[0]).text
    assert "too many attempts" in visitor.log_in(person.login).text, "there is no new ticket"
    owner.post("/logout", page="/account")
    assert second_step(owner, person.login, codes[0]).status_code == 303, "the owner's browser has its own count"


def test_a_stolen_session_cannot_replace_the_second_factor(company: Company) -> None:
    owner, person = company.enter()
    totp, _ = add_second_factor(owner)
    other = pyotp.random_base32()
    fields = {"secret": other, "code": pyotp.TOTP(other).now(), "password": PASSWORD}
    answer = owner.post("/account/second-factor", page="/account", **fields)
    assert answer.status_code == 303, "the page leads back to the account, where it can be switched off"
    owner.post("/logout", page="/account")
    assert second_step(owner, person.login, totp.at(int(time.time()) + 30)).status_code == 303


@pytest.mark.parametrize("secret", ["", "1" * 32, "A" * 31, "a" * 32, "A" * 100_000, "A" * 30 + "==", "密" * 32])
def test_a_forged_secret_is_refused(company: Company, secret: str) -> None:
    owner, _ = company.enter()
    fields = {"secret": secret, "code": "000000", "password": PASSWORD}
    answer = owner.post("/account/second-factor", **fields)
    assert (answer.status_code, "<svg" in answer.text) == (422, True)


# --- Another session with every proof -------------------------------------------------------------------------------


def test_the_session_changes_after_each_change_of_the_login(company: Company, server: Server) -> None:
    here, person = company.enter()
    there = Visitor(server.url)
    there.log_in(person.login)
    new = "an entirely different one"
    fields = {"old_password": PASSWORD, "new_password": new, "repeated_password": new}
    before = [here.cookies[SESSION], there.cookies[SESSION]]
    assert here.post("/account/password", page="/account", **fields).status_code == 303
    before.append(here.cookies[SESSION])
    fields = {"old_password": new, "new_password": PASSWORD, "repeated_password": PASSWORD}
    assert here.post("/account/password", page="/account", **fields).status_code == 303
    before.append(here.cookies[SESSION])
    _, codes = add_second_factor(here)
    before.append(here.cookies[SESSION])
    proof = {"password": PASSWORD, "code": codes[0]}
    assert here.post("/account/second-factor/remove", page="/account", **proof).status_code == 303
    assert here.get("/apps").status_code == 200
    assert len({*before, here.cookies[SESSION]}) == 6
    for token in before:
        there.cookies[SESSION] = token
        assert there.get("/apps").status_code == 303
    there.http.close()


def test_the_form_token_is_valid_right_after_the_second_factor(company: Company) -> None:
    owner, _ = company.enter()
    page = owner.get("/account/second-factor").text
    secret = re.search(r'name="secret" value="([A-Z2-7]+)"', page)
    assert secret is not None
    fields = {"secret": secret[1], "code": pyotp.TOTP(secret[1]).now(), "password": PASSWORD}
    shown = owner.post("/account/second-factor", **fields).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown)
    assert csrf is not None
    assert owner.post("/logout", csrf=csrf[1]).headers["location"].endswith("done=logged-out")


def test_a_stolen_session_guesses_no_password(company: Company) -> None:
    thief, person = company.enter()
    fields = {"new_password": "a thief's own one", "repeated_password": "a thief's own one"}
    for _ in range(10):
        refused = thief.post("/account/password", page="/account", old_password="a guess", **fields)
        assert "is not your current password" in refused.text
    refused = thief.post("/account/password", page="/account", old_password=PASSWORD, **fields)
    assert "too many attempts" in refused.text
    thief.post("/logout", page="/account")
    assert thief.log_in(person.login).status_code == 303, "the owner logs in with the password as it was"
    assert thief.post("/account/password", page="/account", old_password=PASSWORD, **fields).status_code == 303


# --- Passwords and sessions -----------------------------------------------------------------------------------------


def test_a_new_password_ends_the_other_sessions(company: Company, server: Server) -> None:
    here, person = company.enter()
    there = Visitor(server.url)
    there.log_in(person.login)
    new = "an entirely different one"
    fields = {"old_password": PASSWORD, "new_password": new, "repeated_password": new}
    for name, value, error in (
        ("old_password", "not it", "is not your current password"),
        ("repeated_password", "another", "must be the same twice"),
    ):
        refused = here.post("/account/password", page="/account", **{**fields, name: value})
        assert (refused.status_code, error in refused.text) == (422, True)
    assert here.post("/account/password", page="/account", **fields).headers["location"].endswith("done=password")
    assert here.get("/apps").status_code == 200
    assert there.get("/apps").status_code == 303
    assert there.log_in(person.login).status_code == 422
    assert there.log_in(person.login, new).status_code == 303
    there.http.close()


def test_sessions_are_listed_and_ended(company: Company, server: Server) -> None:
    here, person = company.enter()
    there, elsewhere = Visitor(server.url), Visitor(server.url)
    there.http.headers["user-agent"] = "A phone <b>"
    for browser in (there, elsewhere):
        browser.log_in(person.login)
    page = here.get("/account").text
    assert page.count('name="session"') == 2
    assert "A phone &lt;b&gt;" in page
    phone = re.search(r'A phone.*?name="session" value="([0-9a-f]+)"', page, re.DOTALL)
    assert phone is not None
    here.post("/account/sessions", page="/account", session=phone[1])
    assert there.get("/apps").status_code == 303
    assert elsewhere.get("/apps").status_code == 200
    here.post("/account/sessions", page="/account")
    assert elsewhere.get("/apps").status_code == 303
    assert here.get("/apps").status_code == 200
    for browser in (there, elsewhere):
        browser.http.close()


def test_a_session_ends_by_itself(company: Company, shared_database: str) -> None:
    here, person = company.enter()
    wait_for(
        execute(
            shared_database,
            f"update portal_session set seen_at = seen_at - 13 * 3600000 where person_number = {person.number}",
        )
    )
    assert here.get("/apps").status_code == 303


# --- Invitations ----------------------------------------------------------------------------------------------------


def test_an_invitation_can_be_used_only_once(server: Server, operator: Visitor, visitor: Visitor, user: str) -> None:
    made = operator.post("/operator/people/invite", page="/operator/people", role="developer", note="for Ms Li")
    link = re.search(rf"{server.url}/portal(/invitation/\w+)", made.text)
    assert link is not None
    assert "for Ms Li" in operator.get("/operator/people").text
    fields = {"login": f"{user}@example.edu", "name": "Li", "password": PASSWORD}
    assert visitor.post(link[1], **{**fields, "password": "x"}).status_code == 422
    assert visitor.post(link[1], **fields).status_code == 303
    assert visitor.get("/apps").status_code == 200
    late = Visitor(server.url)
    assert late.get(link[1]).status_code == 403
    assert late.post(link[1], page="/login", **{**fields, "login": f"{user}-2@example.edu"}).status_code == 403
    late.http.close()


def test_operators_find_people(company: Company, operator: Visitor) -> None:
    person = company.enter()[1]
    assert f"<td>{person.login}</td>" in operator.get(f"/operator/people?q={person.login.upper()}").text
    assert "Total: 1" in operator.get(f"/operator/people?q={person.login}").text
    assert "No person matches" in operator.get("/operator/people?q=no.such.person").text
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in person.login)
    assert f"<td>{person.login}</td>" in operator.get(f"/operator/people?q={wide}").text, "full-width letters"


def test_sign_up_can_be_closed(operator: Visitor, visitor: Visitor, user: str) -> None:
    operator.post("/operator/people/sign-up", page="/operator/people", mode="invitation")
    try:
        assert "ask an operator" in visitor.get("/login").text
        page = visitor.get("/sign-up")
        assert (page.status_code, "<form class=" in page.text) == (403, False)
        refused = visitor.post("/sign-up", page="/login", login=f"{user}@example.edu", name="x", password=PASSWORD)
        assert refused.status_code == 403
    finally:
        operator.post("/operator/people/sign-up", page="/operator/people", mode="open")
    assert "Sign up" in visitor.get("/login").text
