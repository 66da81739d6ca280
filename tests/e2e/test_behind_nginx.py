"""Behind a real nginx: with TLS on another port, and under a path of a website."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter_client import Client
from tests.conftest import Credentials, Raw, Server, running_server, wait_for
from tests.e2e.conftest import user_token
from tests.e2e.every_page import world_on
from tests.e2e.portal_screens import Desk, open_desk
from tests.e2e.websites import allow_website, website_of_others
from tests.gateway.calls import until
from tests.nginx import documented, running_nginx
from tests.portal.conftest import PASSWORD

RawOf = Callable[[Server], Raw]
CUT_OFF = "proxy_pass http://msgcenter/;"
PASSED_ON = "proxy_pass http://msgcenter;"


@dataclass
class Behind:
    """A server and its public URL. Tests of all pages look at every `nth` page."""

    server: Server
    url: str
    nth: int = 1


@pytest.fixture(scope="module")
def tls(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """The server, configured as in "Behind nginx" of docs/operating.md."""
    with running_nginx(tmp_path_factory.mktemp("nginx"), server.url, documented("Behind nginx"), tls=True) as url:
        yield Behind(server, url)


WAYS = {
    "cut off, set by the header": (CUT_OFF, "/msg", {}),
    "passed on, set by the setting": (PASSED_ON, "", {"BASE_PATH": "/msg"}),
}


@pytest.fixture(scope="module", params=WAYS)
def under(
    request: pytest.FixtureRequest, shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    """A server under a path, configured as in "Under a path of a website"."""
    folder = tmp_path_factory.mktemp("under")
    proxy_pass, header, settings = WAYS[request.param]
    with (
        running_server(shared_database, folder, **settings) as server,
        running_nginx(folder, server.url, site_under(proxy_pass, header), tls=True) as url,
    ):
        # Pages do not depend on the way: tests/web/test_base_path.py shows that requests look the same.
        yield Behind(server, f"{url}/msg", nth=6 if settings else 1)


def site_under(proxy_pass: str, header: str) -> str:
    """Return the documented site with another proxy_pass and another X-Forwarded-Prefix."""
    site = documented("Under a path of a website")
    site = re.sub(r"proxy_pass http://msgcenter/?;", proxy_pass, site)
    return site.replace("X-Forwarded-Prefix /msg;", f'X-Forwarded-Prefix "{header}";')


@contextmanager
def desk_before(chromium: Browser, behind: Behind, **options: Any) -> Iterator[Desk]:
    """Open a browser with the portal behind nginx. At the end it must not have logged errors."""
    desk = open_desk(chromium, replace(behind.server, url=behind.url), ignore_https_errors=True, **options)
    yield desk
    desk.context.close()
    assert desk.complaints == []


@pytest.fixture
def raw_of(app: Credentials) -> Iterator[RawOf]:
    """Return a function that opens raw HTTP to a server, with a token of `app`."""
    opened: list[Raw] = []

    def open_it(server: Server) -> Raw:
        form = {"grant_type": "client_credentials", "client_id": app.app_id, "client_secret": app.app_key}
        token = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).json()["access_token"]
        opened.append(Raw(server, token))
        return opened[-1]

    yield open_it
    for visitor in opened:
        visitor.http.close()


def inbox_page(desk: Desk, token: str) -> Page:
    """Open the inbox in a new tab and wait for its list."""
    page = desk.context.new_page()
    page.on("pageerror", lambda error: desk.complaints.append(str(error)))
    page.goto(f"{desk.url}/inbox#token={token}")
    expect(page.locator(".feed[aria-busy=false]")).to_be_attached()
    return page


# --- TLS on another port --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["$http_host", "$host"])
def test_messages_are_set_read_behind_tls_on_another_port(
    chromium: Browser, server: Server, client: Client, raw: Raw, user: str, host: str, tmp_path: Path
) -> None:
    site = documented("Behind nginx")
    assert "proxy_set_header Host $http_host;" in site
    message_id = client.send_text(user, "over TLS")
    with (
        running_nginx(tmp_path, server.url, site.replace("$http_host", host), tls=True) as url,
        desk_before(chromium, Behind(server, url)) as desk,
    ):
        page = inbox_page(desk, user_token(raw, user))
        page.get_by_role("article").hover()
        page.get_by_role("button", name="Mark as read", exact=True).click()
        until(lambda: client.unread_count(user) == 0)
        client.set_status(user, [message_id], read=False)
        expect(page.locator("article.unread")).to_have_count(1)
        page.get_by_role("button", name="Mark all as read").click()
        until(lambda: client.unread_count(user) == 0)


def test_addresses_that_the_portal_shows_have_the_port(tls: Behind) -> None:
    shown = httpx.get(f"{tls.url}/portal/docs/sendMsg", verify=False, trust_env=False).text  # noqa: S501
    assert f"{tls.url}/msgCenter/message/sendMsg" in shown


def test_another_website_is_refused_behind_tls_as_well(tls: Behind, raw: Raw, user: str) -> None:
    with httpx.Client(verify=False, trust_env=False) as http:  # noqa: S501
        for headers in (
            {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
            {"sec-fetch-site": "same-site", "origin": f"https://localhost:{1 + (urlsplit(tls.url).port or 0)}"},
            {"origin": "https://evil.example"},
        ):
            answer = http.post(
                f"{tls.url}/inbox/v1/messages/status",
                json={"ids": ["1"], "read": True},
                headers={"authorization": f"Bearer {user_token(raw, user)}", **headers},
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")


# --- Under a path ---------------------------------------------------------------------------------------------------


def test_a_newcomer_signs_up_and_sends_a_message_that_is_read(
    chromium: Browser, under: Behind, user: str, app: Credentials
) -> None:
    assert app.platform_code, "there is a platform to register an app on"
    with desk_before(chromium, under) as desk:
        outside = requests_outside(desk.page, under.url)
        page = desk.page
        page.goto(f"{under.url}/")
        expect(page).to_have_url(f"{under.url}/portal")
        page.get_by_role("link", name="Sign up").click()
        page.locator("#f-name").fill("Wang Fang")
        page.locator("#f-login").fill(f"{user}@example.edu")
        page.locator("#f-password").fill("correct horse battery")
        page.locator("main form button").click()
        page.wait_for_url(f"{under.url}/portal/apps?done=welcome")
        app_id, app_key = desk.register_app("Homework")
        page.get_by_role("link", name="send the first message").click()
        sandbox = page.locator("#sandbox")
        expect(sandbox.locator(".feed[aria-busy=false]")).to_be_attached()
        page.get_by_role("button", name="Send", exact=True).click()
        expect(sandbox.get_by_role("article")).to_have_count(1)
        page.get_by_role("link", name="Next: set it read").click()
        expect(sandbox.locator("article.unread")).to_have_count(1)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(sandbox.get_by_role("article")).to_have_count(1)
        expect(sandbox.locator("article.unread")).to_have_count(0)

        with Client(under.url, app_id, app_key, transport=httpx.HTTPTransport(verify=False)) as client:
            page = inbox_page(desk, client.user_token(f"sandbox-{app_id}").token)
            outside += requests_outside(page, under.url)
            client.send_text(f"sandbox-{app_id}", "live, under a path")
            expect(page.get_by_text("live, under a path")).to_be_visible()
            page.get_by_role("button", name="Mark all as read").click()
            expect(page.locator("article.unread")).to_have_count(0)
            until(lambda: client.unread_count(f"sandbox-{app_id}") == 0)
        assert outside == []


def requests_outside(page: Page, url: str) -> list[str]:
    """Return a list that collects the requests of the page to the website outside of the path."""
    outside: list[str] = []
    origin = f"https://{urlsplit(url).netloc}"

    def note(requested: str) -> None:
        if requested.startswith(f"{origin}/") and not requested.startswith((f"{url}/", f"{url}?")):
            outside.append(requested)

    page.on("request", lambda request: note(request.url))
    return outside


_LINKS = """(name) => [...document.querySelectorAll(`[${name}]`)]
  .map((one) => new URL(one.getAttribute(name), document.baseURI).href)"""


def links(page: Page, *attributes: str) -> set[str]:
    """Return the URLs in these attributes of the page."""
    return {link.partition("#")[0] for name in attributes for link in page.evaluate(_LINKS, name)}


@pytest.mark.slow
def test_every_link_of_every_page_stays_under_the_path(
    chromium: Browser, under: Behind, shared_database: str, server: Server
) -> None:
    seen: set[str] = set()
    forms: set[str] = set()
    with world_on(server, shared_database) as world, desk_before(chromium, under) as desk:
        outside = requests_outside(desk.page, under.url)
        for path in ("", "/login", "/sign-up"):
            desk.go(path)
            seen |= links(desk.page, "href", "src")
            forms |= links(desk.page, "action")
        desk.go("/operator/people")  # leads to the login, and back
        desk.page.locator("#f-login").fill(world.login)
        desk.page.locator("#f-password").fill(PASSWORD)
        desk.page.locator("main form button").click()
        desk.page.wait_for_url(f"{under.url}/portal/operator/people")
        expect(desk.page.locator("[aria-current=page]")).to_have_text(["Operate", "People"])
        for path in world.paths()[:: under.nth]:
            answer = desk.page.goto(f"{under.url}/portal{path}")
            assert answer is not None
            assert answer.ok or path == "/nothing", f"{path}: {answer.status}"
            seen |= links(desk.page, "href", "src")
            forms |= links(desk.page, "action", "formaction")
        website = f"https://{urlsplit(under.url).netloc}/"
        ours = {link for link in seen if link.startswith(website)}
        assert [link for link in sorted(ours | forms) if not link.startswith(f"{under.url}/")] == []
        for link in sorted(ours):
            followed = desk.page.request.get(link, max_redirects=0)
            assert followed.status in {200, 303} or "/nothing" in link, f"{link}: {followed.status}"
            if followed.status == 303:
                assert followed.headers["location"].startswith("/msg/"), link
        assert outside == []


def test_the_component_finds_its_server_under_a_path(
    chromium: Browser, under: Behind, raw_of: RawOf, shared_database: str, app: Credentials, user: str
) -> None:
    raw = raw_of(under.server)
    with website_of_others() as website:
        wait_for(allow_website(shared_database, app.app_id, website.origin))
        website.document = f"""<!doctype html><html lang="en"><title>School</title><main><h1>School</h1></main>
            <msg-inbox token="{user_token(raw, user)}" mode="panel"></msg-inbox>
            <script type="module" src="{under.url}/inbox/msg-inbox.js"></script>"""
        context = chromium.new_context(locale="en-GB", ignore_https_errors=True)
        page = context.new_page()
        outside = requests_outside(page, under.url)
        page.goto(website.origin)
        expect(page.get_by_text("No messages yet")).to_be_visible()
        raw.post("sendMsg", {"receiverIds": [user], "msgtype": "text", "text": {"content": "over there"}})
        expect(page.get_by_text("over there")).to_be_visible()
        page.get_by_role("button", name="Mark all as read").click()
        expect(page.locator("article.unread")).to_have_count(0)
        context.close()
    assert outside == []


def test_addresses_and_cookies_are_those_of_the_path(under: Behind) -> None:
    with httpx.Client(verify=False, trust_env=False) as http:  # noqa: S501
        for document in ("/openapi.json", "/inbox/v1/openapi.json"):
            assert http.get(under.url + document).json()["servers"] == [{"url": "/msg"}]
        sample = http.get(f"{under.url}/portal/docs/sendMsg?lang=en")
        assert f"{under.url}/msgCenter/message/sendMsg" in sample.text
        assert "lang=en; HttpOnly; Max-Age=31536000; Path=/msg; SameSite=lax" in sample.headers["set-cookie"]
        answer = http.get(f"{under.url}/portal/apps")
        assert (answer.status_code, answer.headers["location"]) == (303, "/msg/portal/login")
        assert "Path=/msg/portal" in answer.headers["set-cookie"]
        assert http.get(f"{under.url}/").headers["location"] == "/msg/portal"
        assert http.get(f"{under.url}/healthz").status_code == 200
        assert http.get(f"{under.url}/nothing").status_code == 404
        assert http.get(f"{under.url}/portal/static/portal.css").status_code == 200


@pytest.mark.parametrize("proxy_pass", [CUT_OFF, PASSED_ON])
@pytest.mark.parametrize("header", ["/msg", "/msg/"])
def test_the_header_alone_is_enough_however_the_path_is_passed(
    server: Server, proxy_pass: str, header: str, tmp_path: Path
) -> None:
    with running_nginx(tmp_path, server.url, site_under(proxy_pass, header), tls=True) as url:
        page = httpx.get(f"{url}/msg/portal/login", verify=False, trust_env=False)  # noqa: S501
    assert page.status_code == 200
    assert 'href="/msg/portal/sign-up"' in page.text
    assert 'action="/msg/portal/login"' in page.text
