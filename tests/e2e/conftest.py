"""A real browser before a real server. Debian's Chromium is used; MSGCENTER_CHROMIUM names another one."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from msgcenter_client import Client
from tests.conftest import Raw, Server

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 15_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PICTURES = "https://pictures.example.edu"
_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320">'
    '<rect width="640" height="320" fill="#9cf"/></svg>'
)


# One browser for each file of tests, not for the session: its driver keeps an event loop running in this thread,
# which the asynchronous tests of other files could not stand.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    path = os.environ.get("MSGCENTER_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium here (Debian, Ubuntu: apt-get install chromium)")
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Screen:
    """An inbox on screen, as its user sees it."""

    page: Page
    url: str
    complaints: list[str]

    @property
    def cards(self) -> Locator:
        """The messages."""
        return self.page.get_by_role("article")

    @property
    def unread_cards(self) -> Locator:
        """The messages that are shown as unread."""
        return self.page.locator("article.unread")

    @property
    def scroller(self) -> Locator:
        """What scrolls."""
        return self.page.get_by_role("tabpanel")

    def card(self, text: str) -> Locator:
        """The message with this text."""
        return self.cards.filter(has_text=text)

    def tab(self, name: str) -> Locator:
        """A tab, by its name."""
        return self.page.get_by_role("tab", name=name)

    def button(self, name: str) -> Locator:
        """A button, by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def choose(self, card: Locator, action: str) -> None:
        """Choose an action from a message's menu."""
        card.hover()
        card.get_by_role("button", name="More actions").click()
        self.page.get_by_role("menuitem", name=action).click()

    def focused(self) -> str:
        """The name of what has the focus, in the shadow tree or outside."""
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
    """Answer for the other servers of this world: pictures, and the pages that messages lead to."""

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
    """Let no live stream of a page get through."""
    page.route("**/inbox/v1/stream?*", lambda route: route.abort())


@pytest.fixture
def open_inbox(chromium: Browser, server: Server) -> Iterator[OpenInbox]:
    """Opens inboxes; at the end no browser may have complained about the page."""
    screens: list[Screen] = []

    def open_it(token: str, *, wait: bool = True, **options: Any) -> Screen:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "reduced_motion": "reduce"} | options
        context = chromium.new_context(**settings)
        fake_web(context)
        page = context.new_page()
        screen = Screen(page, f"{server.url}/inbox", [])
        screens.append(screen)
        page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        page.on("console", lambda said: _note(screen, said.text))
        page.goto(f"{screen.url}#token={token}")
        if wait:
            expect(page.locator(".feed[aria-busy=false]")).to_be_attached()
        return screen

    yield open_it
    complaints = [complaint for screen in screens for complaint in screen.complaints]
    for screen in screens:
        screen.page.context.close()
    assert complaints == []


def _note(screen: Screen, said: str) -> None:
    if "Content Security Policy" in said or "Content-Security-Policy" in said:
        screen.complaints.append(said)


@pytest.fixture
def token(raw: Raw, user: str) -> str:
    """A token that opens the inbox of `user`."""
    return user_token(raw, user)


def user_token(raw: Raw, user: str, **more: object) -> str:
    """Return a user token from the gateway."""
    answer = raw.post("/msgCenter/user/getUserToken", {"publisherId": user, **more}).json()
    received: str = answer["userToken"]
    return received


def send_leave_request(client: Client, user: str, **more: Any) -> str:
    """Send an approval with every part of an oa card; return its id."""
    given: dict[str, Any] = {
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
    return client.send_oa(user, "请假审批", business_id="leave-17", **(places | given | more))


def send_homework(client: Client, user: str, **more: Any) -> str:
    """Send a link; return its id."""
    given: dict[str, Any] = {
        "title": "第三单元作业",
        "content": "请在周五前完成并上传。",
        "business_id": "homework-3",
        "pc_url": "https://homework.example.edu/3",
        "app_url": "https://homework.example.edu/m/3",
    }
    return client.send_link(user, **(given | more))
