"""What operators do in a browser: announcements of others, and resets; `test_every_page.py` visits all their pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.conftest import Credentials, Server, wait_for
from tests.e2e.accessibility import violations, violations_in_both_schemes
from tests.e2e.conftest import PHONE
from tests.portal.conftest import PASSWORD, add_person

NEW = "/portal/operator/announcements/new"
CONFIRMATIONS = "/portal/operator/confirmations"


class Desk:
    """An operator's browser."""

    def __init__(self, chromium: Browser, server: Server, database_url: str, **options: Any) -> None:
        login = wait_for(add_person(database_url, "operator")).login
        self.url = server.url
        self.context = chromium.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)
        self.go("/portal/login")
        self.page.get_by_label("E-mail").fill(login)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(self.page).to_have_url(f"{self.url}/portal/apps")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.url + path)

    def find(self, login: str) -> Locator:
        """Search for a person and return the row."""
        self.go(f"/portal/operator/people?q={login}")
        return self.page.get_by_role("row").filter(has_text=login)

    def write(self, app: Credentials, text: str) -> str:
        """Submit an announcement and return its page's path."""
        self.go(NEW)
        self.page.get_by_label("Platform", exact=True).select_option(app.platform_code)
        self.page.locator("[name='text.content']").fill(text)
        self.page.get_by_role("button", name="Submit for approval").click()
        expect(self.page.get_by_role("status")).to_contain_text("another operator has to approve it")
        return self.page.url.removeprefix(self.url).partition("?")[0]


@pytest.fixture
def desks(chromium: Browser, server: Server, shared_database: str) -> Iterator[Any]:
    """Opens operators' browsers. At the end none may have logged errors."""
    opened: list[Desk] = []

    def open_one(**options: Any) -> Desk:
        opened.append(Desk(chromium, server, shared_database, **options))
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.context.close()
        assert desk.complaints == []


def test_an_announcement_is_previewed_for_its_author_and_its_approver(desks: Any, app: Credentials) -> None:
    author, reviewer = desks(), desks()
    author.go(NEW)
    page = author.page
    preview = page.locator("#preview")
    page.get_by_label("Card", exact=True).check()
    expect(page.locator("[name='text.content']")).to_be_hidden()
    page.locator("[name='oa.head.text']").fill("Holidays")
    page.locator("[name='row1.key']").fill("From")
    page.locator("[name='row1.value']").fill("1 May")
    page.locator("[name='pcUrl']").fill("https://school.example.edu")
    expect(preview.locator(".oa-head")).to_have_text("Holidays")
    expect(preview).to_contain_text("1 May")
    page.locator("[name='oa.head.bgColor']").fill("#0b7a5e")
    expect(preview.locator(".oa-head")).to_have_css("background-color", "rgb(11, 122, 94)")
    page.get_by_label("Text", exact=True).first.check()
    expect(page.locator("[name='oa.head.text']")).to_be_hidden()

    path = author.write(app, "School is closed on Friday.")
    expect(author.page.get_by_role("button", name="Approve")).to_have_count(0)
    reviewer.go(path)
    expect(reviewer.page.locator("#preview")).to_contain_text("School is closed on Friday.")
    reviewer.page.get_by_role("button", name="Approve version 1 and send").click()
    expect(reviewer.page.get_by_role("heading", level=1)).to_contain_text("Sent")


@pytest.mark.parametrize("device", [{}, PHONE], ids=["pc", "phone"])
def test_an_announcement_of_somebody_else_is_accessible_and_fits_the_screen(
    device: dict[str, Any], desks: Any, app: Credentials
) -> None:
    author, reviewer = desks(), desks(**device)
    path = author.write(app, "Before.")
    author.go(f"{path}/edit")
    author.page.locator("[name='text.content']").fill("After.")
    author.page.get_by_role("button", name="Submit for approval").click()
    author.page.wait_for_url("**done=drafted")
    for shown in (path, f"{path}/edit"):
        for language in ("en", "zh"):
            reviewer.go(f"{shown}?lang={language}")
            assert violations_in_both_schemes(reviewer.page) == []
            _assert_fits(reviewer.page)


def _assert_fits(page: Page) -> None:
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is wider than the screen"


@pytest.mark.parametrize("device", [{}, PHONE], ids=["pc", "phone"])
def test_a_reset_of_an_operator_is_requested_confirmed_and_used(
    device: dict[str, Any], desks: Any, shared_database: str
) -> None:
    asker, other = desks(color_scheme="dark", **device), desks(**device)
    person = wait_for(add_person(shared_database, "operator", "Third Person"))
    row = asker.find(person.login)
    row.get_by_text("More").click()
    row.get_by_label("Your password").fill(PASSWORD)
    assert violations(asker.page) == []
    _assert_fits(asker.page)
    row.get_by_role("button", name="Reset password").click()
    first = asker.page.locator("#one-time-password").inner_text()
    assert violations(asker.page) == []
    _assert_fits(asker.page)
    asker.go(CONFIRMATIONS)
    card = asker.page.locator("section.card", has_text=person.login)
    expect(card.get_by_role("button", name="Cancel the request")).to_be_visible()

    other.go(f"{CONFIRMATIONS}?lang=en")
    card = other.page.locator("section.card", has_text=person.login)
    card.get_by_label("Your password").fill(PASSWORD)
    assert violations(other.page) == []
    _assert_fits(other.page)
    card.get_by_role("button", name="Confirm").click()
    second = other.page.locator("#second-half").inner_text()
    assert violations(other.page) == []

    other.go("/portal/account")
    other.page.locator(".menu summary").click()
    other.page.get_by_role("button", name="Log out").click()
    other.page.get_by_label("E-mail").fill(person.login)
    other.page.get_by_label("Password").fill(f"{first}-{second}")
    other.page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(other.page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert violations(other.page) == []
    _assert_fits(other.page)
    other.page.get_by_label("One-time password").fill(f"{first}-{second}")
    other.page.get_by_label("New password", exact=True).fill("an entirely different one")
    other.page.get_by_label("Repeat the new password").fill("an entirely different one")
    other.page.get_by_role("button", name="Save and continue").click()
    expect(other.page).to_have_url(f"{other.url}/portal/apps?done=password")
