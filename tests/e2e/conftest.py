"""A real browser in front of a real server: Debian's Chromium, or the one that MSGCENTER_CHROMIUM names."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from msgcenter_client import Client
from tests.conftest import Raw, Server
from tests.e2e.installed import Device

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 30_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PICTURES = "https://pictures.example.edu"
_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320">'
    '<rect width="640" height="320" fill="#9cf"/></svg>'
)


# One browser for each file of tests, not for the session: its driver keeps an event loop running in this thread,
# and asynchronous tests of other files cannot run then.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    path = os.environ.get("MSGCENTER_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here (Debian, Ubuntu: apt-get install chromium-headless-shell)")
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Screen:
    """The page /inbox in a browser."""

    page: Page
    url: str
    errors: list[str]

    @property
    def cards(self) -> Locator:
        """The cards of all messages."""
        return self.page.get_by_role("article")

    @property
    def unread_cards(self) -> Locator:
        """The cards of the unread messages."""
        return self.page.locator("article.unread")

    @property
    def scroller(self) -> Locator:
        """The element with the scroll bar."""
        return self.page.get_by_role("tabpanel")

    def card(self, text: str) -> Locator:
        """The card with this text."""
        return self.cards.filter(has_text=text)

    def tab(self, name: str) -> Locator:
        """The tab with this name."""
        return self.page.get_by_role("tab", name=name)

    def button(self, name: str) -> Locator:
        """The button with exactly this name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def choose(self, card: Locator, action: str) -> None:
        """Choose an action from a message's menu."""
        card.hover()
        card.get_by_role("button", name="More actions").click()
        self.page.get_by_role("menuitem", name=action).click()

    def focused(self) -> str:
        """Return the name of the focused element, inside or outside the shadow tree."""
        name: str = self.page.evaluate(
            """() => {
                let active = document.activeElement;
                while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
                return active?.getAttribute("aria-label") || active?.textContent || "";
            }"""
        )
        return name


class OpenInbox(Protocol):
    """Opens the page `/inbox` in a browser of its own."""

    def __call__(self, token: str, *, wait: bool = True, **options: Any) -> Screen:
        """`options` are those of a browser context."""


def fake_web(context: BrowserContext) -> None:
    """Answer requests to other servers, for pictures and for the linked pages of messages."""

    def answer(route: Any) -> None:
        url = route.request.url
        if url.startswith(PICTURES) and "broken" not in url:
            route.fulfill(body=_PICTURE, content_type="image/svg+xml")
        elif url.startswith(PICTURES):
            route.fulfill(status=404)
        else:
            route.fulfill(body="<title>opened</title>", content_type="text/html")

    context.route(lambda url: "example.edu" in url, answer)


def without_streams(page: Page) -> None:
    """Abort the live streams of a page."""
    page.route("**/inbox/v1/stream?*", lambda route: route.abort())


@pytest.fixture
def open_inbox(chromium: Browser, server: Server) -> Iterator[OpenInbox]:
    """Open inboxes. At the end, no page may have reported an error."""
    screens: list[Screen] = []

    def open_it(token: str, *, wait: bool = True, **options: Any) -> Screen:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "reduced_motion": "reduce"} | options
        context = chromium.new_context(**settings)
        fake_web(context)
        page = context.new_page()
        screen = Screen(page, f"{server.url}/inbox", [])
        screens.append(screen)
        page.on("pageerror", lambda error: screen.errors.append(str(error)))
        page.on("console", lambda message: _note(screen, message.text))
        page.goto(f"{screen.url}#token={token}")
        if wait:
            expect(page.locator(".feed[aria-busy=false]")).to_be_attached()
        return screen

    yield open_it
    errors = [error for screen in screens for error in screen.errors]
    for screen in screens:
        screen.page.context.close()
    assert errors == []


def _note(screen: Screen, text: str) -> None:
    if "Content Security Policy" in text or "Content-Security-Policy" in text:
        screen.errors.append(text)


@pytest.fixture
def device(chromium: Browser, server: Server) -> Iterator[Device]:
    """A phone that nobody has used yet. At the end, no page may have reported an error."""
    context = chromium.new_context(locale="en-GB", reduced_motion="reduce", **PHONE)
    context.grant_permissions(["notifications"])
    opened = Device(context, server)
    yield opened
    context.close()
    assert opened.errors == []


@pytest.fixture
def token(raw: Raw, user: str) -> str:
    """A token for the inbox of `user`."""
    return user_token(raw, user)


def user_token(raw: Raw, user: str, **more: object) -> str:
    """Return a user token from the gateway."""
    answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, **more}).json()
    received: str = answer["userToken"]
    return received


def send_leave_request(client: Client, user: str, **more: Any) -> str:
    """Send an approval with every part of an oa card; return its id."""
    fields: dict[str, Any] = {
        "bg_color": "FF2F6FDE",
        "title": "李老师的请假申请",
        "content": "已与年级组协调好代课安排。",
        "form": [("时间", "11月25日 全天"), ("事由", "教研培训")],
        "image_url": f"{PICTURES}/wide.png",
        "file_count": 2,
        "author": "李老师",
        "approval": True,
    }
    places = {"pc_url": "https://oa.example.edu/leave/17", "app_url": "https://oa.example.edu/m/leave/17"}
    return client.send_oa(user, "请假审批", business_id="leave-17", **(places | fields | more))


def send_homework(client: Client, user: str, **more: Any) -> str:
    """Send a link; return its id."""
    fields: dict[str, Any] = {
        "title": "第三单元作业",
        "content": "请在周五前完成并上传。",
        "business_id": "homework-3",
        "pc_url": "https://homework.example.edu/3",
        "app_url": "https://homework.example.edu/m/3",
    }
    return client.send_link(user, **(fields | more))
