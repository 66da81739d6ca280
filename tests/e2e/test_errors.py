"""Error pages of the inbox and the portal."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import Server, running_server
from tests.e2e.accessibility import violations_in_both_schemes
from tests.e2e.conftest import PHONE
from tests.e2e.portal_screens import open_desk

PATHS = {
    "/inbox/nothing": "There is nothing at this address",
    "/inbox?x=%00": "U+0000",
    "/portal/nothing": "Not found",
    "/portal/static/nothing.js": "Not found",
    "/portal/logout": "cannot be opened",
    "/portal/docs?x=%00": "U+0000",
}


@pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])
def test_error_pages_are_accessible(chromium: Browser, server: Server, device: dict[str, Any]) -> None:
    desk = open_desk(chromium, server, **device)
    for path, text in PATHS.items():
        desk.page.goto(server.url + path)
        expect(desk.page.locator("main")).to_contain_text(text)
        expect(desk.page.locator("main a").first).to_be_visible()
        assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert violations_in_both_schemes(desk.page) == []
    assert desk.complaints == []
    desk.context.close()


@pytest.fixture
def strict(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows one request per second and address."""
    with running_server(shared_database, tmp_path_factory.mktemp("strict"), ADDRESS_RATE_LIMIT="1") as started:
        yield started


@pytest.mark.parametrize("path", ["/inbox", "/portal/docs"])
def test_too_many_requests_are_answered_with_a_page(chromium: Browser, strict: Server, path: str) -> None:
    desk = open_desk(chromium, strict)
    answers = (desk.page.goto(strict.url + path) for _ in range(40))
    refused = next(answer for answer in answers if answer is not None and answer.status == 429)
    expect(desk.page.locator("h1")).to_contain_text("Too many requests")
    assert int(refused.headers["retry-after"]) >= 1
    desk.context.close()
