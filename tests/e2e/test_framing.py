"""The page /inbox in a frame: only websites of the token's app may embed it."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.database.database import Database
from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, new_app, wait_for
from tests.e2e.conftest import fake_web, user_token, without_streams
from tests.e2e.websites import Website, website_of_others


@pytest.fixture(scope="module")
def website() -> Iterator[Website]:
    """A website that shows one document."""
    with website_of_others() as served:
        yield served


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a new browser."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    fake_web(context)
    yield context.new_page()
    context.close()


async def set_up(database_url: str, app_id: str, *origins: str, live: bool = True) -> None:
    """Allow websites to use an app's tokens."""
    async with Database(database_url, connections=2) as database:
        settings = AppSettings(database)
        await settings.set_inbox(app_id, origins=origins)
        await settings.set_live(app_id, live=live)


def framed(url: str) -> str:
    """Return a document that shows a page in a frame."""
    return f'<!doctype html><title>x</title><iframe width=900 height=700 src="{url}"></iframe>'


def policy(server: Server, path: str, **headers: str) -> list[str]:
    """Return the websites that may frame the page, from its header."""
    answer = httpx.get(server.url + path, headers=headers, trust_env=False)
    return answer.headers["content-security-policy"].partition("frame-ancestors ")[2].split()


def test_the_header_names_the_websites_of_one_live_app(server: Server, shared_database: str, app: Credentials) -> None:
    mine, other = "https://mine.example", "https://other.example"
    wait_for(set_up(shared_database, app.app_id, mine, "https://mine-too.example"))
    stranger = wait_for(new_app(shared_database))
    wait_for(set_up(shared_database, stranger.app_id, other, live=False))
    assert policy(server, "/inbox") == ["'self'"]
    assert policy(server, f"/inbox?app={app.app_id}") == ["'self'", "https://mine-too.example", mine]
    assert policy(server, f"/inbox?app={stranger.app_id}") == ["'self'"]
    assert policy(server, "/inbox?app=nobody") == ["'self'"]
    assert policy(server, "/inbox", referer=f"{mine}/some/page") == ["'self'", mine]
    assert policy(server, "/inbox", referer=f"{other}/") == ["'self'"]
    assert policy(server, "/inbox", referer="nonsense") == ["'self'"]


@pytest.mark.parametrize("named", [True, False])
def test_a_website_of_the_app_shows_its_inbox(
    page: Page, server: Server, shared_database: str, app: Credentials, client: Client, raw: Raw, user: str,
    website: Website, *, named: bool,
) -> None:  # fmt: skip
    wait_for(set_up(shared_database, app.app_id, website.origin))
    client.send_text(user, "in a frame")
    query = f"?app={app.app_id}" if named else ""
    website.document = framed(f"{server.url}/inbox{query}#token={user_token(raw, user)}")
    page.goto(website.origin)
    expect(page.frame_locator("iframe").get_by_text("in a frame")).to_be_visible()


def test_a_website_of_another_app_does_not_show_it(
    page: Page, server: Server, shared_database: str, app: Credentials, client: Client, raw: Raw, user: str,
    website: Website,
) -> None:  # fmt: skip
    other = wait_for(new_app(shared_database))
    wait_for(set_up(shared_database, other.app_id, website.origin))
    client.send_text(user, "not for this frame")
    website.document = framed(f"{server.url}/inbox?app={other.app_id}#token={user_token(raw, user)}")
    page.goto(website.origin)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("may not show this inbox")).to_be_visible()
    expect(frame.get_by_text("not for this frame")).to_have_count(0)


def test_announcements_have_a_mark_that_messages_cannot_imitate(
    page: Page, server: Server, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "an ordinary one")
    without_streams(page)  # so that the page requests the list itself
    page.route("**/inbox/v1/messages?*", _with_an_announcement)
    page.goto(f"{server.url}/inbox#token={user_token(raw, user)}")
    cards = page.locator("article")
    expect(cards).to_have_count(2)
    expect(page.locator(".official")).to_have_count(1)
    expect(cards.filter(has_text="from the platform").locator(".official")).to_have_text("Official announcement")


def _with_an_announcement(route: object) -> None:
    answer = route.fetch()  # type: ignore[attr-defined]
    page = answer.json()
    (message,) = page["messages"]
    platform = {
        **message,
        "id": str(int(message["id"]) - 1),
        "announcement": True,
        "body": {"content": "from the platform"},
    }
    page["messages"].append(platform)
    route.fulfill(response=answer, json=page)  # type: ignore[attr-defined]
