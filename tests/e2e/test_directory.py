"""The directory in a browser: the tree opens in place and is used with the keyboard; without scripts it has links."""

import secrets
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Server, SharedConnections, wait_for
from tests.e2e.conftest import PHONE
from tests.e2e.portal_screens import Desk, open_desk
from tests.portal.conftest import add_person
from tests.portal.directory_scene import write_directory


@pytest.fixture(scope="module")
def platform(shared_connections: SharedConnections) -> str:
    """A platform with a small directory."""
    code = f"p{secrets.token_hex(6)}"
    shared_connections.run(write_directory(shared_connections.database, code, cells=2))
    return code


@pytest.fixture(scope="module")
def login(shared_database: str) -> str:
    """An operator."""
    return wait_for(add_person(shared_database, "operator")).login


def enter(chromium: Browser, server: Server, login: str, platform: str, **options: Any) -> Desk:
    """Open the tree of a platform as an operator."""
    desk = open_desk(chromium, server, **options)
    desk.log_in(login)
    desk.go(f"/operator/directory?platform={platform}")
    return desk


def names(page: Page) -> list[str]:
    """Return the names of the organisations that are shown."""
    return [name.inner_text() for name in page.locator(".tree-name a").all() if name.is_visible()]


@pytest.mark.parametrize("device", [{}, PHONE], ids=["pc", "phone"])
def test_the_tree_opens_and_closes_in_place(
    chromium: Browser, server: Server, login: str, platform: str, device: dict[str, Any]
) -> None:
    desk = enter(chromium, server, login, platform, **device)
    page = desk.page
    address = page.url
    assert names(page) == ["江岸区"]
    page.get_by_role("button", name="江岸区").click()
    expect(page.get_by_role("button", name="江岸区", expanded=True)).to_be_visible()
    page.get_by_role("button", name="第一小学").click()
    expect(page.get_by_role("link", name="三年级二班")).to_be_visible()
    page.get_by_role("button", name="江岸区").click()
    expect(page.get_by_role("link", name="第一小学")).to_be_hidden()
    page.get_by_role("button", name="江岸区").click()
    assert names(page) == ["江岸区", "第一小学", "三年级二班", "三年级三班", "=第二中学"]
    assert page.url == address
    page.get_by_role("link", name="三年级二班").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("三年级二班")
    page.get_by_role("link", name="Tree").click()
    expect(page.get_by_role("link", name="三年级三班")).to_be_visible()
    desk.context.close()
    assert desk.complaints == []


def test_the_tree_is_used_with_the_arrow_keys(chromium: Browser, server: Server, login: str, platform: str) -> None:
    desk = enter(chromium, server, login, platform)
    page = desk.page
    page.get_by_role("button", name="江岸区").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="第一小学")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="第一小学")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("link", name="三年级二班")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="三年级二班")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="第一小学")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("link", name="三年级二班")).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="江岸区")).to_be_focused()
    desk.context.close()
    assert desk.complaints == []


def test_the_tree_has_links_without_scripts(chromium: Browser, server: Server, login: str, platform: str) -> None:
    desk = enter(chromium, server, login, platform, java_script_enabled=False)
    page = desk.page
    for name in ("江岸区", "第一小学"):
        page.get_by_role("link", name=f"Open {name}").click()
    assert names(page) == ["江岸区", "第一小学", "三年级二班", "三年级三班", "=第二中学"]
    page.get_by_role("link", name="Close 第一小学").click()
    assert names(page) == ["江岸区", "第一小学", "=第二中学"]
    desk.context.close()


def test_a_branch_that_cannot_be_loaded_is_opened_by_its_link(
    chromium: Browser, server: Server, login: str, platform: str
) -> None:
    desk = enter(chromium, server, login, platform)
    page = desk.page
    page.route("**/directory/branch*", lambda route: route.abort())
    page.get_by_role("button", name="江岸区").click()
    page.wait_for_url("**open=district**")
    expect(page.get_by_role("link", name="第一小学")).to_be_visible()
    desk.context.close()
