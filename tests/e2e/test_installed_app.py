"""The inbox as an app on a device: it can be installed, and is readable without a network."""

import re

import pytest
from playwright.sync_api import Browser, expect

from msgcenter_client import Client
from tests.conftest import Raw, Server
from tests.e2e.accessibility import NOT_MINOR, violations_in_both_schemes
from tests.e2e.conftest import user_token
from tests.e2e.installed import Device

_SIZES = """async (urls) => Promise.all(urls.map(async (url) => {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    return picture.naturalWidth;
}))"""


def test_the_inbox_can_be_installed(device: Device, raw: Raw, user: str) -> None:
    device.open(f"#token={user_token(raw, user)}")
    expect(device.page.locator(".feed[aria-busy=false]")).to_be_attached()
    devtools = device.context.new_cdp_session(device.page)
    found = devtools.send("Page.getAppManifest")
    assert found["errors"] == []
    problems = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [it for it in problems if it["errorId"] != "in-incognito"] == []  # as all contexts of these tests are
    manifest = found["manifest"]
    assert (manifest["startUrl"], manifest["scope"]) == (f"{device.url}/inbox", f"{device.url}/inbox")
    sizes = device.page.evaluate(_SIZES, [icon["url"] for icon in manifest["icons"][1:]])
    assert sizes == [192, 512, 512]
    head = device.page.locator("head")
    touch_icon = head.locator("link[rel=apple-touch-icon]").evaluate("link => link.href")
    assert device.page.evaluate(_SIZES, [touch_icon]) == [180]
    assert head.locator("meta[name=theme-color]").count() == 2
    assert "width=device-width" in (head.locator("meta[name=viewport]").get_attribute("content") or "")


def test_a_tab_keeps_nothing_on_the_device(device: Device, client: Client, raw: Raw, user: str) -> None:
    client.send_text(user, "for this tab only")
    device.open(f"#token={user_token(raw, user)}")
    expect(device.page.get_by_text("for this tab only")).to_be_visible()
    device.open_settings()
    assert (device.kept(), device.has_worker) == ({}, False)
    device.open()
    expect(device.page.get_by_text("Not signed in")).to_be_visible()


def test_an_installed_app_keeps_messages_without_being_asked(
    device: Device, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "kept by the app")
    device.install()
    device.open(f"#token={user_token(raw, user)}")
    device.wait_until_kept("list")
    device.await_worker()
    device.context.set_offline(True)
    device.open()
    expect(device.page.get_by_text("kept by the app")).to_be_visible()


def test_kept_messages_can_be_read_and_marked_without_a_network(
    device: Device, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "kept for later")
    client.send_text(user, "kept as well", sender_name="office")
    token = user_token(raw, user)
    device.open(f"#token={token}")
    device.keep_messages()

    device.context.set_offline(True)
    device.open()
    card = device.page.get_by_role("article").filter(has_text="kept for later")
    expect(card).to_be_visible()
    expect(device.page.get_by_text(re.compile("You are offline|Reconnecting"))).to_be_visible()
    card.get_by_role("button", name="More actions").click()
    device.page.get_by_role("menuitem", name="Mark as read").click()
    expect(device.page.locator("article.unread")).to_have_count(1)
    device.wait_until_kept("marks")
    device.page.get_by_role("tab", name="Unread").click()
    expect(device.page.get_by_text("kept as well")).to_be_visible()
    device.open()  # the mark is there after a new start as well
    expect(device.page.locator("article.unread")).to_have_count(1)
    assert client.unread_count(user) == 2

    client.send_text(user, "came meanwhile")
    device.context.set_offline(False)
    expect(device.page.get_by_text("came meanwhile")).to_be_visible()
    expect(device.page.locator("article.unread")).to_have_count(2)
    while device.kept()["marks"]:
        device.page.wait_for_timeout(100)
    assert client.unread_count(user) == 2  # the new one is


def test_another_user_finds_nothing_of_the_one_before(device: Device, client: Client, raw: Raw, user: str) -> None:
    client.send_text(user, "private words")
    other = f"{user}-other"
    client.send_text(other, "words of the other")
    device.open(f"#token={user_token(raw, user)}")
    device.keep_messages()
    assert "private words" in str(device.kept())
    device.open(f"#token={user_token(raw, other)}")
    expect(device.page.get_by_text("words of the other")).to_be_visible()
    assert device.kept() == {}
    while device.has_worker:
        device.page.wait_for_timeout(100)
    device.open()
    expect(device.page.get_by_text("Not signed in")).to_be_visible()


def test_turning_it_off_erases_everything_and_so_does_the_end_of_the_session(
    device: Device, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "private words")
    device.open(f"#token={user_token(raw, user)}")
    device.keep_messages()
    device.open_settings()
    device.page.get_by_role("switch", name="Keep messages on this device").uncheck()
    device.wait_until_kept("choice")
    while device.kept() != {"choice": False} or device.has_worker:
        device.page.wait_for_timeout(100)
    device.page.get_by_role("button", name="Close").click()
    device.keep_messages()
    device.context.route("**/inbox/v1/**", lambda route: route.fulfill(status=401, json={"code": "token_expired"}))
    device.open()
    expect(device.page.get_by_text("Your session has ended")).to_be_visible()
    while "list" in device.kept():
        device.page.wait_for_timeout(100)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_settings_can_be_used_by_everyone(
    chromium: Browser, server: Server, raw: Raw, user: str, width: int
) -> None:
    context = chromium.new_context(locale="zh-CN", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server.url}/inbox#token={user_token(raw, user)}")
    page.get_by_role("button", name="更多", exact=True).click()
    page.get_by_role("menuitem", name="设置").press("Enter")
    dialog = page.get_by_role("dialog", name="设置")
    expect(dialog.get_by_role("switch", name="在此设备上保留消息")).to_be_visible()
    assert violations_in_both_schemes(page, impacts=NOT_MINOR) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dialog.get_by_role("switch", name="在此设备上保留消息").press("Space")
    expect(dialog.get_by_role("switch", name="在此设备上保留消息")).to_be_checked()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    context.close()
