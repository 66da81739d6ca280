"""The editor of templates in a browser: its preview follows what is typed, and it works without scripts."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.conftest import PLATFORM, Credentials, Server
from tests.e2e.accessibility import SERIOUS, violations, violations_in_both_schemes
from tests.e2e.conftest import fake_web
from tests.e2e.test_operator import Desk

NEW = "/portal/operator/templates/edit"


@pytest.fixture
def desks(chromium: Browser, server: Server, shared_database: str, app: Credentials) -> Iterator[Any]:
    """Opens operators' browsers. At the end none may have logged errors."""
    opened: list[Desk] = []

    def open_one(**options: Any) -> Desk:
        desk = Desk(chromium, server, shared_database, **options)
        fake_web(desk.context)
        opened.append(desk)
        return desk

    yield open_one
    for desk in opened:
        desk.context.close()
        # Chromium reports the status of a refused form.
        assert [text for text in desk.complaints if "status of 422" not in text] == []


def _preview(page: Page) -> FrameLocator:
    return page.frame_locator("#preview-frame")


def _write(page: Page) -> str:
    """Fill the editor of a new template with a card; return its code."""
    code = f"t-{secrets.token_hex(4)}"
    page.get_by_label("Platform", exact=True).select_option(PLATFORM)
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_label("Name", exact=True).fill("Parents' meeting")
    page.locator("[name='v1.name']").fill("title")
    page.locator("[name='v1.sample']").fill("期末家长会")
    zh = page.locator(".template-language").first
    zh.get_by_label("Card").check()
    expect(page.locator("[name='zh.text.content']")).to_be_hidden()
    zh.locator("[name='zh.oa.head.text']").fill("通知")
    zh.locator("[name='zh.oa.body.title']").fill("{{ title }}")
    zh.locator("[name='zh.oa.pcUrl']").fill("https://school.example.edu/1")
    return code


def _width(page: Page) -> int:
    extra: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return extra


def _picture(page: Page, name: str) -> None:
    """Keep a picture of the page if MSGCENTER_PICTURES names a folder."""
    if folder := os.environ.get("MSGCENTER_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_the_preview_follows_what_is_typed(desks: Any) -> None:
    desk = desks(viewport={"width": 1_200, "height": 900})
    page: Page = desk.page
    desk.go(NEW)
    steps = page.evaluate("history.length")
    code = _write(page)
    preview = _preview(page)
    expect(preview.locator(".preview.shown")).to_contain_text("期末家长会")
    expect(preview.locator(".bubble").first).to_contain_text("通知: 期末家长会")
    expect(preview.frame_locator("iframe.mail").get_by_role("heading", name="期末家长会")).to_be_visible()
    page.locator("[name='v1.sample']").fill("运动会")
    expect(preview.locator(".preview.shown")).to_contain_text("运动会")
    page.locator("[name='zh.oa.body.title']").fill("{{ titel }}")
    expect(page.locator("#preview-problem")).to_contain_text("titel is not a declared variable")
    expect(preview.locator(".preview.shown")).to_contain_text("运动会")
    page.locator("[name='zh.oa.body.title']").fill("{{ title }}!")
    expect(preview.locator(".preview.shown")).to_contain_text("运动会!")
    expect(page.locator("#preview-problem")).to_be_empty()
    assert page.evaluate("history.length") == steps
    page.get_by_text("E-mail", exact=True).first.click()
    page.locator("[name='zh.email.html']").fill("<p><b>{{ title }}</b></p>")
    expect(preview.frame_locator("iframe.mail").locator("b")).to_have_text("运动会")
    assert violations_in_both_schemes(page, impacts=SERIOUS) == []
    _picture(page, "editor-1200")
    page.get_by_role("button", name="Save and use").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved and in use")
    expect(page.get_by_role("listitem").filter(has_text=code)).to_contain_text("Version 1 in use")


def test_the_editor_fits_a_phone_in_both_schemes(desks: Any) -> None:
    for scheme in ("light", "dark"):
        desk = desks(viewport={"width": 360, "height": 760}, color_scheme=scheme)
        page: Page = desk.page
        desk.go(NEW)
        _write(page)
        expect(_preview(page).locator(".preview.shown")).to_contain_text("期末家长会")
        assert _width(page) == 0
        too_wide = "root => root.scrollWidth - root.clientWidth"
        assert _preview(page).locator("html").evaluate(too_wide) == 0
        assert violations(page, impacts=SERIOUS) == []
        _picture(page, f"editor-360-{scheme}")


def test_the_editor_works_without_scripts(desks: Any) -> None:
    desk = desks(viewport={"width": 1_200, "height": 900}, java_script_enabled=False)
    page: Page = desk.page
    desk.go(NEW)
    _write(page)
    page.get_by_role("button", name="Preview", exact=True).click()
    preview = _preview(page)
    expect(preview.locator(".bubble").first).to_contain_text("期末家长会")
    expect(preview.frame_locator("iframe.mail").get_by_role("heading", name="期末家长会")).to_be_visible()
    page.locator("[name='zh.oa.body.title']").fill("{{ titel }}")
    page.get_by_role("button", name="Save and use").click()
    expect(page.locator("[name='zh.oa.body.title']")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name='v1.sample']")).to_have_value("期末家长会")


def test_scripts_of_a_template_never_run(desks: Any) -> None:
    desk = desks()
    page: Page = desk.page
    desk.go(NEW)
    _write(page)
    page.locator("[name='v1.sample']").fill('<img src=x onerror="parent.parent.hacked=1"><script>hacked=1</script>')
    expect(_preview(page).locator(".preview.shown")).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None
