"""The way of a new developer through the portal in a real browser."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Protocol

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter_client import Client
from tests.conftest import Credentials, Server
from tests.e2e.accessibility import ANY, violations
from tests.e2e.conftest import PHONE
from tests.e2e.portal_screens import Desk, open_desk
from tests.gateway.calls import until
from tests.portal.conftest import PASSWORD, Visitor
from tests.portal.test_apps import made_app

Json = dict[str, Any]


class OpenDesk(Protocol):
    """Opens the portal in a new browser. `options` are those of a browser context."""

    def __call__(self, **options: Any) -> Desk: ...


@pytest.fixture
def desks(chromium: Browser, server: Server, app: Credentials) -> Iterator[OpenDesk]:
    """Opens browsers with a portal that has a platform (that of `app`). At the end none may have logged errors."""
    assert app.platform_code
    opened: list[Desk] = []

    def open_it(**options: Any) -> Desk:
        opened.append(open_desk(chromium, server, **options))
        return opened[-1]

    yield open_it
    complaints = [complaint for desk in opened for complaint in desk.complaints]
    for desk in opened:
        desk.context.close()
    assert complaints == []


@pytest.fixture
def newcomer(desks: OpenDesk, server: Server, app: Credentials, user: str) -> tuple[Desk, str, str]:
    """A person who has signed up and registered an app: the browser, the appId and the appKey.

    This is done without the browser, which takes longer; `test_from_the_start_page_...` does it in the browser.
    """
    visitor = Visitor(server.url)
    login = {"name": "Wang Fang", "login": f"{user}@example.edu", "password": PASSWORD}
    assert visitor.post("/sign-up", **login).status_code == 303
    app_id, app_key = made_app(visitor, "Homework", app.platform_code)
    visitor.http.close()
    desk = desks()
    desk.context.add_cookies(
        [
            {"name": name, "value": value, "url": server.url.replace("http:", "https:"), "secure": True}
            for name, value in visitor.cookies.items()
        ]
    )
    return desk, app_id, app_key


def request_of(page: Page) -> Json:
    """Return the request in the form for trying a call."""
    request: Json = json.loads(page.get_by_label("Request (JSON)").input_value())
    return request


def send(page: Page) -> Json:
    """Press Send and return the answer that is shown."""
    with page.expect_response(re.compile("/msgCenter/")):
        page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#try-answer")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    answer: Json = json.loads(page.locator("#try-text").inner_text())
    return answer


# --- The way of a newcomer ------------------------------------------------------------------------------------------


def test_from_the_start_page_to_the_first_message_and_its_read_state(
    desks: OpenDesk, server: Server, user: str
) -> None:
    desk = desks()
    page = desk.page
    page.goto(server.url)
    expect(page).to_have_url(f"{server.url}/portal")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Your name").fill("Wang Fang")
    page.get_by_label("E-mail address").fill(f"{user}@example.edu")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("status")).to_have_text("Welcome! Your account is ready")
    page.get_by_role("link", name="Register an app").click()
    page.get_by_label("Name").fill("Homework")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("shown only once")).to_be_visible()
    app_id, key = page.locator("code[data-copy]").first.inner_text(), page.locator("#app-key").inner_text()
    page.get_by_role("link", name="send the first message").click()
    expect(page).to_have_url(f"{server.url}/portal/docs/sendMsg?app={app_id}#try")
    inbox = page.locator("#sandbox msg-inbox")
    expect(inbox.get_by_text("No messages yet")).to_be_visible()

    sent = send(page)
    assert (sent["retCode"], page.locator("#try-code").inner_text()) == ("000000", "000000")
    card = inbox.get_by_role("article")
    expect(card).to_have_count(1)
    expect(card).to_contain_text("Fire drill tomorrow at nine")
    expect(card).to_have_class(re.compile("unread"))

    page.get_by_role("link", name="Next: set it read").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("modMsgStatus")
    expect(page.get_by_label("Request (JSON)")).to_have_value(re.compile(f'"{sent["msgId"]}"'))
    expect(card).to_have_class(re.compile("unread"))
    assert send(page)["retCode"] == "000000"
    expect(card).not_to_have_class(re.compile("unread"))

    page.get_by_role("link", name="Next: see who has read it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("getMsgStatus")
    status = send(page)
    assert (status["read"], status["details"][0]["userId"]) == (1, f"sandbox-{app_id}")

    # Also send with the SDK and the key that was shown once: the message appears live.
    with Client(server.url, app_id, key) as client:
        client.send_text(f"sandbox-{app_id}", "from my own system")
    expect(card).to_have_count(2)
    expect(card.first).to_contain_text("from my own system")
    page.goto(f"{server.url}/portal/apps/{app_id}/keys")
    assert key not in page.content(), "the key is not shown a second time"

    # A few seconds later the log shows both messages, and the statistics show all calls.
    page.get_by_role("link", name="Messages").click()
    expect(page.locator(".log tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Statistics").click()
    page.get_by_role("link", name="Week").click()
    until(lambda: calls_counted(page, "sendMsg") == 2, pause=0.5)
    assert [calls_counted(page, name) for name in ("modMsgStatus", "getMsgStatus")] == [1, 1]


def calls_counted(page: Page, api: str) -> int:
    """Return the number of calls of an API in the statistics."""
    page.reload()
    row = page.get_by_role("row", name=api)
    return int(row.get_by_role("cell").first.inner_text()) if row.count() else 0


def test_everything_but_trying_calls_works_without_scripts(desks: OpenDesk, server: Server, user: str) -> None:
    desk = desks(java_script_enabled=False)
    desk.sign_up(f"{user}@example.edu")
    app_id, key = desk.register_app("Plain")
    desk.go(f"/apps/{app_id}/settings")
    desk.page.get_by_label("Name", exact=True).fill("Plainer")
    desk.page.get_by_role("button", name="Save").first.click()
    expect(desk.page.get_by_role("status")).to_have_text("Saved")
    desk.go("/docs/sendMsg")
    desk.page.get_by_text("python3 call.py").click()
    expect(desk.page.get_by_text("import hmac")).to_be_visible()
    desk.page.get_by_role("searchbox").fill("publisherId")
    desk.page.get_by_role("searchbox").press("Enter")
    expect(desk.page.get_by_role("heading", name="Search: publisherId")).to_be_visible()
    desk.go("/docs/debugger")
    desk.page.get_by_label("timeStamp").fill("1")
    desk.page.get_by_label("keyInfo").fill("0" * 64)
    desk.page.get_by_role("button", name="Check").click()
    expect(desk.page.get_by_text("behind the server's")).to_be_visible()
    assert key not in desk.page.content()
    desk.page.get_by_text("Plainer").or_(desk.page.locator(".menu summary")).first.click()
    desk.page.get_by_role("button", name="Log out").click()
    expect(desk.page.get_by_role("status")).to_have_text("You are logged out")


def test_an_error_is_shown_at_its_field_and_the_input_is_kept(desks: OpenDesk, user: str) -> None:
    desk = desks()
    page = desk.page
    desk.go("/sign-up")
    page.get_by_label("Your name").fill("Wang Fang")
    page.get_by_label("E-mail address").fill(f"{user}@example.edu")
    page.get_by_label("Password").fill("aaaaaaaaaaaa")
    page.get_by_role("button", name="Create the account").click()
    password = page.get_by_label("Password")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description("is too easy to guess; choose another one")
    expect(page.get_by_label("Your name")).to_have_value("Wang Fang")
    expect(page.get_by_label("E-mail address")).to_have_value(f"{user}@example.edu")


# --- Trying a call --------------------------------------------------------------------------------------------------


def test_the_familys_own_call_is_previewed_with_the_senders_name(newcomer: tuple[Desk, str, str]) -> None:
    desk, app_id, _ = newcomer
    page = desk.page
    desk.go(f"/docs/sendAppMsg?app={app_id}")
    card = page.locator("#preview article")
    expect(card.get_by_text("Fire drill tomorrow at nine")).to_be_visible()
    expect(card.locator(".from .sender")).to_have_text("Ms Li")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(card.get_by_role("heading", name="Homework for unit three")).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#try-code")).to_have_text("000000")
    sandbox = page.locator("#sandbox article")
    expect(sandbox.locator(".from .sender")).to_have_text("Ms Li")


def test_the_card_is_previewed_while_it_is_typed(newcomer: tuple[Desk, str, str]) -> None:
    desk, app_id, _ = newcomer
    page = desk.page
    desk.go(f"/docs/sendMsg?app={app_id}")
    preview = page.locator("#preview")
    body = page.get_by_label("Request (JSON)")
    expect(preview.get_by_text("Fire drill tomorrow at nine")).to_be_visible()
    request = request_of(page)
    request["text"]["content"] = "It begins at eleven"
    body.fill(json.dumps(request))
    expect(preview.get_by_text("It begins at eleven")).to_be_visible()
    body.press("End")
    body.press_sequentially(" and this is no JSON")
    expect(preview.get_by_text("It begins at eleven")).to_be_visible()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Invalid JSON")
    expect(body).to_be_focused()
    page.get_by_role("button", name="Link", exact=True).click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(preview.get_by_role("heading", name="Homework for unit three")).to_be_visible()
    page.get_by_role("button", name="Card", exact=True).click()
    expect(page.get_by_role("button", name="Card", exact=True)).to_have_attribute("aria-pressed", "true")
    for text in ("Leave request", "Ms Wang asks for a day off", "Training of the city's teachers", "Attachments: 2"):
        expect(preview.get_by_text(text)).to_be_visible()
    request = request_of(page)
    request["oa"]["head"]["bgColor"] = "FF0B7A5E"
    body.fill(json.dumps(request))
    colour = preview.locator(".oa-head").evaluate("head => getComputedStyle(head).backgroundColor")
    assert colour == "rgb(11, 122, 94)"
    # null and "" count as absent, as in the call.
    nulls = {"title": "Only this", "content": None, "form": None, "imageUrl": None, "author": None, "fileCount": None}
    request |= {"pcUrl": "https://oa.example.edu/18", "msgType": None, "link": None}
    request["oa"] = {"head": request["oa"]["head"], "body": nulls, "busiId": None, "pcUrl": "", "appUrl": None}
    body.fill(json.dumps(request))
    expect(preview.get_by_role("heading", name="Only this")).to_be_visible()
    expect(preview.locator("a.target").last).to_have_attribute("href", "https://oa.example.edu/18")
    body.fill('{"msgtype": "text"}')
    expect(preview.get_by_role("article")).to_have_count(0)


def test_an_answer_comes_with_its_time_and_request_id(newcomer: tuple[Desk, str, str]) -> None:
    desk, app_id, _ = newcomer
    page = desk.page
    desk.go(f"/docs/sendMsg?app={app_id}")
    body = page.get_by_label("Request (JSON)")
    body.fill('{"receiverIds": ["teacher-li"], "msgtype": "text", "text": {"content": "x"}}')
    with page.expect_response(re.compile("/sendMsg")) as answered:
        body.press("Control+Enter")
    expect(page.locator("#try-code")).to_have_text("200007")
    facts = page.locator("#try-facts")
    expect(facts).to_contain_text(answered.value.headers["x-request-id"])
    expect(facts).to_contain_text(re.compile(r"HTTP 200 · \d+\.\d ms"))
    expect(page.locator("#try-text")).to_contain_text("sandbox")
    expect(page.get_by_role("link", name="Next: set it read")).to_be_hidden()


def test_a_request_is_copied_as_curl(desks: OpenDesk, server: Server, user: str) -> None:
    desk = desks(permissions=["clipboard-read", "clipboard-write"])
    desk.sign_up(f"{user}@example.edu")
    app_id, key = desk.register_app("Homework")
    page = desk.page
    page.get_by_role("button", name="Copy").nth(1).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    desk.go(f"/docs/sendMsg?app={app_id}")
    text = 'it\'s "quoted" $HOME'
    request = {"receiverIds": [f"sandbox-{app_id}"], "msgtype": "text", "text": {"content": text}}
    page.get_by_label("Request (JSON)").fill(json.dumps(request))
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    program, url, _, header, _, body = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert (program, header) == ("curl", "Content-Type: application/json")
    answer = httpx.post(url, content=body.encode(), trust_env=False).json()
    assert answer["retCode"] == "000000"
    expect(page.locator("#sandbox").get_by_text(text)).to_be_visible()


@pytest.mark.parametrize(
    "call", ["subscribe", "getUserToken", "createWebhook", "getWebhooks", "recallMsg", "updateMsg"]
)
def test_a_call_is_tried_with_its_sample(newcomer: tuple[Desk, str, str], call: str) -> None:
    desk, app_id, _ = newcomer
    desk.go(f"/docs/sendMsg?app={app_id}")
    send(desk.page)
    desk.go(f"/docs/{call}?app={app_id}")
    assert send(desk.page)["retCode"] == "000000"


def test_ids_of_answers_appear_in_the_next_samples(newcomer: tuple[Desk, str, str]) -> None:
    desk, app_id, _ = newcomer
    desk.go(f"/docs/createWebhook?app={app_id}")
    made = send(desk.page)
    desk.go(f"/docs/updateWebhook?app={app_id}")
    expect(desk.page.get_by_label("Request (JSON)")).to_have_value(re.compile(made["webhookId"]))
    assert send(desk.page)["retCode"] == "000000"


def test_a_session_that_has_ended_leads_to_the_login_and_back(newcomer: tuple[Desk, str, str], user: str) -> None:
    desk, app_id, _ = newcomer
    desk.go(f"/docs/recallMsg?app={app_id}")
    expect(desk.page.locator("#sandbox msg-inbox")).to_be_attached()
    desk.context.clear_cookies(name="__Host-session")
    desk.page.get_by_role("button", name="Send", exact=True).click()
    expect(desk.page.get_by_text("Log in to make this call with your own app")).to_be_visible()


def test_one_key_opens_the_search(desks: OpenDesk) -> None:
    desk = desks()
    desk.go("/docs/sendMsg")
    desk.page.keyboard.press("/")
    search = desk.page.get_by_role("searchbox")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    desk.page.keyboard.type("retCode 300001")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("heading", name="Search: retCode 300001")).to_be_visible()
    desk.page.get_by_role("searchbox").fill("/")
    expect(desk.page.get_by_role("searchbox")).to_have_value("/")


# --- What it looks like ---------------------------------------------------------------------------------------------

LOOKS: dict[str, tuple[Json, str, str]] = {
    "PC, light, Chinese": ({}, "light", "zh-CN"),
    "PC, dark, English": ({}, "dark", "en-GB"),
    "phone, light, English": (PHONE, "light", "en-GB"),
    "phone, dark, Chinese": (PHONE, "dark", "zh-CN"),
}


@pytest.mark.parametrize("look", LOOKS)
def test_pages_that_are_shown_once_are_accessible(desks: OpenDesk, user: str, look: str) -> None:
    device, scheme, locale = LOOKS[look]
    desk = desks(color_scheme=scheme, locale=locale, **device)
    desk.sign_up(f"{user}@example.edu", "诸葛" + "长" * 30)
    desk.register_app("W" * 64)
    assert violations(desk.page, impacts=ANY) == []
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.go("/apps")
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_language_and_appearance_are_kept(desks: OpenDesk) -> None:
    desk = desks(locale="en-GB", color_scheme="light")
    desk.go("/docs/sendMsg")
    desk.page.get_by_role("link", name="中文").click()
    expect(desk.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("发送消息")
    desk.page.get_by_role("link", name="外观").click()
    expect(desk.page.locator("html")).to_have_attribute("data-theme", "dark")
    desk.go("/login")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("登录开放平台")
    shade = desk.page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert shade == "rgb(16, 19, 23)"
