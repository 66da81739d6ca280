"""Every page is accessible and fits the screen, however long the names, addresses and ids on it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from msgcenter_client import Client
from tests.conftest import Raw, Server
from tests.e2e.accessibility import NOT_MINOR, WITHOUT_CONTRAST, violations, violations_in_both_schemes
from tests.e2e.conftest import PHONE, OpenInbox, user_token
from tests.e2e.every_page import LONG_NAME, LONG_WORD, World, world_on
from tests.e2e.portal_screens import Desk, open_desk

WIDTH = PHONE["viewport"]["width"]
PC: ViewportSize = {"width": 1280, "height": 800}
ANONYMOUS = ("", "/login", "/sign-up", "/docs", "/docs/sendMsg", "/docs?q=publisherId", "/docs?q=zzz", "/nothing")
# A phone zooms out of a page that is too wide, so nothing can be scrolled: compare its width.
_TOO_WIDE = """() => {
  const width = Math.max(document.documentElement.scrollWidth, innerWidth);
  const right = (element) => Math.round(element.getBoundingClientRect().right);
  const all = [...document.querySelectorAll("body *")];
  const out = all.filter((element) => right(element) > 390 && !element.closest(".scroll *, pre *"));
  return [width, out.slice(0, 4).map((element) => `${element.tagName}.${element.className} ${right(element)}`)];
}"""


@pytest.fixture(scope="module")
def world(server: Server, shared_database: str) -> Iterator[World]:
    """A portal filled with long names."""
    with world_on(server, shared_database) as world:
        yield world


def too_wide(page: Page) -> str:
    """Return the width of the page and the elements that cause it; "" if it fits."""
    width, elements = page.evaluate(_TOO_WIDE)
    return f"{width} px, {elements}" if width > WIDTH else ""


def visit(desk: Desk, path: str) -> None:
    """Open a page of the portal, which must answer and have a title."""
    answer = desk.page.goto(f"{desk.url}/portal{path}")
    assert answer is not None
    assert answer.ok or path == "/nothing", f"{path}: {answer.status}"
    if desk.page.locator("#try-form").count():
        expect(desk.page.locator("#sandbox msg-inbox")).to_be_attached()
    assert re.fullmatch(r".+ · MsgCenter", desk.page.title()), f"{path} is called {desk.page.title()!r}"


def pages_of(desk: Desk, world: World) -> Iterator[str]:
    """Visit every page, first as a visitor without an account and then as an operator. Yields each path."""
    for path in (*ANONYMOUS, f"/invitation/{world.values['invitation']}"):
        visit(desk, path)
        yield path
    desk.log_in(world.login)
    for path in (*world.paths(), "/docs/recallMsg", *world.pages_of_the_empty_app()):
        visit(desk, path)
        yield path


@pytest.mark.slow
def test_every_page_is_accessible_on_a_phone(chromium: Browser, server: Server, world: World) -> None:
    desk = open_desk(chromium, server, locale="en-GB", **PHONE)
    problems = []
    for path in pages_of(desk, world):
        problems += violations(desk.page, WITHOUT_CONTRAST, impacts=NOT_MINOR)
        problems += [f"{path}: {width}" for width in (too_wide(desk.page),) if width]
    desk.context.close()
    assert desk.complaints == []
    assert problems == []


@pytest.mark.slow
def test_every_page_is_accessible_on_a_pc_and_in_a_narrow_window(
    chromium: Browser, server: Server, world: World
) -> None:
    """Changes the colours and the width on the open page, which takes less than opening it again."""
    desk = open_desk(chromium, server, locale="zh-CN", viewport=PC)
    problems = []
    for path in pages_of(desk, world):
        width, screen = desk.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if width > screen:
            problems.append(f"{path} is {width} px wide")
        problems += violations_in_both_schemes(desk.page, impacts=NOT_MINOR)
        desk.page.set_viewport_size(PHONE["viewport"])
        problems += [f"{path}: {width}" for width in (too_wide(desk.page),) if width]
        desk.page.set_viewport_size(PC)
    desk.context.close()
    assert desk.complaints == []
    assert problems == []


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_pages_that_answer_forms_fit(chromium: Browser, server: Server, world: World, locale: str) -> None:
    desk = open_desk(chromium, server, locale=locale, **PHONE)
    desk.log_in(world.login)
    widths = []
    desk.register_app(LONG_WORD)
    widths.append(("the new app's key", too_wide(desk.page)))
    for path, form in (
        (f"/apps/{world.app_id}/keys", "form[action$='/keys/rotate']"),
        ("/docs/debugger", "main form.card"),
        ("/operator/platforms", "main form:has([name=new])"),
    ):
        desk.go(path)
        for field in desk.page.locator(f"{form} input:not([type=hidden])").all():
            field.fill(LONG_WORD)
        with desk.page.expect_navigation():
            desk.page.locator(f"{form} button").click()
        widths.append((f"the answer of {path}", too_wide(desk.page)))
    desk.context.close()
    assert "\n".join(f"{page}: {width}" for page, width in widths if width) == ""


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_inbox_fits(open_inbox: OpenInbox, raw: Raw, client: Client, user: str, locale: str) -> None:
    client.send_text(user, LONG_WORD * 60)
    client.send_link(
        user,
        title=LONG_WORD * 3,
        content=LONG_NAME,
        business_id="b",
        pc_url="https://school.example.edu/1",
        app_url="https://school.example.edu/m",
    )
    client.send_oa(
        user,
        LONG_WORD,
        business_id="b",
        pc_url="https://school.example.edu/1",
        app_url="https://school.example.edu/m",
        title=LONG_WORD,
        form=[(LONG_WORD, LONG_WORD * 3)],
        author=LONG_WORD,
        approval=True,
    )
    screen = open_inbox(user_token(raw, user), locale=locale, **PHONE)
    expect(screen.cards).to_have_count(3)
    widths = [("the list", too_wide(screen.page))]
    screen.cards.first.get_by_role("button").last.click()
    expect(screen.page.get_by_role("menu")).to_be_visible()
    widths.append(("a menu", too_wide(screen.page)))
    screen.page.keyboard.press("Escape")
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    assert "\n".join(f"{page}: {width}" for page, width in widths if width) == ""
