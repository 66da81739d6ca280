"""What a browser loads before the first message is on screen."""

import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from bench.page.visit import NETWORKS
from bench.page.visit import visit as measured_visit
from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, wait_for
from tests.e2e.conftest import PHONE, send_homework, user_token
from tests.e2e.websites import allow_website, website_of_others


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A phone with an empty cache."""
    opened = chromium.new_context(locale="en-GB", **PHONE)
    yield opened
    opened.close()


def visit(context: BrowserContext, url: str, text: str) -> list[str]:
    """Open a page in a new tab and wait for a message. Return the URLs that were loaded, without queries."""
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    loaded: dict[str, str] = {}

    def received(event: dict[str, object]) -> None:
        response = event["response"]
        assert isinstance(response, dict)
        if not response["fromDiskCache"] and not response["url"].startswith("data:"):
            loaded[str(event["requestId"])] = response["url"].partition("?")[0]

    def from_cache(event: dict[str, str]) -> None:
        loaded.pop(event["requestId"], None)

    devtools.on("Network.responseReceived", received)
    devtools.on("Network.requestServedFromCache", from_cache)
    page.goto(url)
    expect(page.get_by_text(text)).to_be_visible()
    page.wait_for_timeout(500)
    page.close()
    return list(loaded.values())


def two_visits(chromium: Browser, url: str, text: str) -> tuple[list[str], list[str]]:
    """Return the URLs of a first and a second visit in which the streams brought the list.

    On a busy machine a stream may open too late, and the page then asks for the list: such visits are repeated.
    """
    attempts = 0
    while True:
        context = chromium.new_context(locale="en-GB", **PHONE)
        first, again = (visit(context, url, text) for _ in range(2))
        context.close()
        calls = [url for url in (*first, *again) if "/inbox/v1/" in url and not url.endswith("/stream")]
        if not calls:
            return first, again
        attempts += 1
        assert attempts < 5, f"the stream does not bring the list: {calls}"


def test_the_page_loads_nothing_twice_and_little_again(
    chromium: Browser, server: Server, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "quickly here")
    first, again = two_visits(chromium, f"{server.url}/inbox#token={user_token(raw, user)}", "quickly here")
    assert len(first) == len(set(first)) <= 7, first
    # Browsers load the icon at the end, perhaps only in the second visit.
    late_icon = {url for url in again if "/favicon-" in url} - set(first)
    assert set(again) - late_icon <= {f"{server.url}/inbox", f"{server.url}/inbox/v1/stream"}, again


def test_a_first_visit_of_a_tab_is_small_and_leaves_no_worker(
    chromium: Browser, server: Server, client: Client, raw: Raw, user: str
) -> None:
    """Decision 19: 40 kB with document and list, as a browser counts the bytes on the wire."""
    for number in range(5):
        send_homework(client, user, title=f"第{number}单元作业")
    context = chromium.new_context(locale="zh-CN", **PHONE)
    page_url = f"{server.url}/inbox#token={user_token(raw, user)}"
    taken = measured_visit(context, page_url, NETWORKS[0], wants_card=True)
    assert taken.bytes < 40_000, taken.responses
    page = context.new_page()
    page.goto(f"{server.url}/inbox/favicon.svg")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    context.close()


def test_an_embedding_page_loads_nothing_twice_and_little_again(
    chromium: Browser, server: Server, client: Client, raw: Raw, user: str, shared_database: str, app: Credentials
) -> None:
    client.send_text(user, "quickly there")
    with website_of_others() as website:
        wait_for(allow_website(shared_database, app.app_id, website.origin))
        website.document = f"""<!doctype html><html lang="en"><title>School</title><link rel="icon" href="data:,">
            <script type="module" src="{server.url}/inbox/msg-inbox.js"></script>
            <msg-inbox token="{user_token(raw, user)}" mode="panel"></msg-inbox>"""
        script, stream = f"{server.url}/inbox/msg-inbox.js", f"{server.url}/inbox/v1/stream"
        first, again = two_visits(chromium, website.origin, "quickly there")
        assert sorted(first) == sorted([f"{website.origin}/", script, stream])
        assert sorted(again) == sorted([f"{website.origin}/", stream])


def test_events_are_not_missed_while_the_script_loads(
    context: BrowserContext, server: Server, client: Client, raw: Raw, user: str
) -> None:
    changed = client.send_text(user, "to be read")
    recalled = client.send_text(user, "to be recalled")
    page = context.new_page()
    streams: list[Request] = []
    page.on("request", lambda request: streams.append(request) if "/stream" in request.url else None)
    opened, done = threading.Event(), threading.Event()

    def hold(route: Route) -> None:
        """Delay the script until the stream has sent its events."""
        page.wait_for_function("() => window.msgInboxEarlyStream?.events.some(({ type }) => type === 'list')")
        opened.set()
        client.set_status(user, [changed])
        client.recall(recalled)
        client.send_text(user, "meanwhile")
        page.wait_for_function(
            "() => ['status', 'removed', 'message'].every("
            "name => window.msgInboxEarlyStream.events.some(({ type }) => type === name))"
        )
        done.set()
        route.continue_()

    page.route(re.compile(r"/inbox/page-[0-9a-f]{16}\.js"), hold)
    page.goto(f"{server.url}/inbox#token={user_token(raw, user)}")
    cards = page.get_by_role("article")
    expect(cards).to_have_count(2)
    assert opened.is_set()
    assert done.is_set()
    expect(cards.first).to_contain_text("meanwhile")
    expect(page.locator("article.unread")).to_have_count(1)
    client.send_text(user, "and afterwards")
    expect(cards.first).to_contain_text("and afterwards")
    assert len(streams) == 1
    assert page.evaluate("'msgInboxEarlyStream' in window") is False
    assert "token" not in page.url


def test_a_stream_without_a_list_does_not_hold_up_the_inbox(
    context: BrowserContext, server: Server, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "asked for")
    page = context.new_page()
    page.route("**/inbox/v1/stream?*", lambda route: route.continue_(url=route.request.url.replace("&list=30", "")))
    page.goto(f"{server.url}/inbox#token={user_token(raw, user)}")
    expect(page.get_by_text("asked for")).to_be_visible()


def test_the_only_inline_script_is_the_one_that_the_policy_names(server: Server) -> None:
    answer = httpx.get(f"{server.url}/inbox", trust_env=False)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
    inline = [body for attributes, body in scripts if "src=" not in attributes]
    assert len(inline) == 1
    digest = b64encode(sha256(inline[0].encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert directives["script-src"] == f"'self' 'sha256-{digest}'"
    assert directives["style-src"] == "'self'"
    assert directives["default-src"] == "'none'"


def test_a_page_from_before_an_upgrade_still_finds_its_script(server: Server) -> None:
    document = httpx.get(f"{server.url}/inbox", trust_env=False).text
    for name in re.findall(r'"(inbox/[a-z]+-[0-9a-f]{16}\.[a-z]+)"', document):
        now = httpx.get(f"{server.url}/{name}", trust_env=False)
        assert now.headers["cache-control"] == "public, max-age=31536000, immutable"
        before = httpx.get(f"{server.url}/{re.sub('[0-9a-f]{16}', '0' * 16, name)}", trust_env=False)
        assert (before.status_code, before.content) == (200, now.content)
        assert before.headers["cache-control"] == "no-cache"


def test_addresses_with_a_token_are_not_cached(
    context: BrowserContext, server: Server, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "a secret")
    token = user_token(raw, user)
    page: Page = context.new_page()
    answers = []
    page.on("response", lambda response: answers.append((response.url, response.headers.get("cache-control"))))
    page.goto(f"{server.url}/inbox#token={token}")
    expect(page.get_by_text("a secret")).to_be_visible()
    assert [(url.partition("?")[0], cache) for url, cache in answers if token in url.partition("#")[0]] == [
        (f"{server.url}/inbox/v1/stream", "no-store")
    ]
