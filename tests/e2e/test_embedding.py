"""The component on another website."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, wait_for
from tests.e2e.conftest import fake_web, user_token
from tests.e2e.websites import Website, allow_website, website_of_others

Embed = Callable[..., Page]


@pytest.fixture(scope="module")
def website() -> Iterator[Website]:
    """A website that shows one document."""
    with website_of_others() as served:
        yield served


@pytest.fixture
def embed(
    chromium: Browser, server: Server, shared_database: str, app: Credentials, website: Website
) -> Iterator[Embed]:
    """Open a page of another website that the app allows, with the component in it."""
    wait_for(allow_website(shared_database, app.app_id, website.origin))
    contexts = []

    def open_it(token: str, attributes: str = "", script: str = "") -> Page:
        # High enough for the popover to fit below the bell with any fonts: it must not cover the rest of the page.
        context = chromium.new_context(
            locale="en-GB", reduced_motion="reduce", viewport={"width": 1280, "height": 1000}
        )
        contexts.append(context)
        fake_web(context)
        website.document = f"""<!doctype html><html lang="en"><title>School</title>
            <main><h1>School</h1><a href="#news">News</a></main>
            <script>window.seen = [];
            for (const name of ["counts", "message", "token-expired", "error"])
              addEventListener(`msg-inbox:${{name}}`, (event) => window.seen.push([name, event.detail]));
            </script>
            <msg-inbox token="{token}" {attributes}></msg-inbox><script>{script}</script>
            <script type="module" src="{server.url}/inbox/msg-inbox.js"></script>"""
        page = context.new_page()
        page.goto(website.origin)
        return page

    yield open_it
    for context in contexts:
        context.close()


def test_the_bell_counts_and_opens(embed: Embed, raw: Raw, client: Client, user: str) -> None:
    client.send_text(user, "from afar")
    page = embed(user_token(raw, user))
    bell = page.get_by_role("button", name="Messages, 1 unread")
    expect(bell).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("dialog")).to_be_hidden()
    bell.click()
    popover = page.get_by_role("dialog", name="Messages")
    expect(popover.get_by_text("from afar")).to_be_visible()
    client.send_text(user, "and live")
    expect(popover.get_by_text("and live")).to_be_visible()
    expect(page.get_by_role("button", name="Messages, 2 unread")).to_be_visible()
    page.keyboard.press("j")
    expect(popover.get_by_role("article").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(popover).to_be_hidden()
    expect(page.get_by_role("button", name="Messages, 2 unread")).to_be_focused()
    assert ["counts", {"unread": 2, "todo": 0}] in page.evaluate("window.seen")


def test_a_click_outside_closes_the_popover(embed: Embed, raw: Raw, user: str) -> None:
    page = embed(user_token(raw, user))
    page.get_by_role("button", name="Messages").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("link", name="News").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_panel_fills_its_place_in_the_colours_of_the_site(embed: Embed, raw: Raw, client: Client, user: str) -> None:
    client.send_text(user, "in a panel")
    script = """const inbox = document.querySelector("msg-inbox");
        inbox.style.cssText = `height: 500px; width: 400px;
            --msg-surface: rgb(1, 2, 3); --msg-text: rgb(250, 250, 250)`;"""
    page = embed(user_token(raw, user), 'mode="panel" theme="dark" lang="zh"', script=script)
    expect(page.get_by_text("in a panel")).to_be_visible()
    expect(page.get_by_role("tab", name="待办")).to_be_visible()
    frame = page.locator(".frame")
    assert frame.evaluate("element => getComputedStyle(element).backgroundColor") == "rgb(1, 2, 3)"
    box = frame.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (400, 500)


def test_the_host_page_renews_an_expired_token(embed: Embed, raw: Raw, client: Client, user: str) -> None:
    client.send_text(user, "behind a fresh token")
    fresh = user_token(raw, user)
    script = f"""document.querySelector("msg-inbox").renewToken = async () => {{
        window.renewals = (window.renewals ?? 0) + 1;
        return "{fresh}";
    }};"""
    page = embed("ended.token.indeed", 'mode="panel"', script=script)
    expect(page.get_by_text("behind a fresh token")).to_be_visible()
    client.send_text(user, "and the stream goes on")
    expect(page.get_by_text("and the stream goes on")).to_be_visible()
    assert page.evaluate("window.renewals") == 1


def test_the_host_page_gets_an_event_when_the_token_is_not_renewed(embed: Embed, raw: Raw, user: str) -> None:
    page = embed("ended.token.indeed", 'mode="panel"')
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    assert "token-expired" in [name for name, _ in page.evaluate("window.seen")]
    page.evaluate("token => document.querySelector('msg-inbox').setAttribute('token', token)", user_token(raw, user))
    expect(page.get_by_text("No messages yet")).to_be_visible()


def test_other_websites_cannot_load_messages(
    embed: Embed, raw: Raw, client: Client, user: str, shared_database: str, app: Credentials
) -> None:
    client.send_text(user, "not for them")
    wait_for(allow_website(shared_database, app.app_id, "https://another.example.edu"))
    page = embed(user_token(raw, user), 'mode="panel"')
    expect(page.get_by_text("Messages could not be loaded")).to_be_visible()
    expect(page.get_by_text("not for them")).to_have_count(0)
