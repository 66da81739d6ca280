"""The portal in a browser: opening pages, logging in, and recording errors of the console."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import Server

PASSWORD = "correct horse battery"


@dataclass
class Desk:
    """The browser of one person with the portal."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        self.page.goto(f"{self.url}/portal{path}")

    def sign_up(self, login: str, name: str = "Wang Fang") -> None:
        """Create an account with the form."""
        self.go("/sign-up")
        self.page.locator("#f-name").fill(name)
        self.page.locator("#f-login").fill(login)
        self.page.locator("#f-password").fill(PASSWORD)
        self.page.locator("main form button").click()
        self.page.wait_for_url("**/portal/apps?done=welcome")

    def log_in(self, login: str) -> None:
        """Log in."""
        self.go("/login")
        self.page.locator("#f-login").fill(login)
        self.page.locator("#f-password").fill(PASSWORD)
        self.page.locator("main form button").click()
        self.page.wait_for_url("**/portal/apps")

    def register_app(self, name: str) -> tuple[str, str]:
        """Register an app and return the appId and the appKey that is shown once."""
        self.go("/apps/new")
        self.page.locator("#f-name").fill(name)
        self.page.locator("main form button").click()
        expect(self.page.locator("#app-key")).to_be_visible()
        app_id = self.page.locator("code[data-copy]").first.inner_text()
        return app_id, self.page.locator("#app-key").inner_text()


def open_desk(chromium: Browser, server: Server, **options: Any) -> Desk:
    """Open a browser that records errors and violations of the pages' security policy."""
    settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "reduced_motion": "reduce"} | options
    context = chromium.new_context(**settings)
    context.set_default_timeout(30_000)
    desk = Desk(context, context.new_page(), server.url)
    desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    desk.page.on("console", lambda message: _note(desk, message.type, message.text))
    return desk


def _note(desk: Desk, kind: str, text: str) -> None:
    # The browser logs expected refusals as well: "Failed to load resource: … 422".
    if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
        desk.complaints.append(text)
