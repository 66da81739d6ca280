"""What the service worker does by itself: it sends read marks with the page closed, and takes over after an upgrade."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter.inbox.files import BUNDLES
from msgcenter_client import Client
from tests.conftest import Raw, Server, running_program, running_server, server_environment
from tests.e2e.conftest import PHONE, user_token
from tests.e2e.installed import Device

_SYNC = "msg-inbox-read-marks"
_WITH_BUNDLES = """
import runpy, sys
from pathlib import Path
from msgcenter.inbox import files

files.BUNDLES = Path(sys.argv.pop(1))
runpy.run_module("msgcenter", run_name="__main__", alter_sys=True)
"""
_HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
_SCRIPTS = "[...document.scripts].map(({ src }) => src.split('/').at(-1)).filter(Boolean)"


# --- Read marks -------------------------------------------------------------------------------------------------------


def _mark_without_a_network(device: Device, text: str) -> None:
    device.context.set_offline(True)
    device.open()
    card = device.page.get_by_role("article").filter(has_text=text)
    card.get_by_role("button", name="More actions").click()
    device.page.get_by_role("menuitem", name="Mark as read").click()
    device.wait_until_kept("marks")


def test_the_browser_is_asked_to_send_marks_when_it_has_a_network(
    device: Device, client: Client, raw: Raw, user: str
) -> None:
    # A Chromium without windows refuses Background Sync: what it is asked for is noted.
    device.context.add_init_script("SyncManager.prototype.register = async (tag) => { window.asked = tag; }")
    client.send_text(user, "read on the train")
    device.open(f"#token={user_token(raw, user)}")
    device.keep_messages()
    _mark_without_a_network(device, "read on the train")
    device.page.wait_for_function("tag => window.asked === tag", arg=_SYNC)


def test_marks_are_sent_with_the_page_closed(device: Device, client: Client, raw: Raw, user: str) -> None:
    client.send_text(user, "read on the train")
    device.open(f"#token={user_token(raw, user)}")
    device.keep_messages()
    _mark_without_a_network(device, "read on the train")
    device.leave()
    device.context.set_offline(False)
    device.dispatch("ServiceWorker.dispatchSyncEvent", tag=_SYNC, lastChance=False)
    while client.unread_count(user):
        device.page.wait_for_timeout(100)
    device.open()
    expect(device.page.locator("article")).to_have_count(1)
    expect(device.page.locator("article.unread")).to_have_count(0)
    assert device.kept()["marks"] == {}


@pytest.mark.parametrize("is_last_chance", [False, True])
def test_marks_that_cannot_be_sent_stay_for_the_next_time(
    device: Device, client: Client, raw: Raw, user: str, is_last_chance: bool
) -> None:
    client.send_text(user, "read on the train")
    device.open(f"#token={user_token(raw, user)}")
    device.keep_messages()
    _mark_without_a_network(device, "read on the train")
    assert device.sync_while_offline(_SYNC, is_last_chance=is_last_chance) is is_last_chance
    assert len(device.kept()["marks"]) == 1
    device.context.set_offline(False)
    expect(device.page.locator("article.unread")).to_have_count(0)
    while client.unread_count(user):
        device.page.wait_for_timeout(100)


# --- Upgrades ---------------------------------------------------------------------------------------------------------


@contextmanager
def _upgraded(database_url: str, folder: Path, port: int) -> Iterator[Server]:
    """Run the next version of a server: its page has another script."""
    bundles = folder / "bundle"
    shutil.copytree(BUNDLES, bundles)
    script = bundles / "page.min.js"
    script.write_text(f"{script.read_text()}\nwindow.isUpgraded = true;\n")
    command = [sys.executable, "-c", _WITH_BUNDLES, str(bundles), "serve", "--port", str(port)]
    with running_program(command, server_environment(database_url, folder / "data", {})) as server:
        yield server


def _scripts(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_SCRIPTS)
    return found


def test_a_page_is_loaded_again_after_an_upgrade_while_it_is_hidden(
    chromium: Browser, shared_database: str, tmp_path: Path, client: Client, raw: Raw, user: str
) -> None:
    client.send_text(user, "before the upgrade")
    context = chromium.new_context(locale="en-GB", reduced_motion="reduce", **PHONE)
    with running_server(shared_database, tmp_path / "before") as before:
        device = Device(context, before)
        device.open(f"#token={user_token(raw, user)}")
        device.keep_messages()
        device.open()
        expect(device.page.get_by_text("before the upgrade")).to_be_visible()
        scripts = _scripts(device.page)
        port = urlsplit(before.url).port
    assert port is not None
    with _upgraded(shared_database, tmp_path, port):
        page = device.page
        page.evaluate("window.isTheSamePage = true")
        page.evaluate(
            """() => new Promise((resolve) => {
                navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
                navigator.serviceWorker.getRegistration().then((registration) => registration.update());
            }).then(() => null)"""
        )
        page.evaluate(_HIDE, False)
        assert page.evaluate("window.isTheSamePage") is True  # nobody loses what he is looking at
        with page.expect_navigation():
            page.evaluate(_HIDE, True)
        expect(page.get_by_text("before the upgrade")).to_be_visible()
        assert page.evaluate("window.isUpgraded") is True
        assert _scripts(page) != scripts
        # The worker has the new page for when there is no network.
        context.set_offline(True)
        device.open()
        expect(device.page.get_by_text("before the upgrade")).to_be_visible()
        assert device.page.evaluate("window.isUpgraded") is True
    assert device.errors == []
    context.close()
