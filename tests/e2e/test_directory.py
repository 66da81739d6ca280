"""The directory in a browser: tree, audience preview, grant, report and announcement, on a PC and on a phone."""

import secrets
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from msgcenter_client import Client, Organisations
from tests.conftest import Server, SharedConnections, new_app, wait_for
from tests.e2e.accessibility import violations
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


@pytest.mark.parametrize("device", [{}, PHONE], ids=["pc", "phone"])
def test_an_app_is_granted_a_school_and_its_message_is_reported(
    chromium: Browser, server: Server, shared_database: str, login: str, platform: str, device: dict[str, Any]
) -> None:
    app = wait_for(new_app(shared_database, platform))
    desk = enter(chromium, server, login, platform, **device)
    page = desk.page
    page.get_by_role("link", name="Preview an audience").click()
    page.get_by_label("Find organisations").fill("三年级")
    page.keyboard.press("Enter")
    page.get_by_label("三年级二班").check()
    page.get_by_label("parents").check()
    page.get_by_role("button", name="Count them").click()
    expect(page.locator("main")).to_contain_text("1 users would get it")
    expect(page.get_by_role("link", name="王家长")).to_be_visible()
    assert violations(page) == []

    desk.go(f"/operator/apps/{app.app_id}")
    page.get_by_label("orgId of the organisation").fill("school/1")
    page.get_by_label("Role codes").fill("par tea")
    page.get_by_role("button", name="Grant").click()
    grant = page.get_by_role("row").filter(has_text="第一小学")
    expect(grant).to_contain_text("parents")
    assert violations(page) == []

    with Client(server.url, app.app_id, app.app_key) as client:
        message_id = client.send_text(Organisations("school/1", roles=["par", "tea"]), "To the school")
        client.set_status("tea-1", [message_id])
    desk.go(f"/apps/{app.app_id}/messages/{message_id}")
    report = page.locator("#report")
    report.get_by_role("link", name="第一小学", exact=True).click()
    row = report.get_by_role("row").filter(has_text="三年级二班")
    expect(row).to_contain_text("50.0%")
    row.get_by_role("link", name="三年级二班, unread").click()
    receivers = page.locator("#receivers")
    expect(receivers).to_contain_text("par-1 王家长")
    expect(receivers).not_to_contain_text("tea-1")
    assert violations(page) == []
    with page.expect_download() as download:
        report.get_by_role("link", name="Export as CSV").click()
    assert "三年级二班,2,1,1,50.0" in download.value.path().read_text("utf-8")

    desk.go(f"/operator/apps/{app.app_id}")
    page.get_by_role("row").filter(has_text="第一小学").get_by_role("button", name="Revoke").click()
    expect(page.locator("#grants")).to_contain_text("None: it sends to named users")
    desk.context.close()
    assert desk.complaints == []


@pytest.mark.parametrize("device", [{}, PHONE], ids=["pc", "phone"])
def test_an_announcement_to_a_class_is_previewed_and_approved(
    chromium: Browser, server: Server, shared_database: str, login: str, platform: str, device: dict[str, Any]
) -> None:
    other = wait_for(add_person(shared_database, "operator")).login
    author = enter(chromium, server, login, platform, **device)
    page = author.page
    author.go("/operator/announcements/new")
    page.get_by_label("Platform", exact=True).select_option(platform)
    expect(page.get_by_label("Find organisations")).to_be_hidden()
    page.get_by_label("Members of organisations").check()
    page.get_by_label("Find organisations").fill("三年级三班")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("三年级三班").check()
    page.get_by_role("button", name="Find").click()
    expect(page.locator("main")).to_contain_text("Users who would get it: 2")
    assert violations(page) == []
    page.locator("[name='text.content']").fill("Class trip on Friday.")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url("**done=drafted")
    path = page.url.removeprefix(f"{server.url}/portal").partition("?")[0]
    author.context.close()

    reviewer = enter(chromium, server, other, platform, **device)
    reviewer.go(path)
    expect(reviewer.page.locator("main")).to_contain_text("class-12: 2")
    assert violations(reviewer.page) == []
    reviewer.page.get_by_role("button", name="Approve version 1 and send").click()
    reviewer.page.get_by_role("link", name="By organisation").click()
    expect(reviewer.page.locator("#report")).to_contain_text("三年级三班")
    reviewer.context.close()
    assert author.complaints == reviewer.complaints == []
