"""What users choose about channels, in the browser, and where the links of mails lead."""

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter.actions.apps.app_settings import AppSettings
from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.database.database import Database
from msgcenter.domain.account import Recipient
from msgcenter.domain.channels.signed_links import SignedLinks
from msgcenter.store.apps.platforms import find_platforms
from msgcenter_client import Client
from tests.conftest import SECRET_KEY, Credentials, Raw, Server, new_app, wait_for
from tests.e2e.accessibility import CONTRAST, NOT_MINOR, violations, violations_in_both_schemes
from tests.e2e.conftest import user_token
from tests.e2e.installed import Device
from tests.inbox.channel_platform import add_channels, add_contact

PLATFORM = "420166"


@pytest.fixture
def app(shared_database: str) -> Credentials:
    """An app whose users see their whole inbox, on a platform with channels."""
    credentials = wait_for(new_app(shared_database, PLATFORM))
    wait_for(add_channels(shared_database, PLATFORM))
    wait_for(_widen(shared_database, credentials.app_id))
    return credentials


async def _widen(url: str, app_id: str) -> None:
    async with Database(url, connections=2) as database:
        await AppSettings(database).set_inbox(app_id, scope="platform")


async def _recipient(url: str, user: str) -> Recipient:
    async with Database(url, connections=2) as database, database.connection() as connection:
        return (await find_platforms(connection))[PLATFORM].recipient(user)


def _contrast_when_drawn(page: Page) -> list[str]:
    """Return what lacks contrast once the page has taken other colours, which its cards do a few frames later."""
    found = violations(page, CONTRAST)
    for _ in range(20):
        if not found:
            break
        page.wait_for_timeout(200)
        found = violations(page, CONTRAST)
    return found


@pytest.mark.parametrize("width", [390, 1280])
def test_a_user_chooses_by_mouse_and_keyboard(
    chromium: Browser, server: Server, shared_database: str, client: Client, raw: Raw, user: str, width: int
) -> None:
    client.send_text(user, "hello")
    wait_for(add_contact(shared_database, PLATFORM, user, "email", "wang.fang@school.example"))
    context = chromium.new_context(locale="en-GB", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    token = user_token(raw, user)
    page.goto(f"{server.url}/inbox#token={token}")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    expect(dialog.get_by_text("To w***@school.example")).to_be_visible()
    expect(dialog.get_by_text("Mandatory", exact=True)).to_be_visible()
    assert violations(page, impacts=NOT_MINOR) == []
    page.emulate_media(color_scheme="dark")
    assert _contrast_when_drawn(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    homework = dialog.get_by_role("group", name="Homework")
    homework.get_by_label("SMS").uncheck()
    mail = dialog.get_by_role("switch", name="E-mail")
    mail.press("Space")
    expect(homework.get_by_label("E-mail")).to_be_disabled()
    expect(mail).to_be_focused()
    quiet = dialog.get_by_role("combobox", name="Quiet hours")
    expect(quiet).to_have_value("")
    quiet.focus()
    quiet.select_option("own")
    expect(dialog.get_by_label("From")).to_have_value("22:00")
    expect(quiet).to_be_focused()
    dialog.get_by_label("From").fill("21:30")
    dialog.get_by_label("From").blur()
    dialog.get_by_role("combobox", name="Language of what is sent").select_option("en")
    dialog.get_by_role("button", name="Remove the address for E-mail").click()
    expect(dialog.get_by_text("To w***@school.example")).to_be_visible()
    dialog.get_by_role("button", name="Really remove: Remove the address for E-mail").click()
    expect(dialog.get_by_text("To w***@school.example")).to_have_count(0)

    headers = {"authorization": f"Bearer {token}"}
    stored = httpx.get(f"{server.url}/inbox/v1/preferences", headers=headers, trust_env=False).json()
    assert stored["off"] == ["email", "type:homework:sms"]
    assert (stored["quietFrom"], stored["quietUntil"], stored["language"]) == (21 * 60 + 30, 7 * 60, "en")
    assert stored["contacts"] == []
    context.close()


def test_a_choice_that_is_not_saved_returns_to_what_it_was(device: Device, raw: Raw, user: str) -> None:
    device.open(f"#token={user_token(raw, user)}")
    device.open_settings()
    device.page.route("**/inbox/v1/preferences", lambda route: route.fulfill(status=503, json={"code": "unavailable"}))
    switch = device.page.get_by_role("switch", name="SMS")
    switch.click()
    expect(device.page.get_by_role("alert")).to_have_text("That was not saved. Please try again.")
    expect(switch).to_be_checked()


def test_the_links_of_a_mail_open_its_message_and_turn_mails_off(
    device: Device, server: Server, shared_database: str, client: Client, user: str
) -> None:
    message_id = client.send_text(user, "the one")
    for number in range(40):
        client.send_text(user, f"newer {number}")
    recipient = wait_for(_recipient(shared_database, user))
    links = SignedLinks(server.url, KeyRing(SECRET_KEY))
    device.page.goto(links.message(recipient, int(message_id), None))
    expect(device.page.get_by_role("article").filter(has_text="the one")).to_be_in_viewport()
    assert device.page.url == f"{server.url}/inbox"
    assert client.unread_count(user) == 40

    url = links.unsubscribe(recipient, "email")
    device.page.goto(url)
    expect(device.page.get_by_role("heading", name="Stop being told about messages by e-mail?")).to_be_visible()
    assert violations_in_both_schemes(device.page, impacts=NOT_MINOR) == []
    device.page.get_by_role("button", name="Stop").click()
    expect(device.page.get_by_role("heading", name="You will not be told by e-mail any more")).to_be_visible()
    assert urlsplit(device.page.url).path == "/inbox/unsubscribe"
    device.open("#link=wrong")
    expect(device.page.get_by_text("Not signed in")).to_be_visible()
