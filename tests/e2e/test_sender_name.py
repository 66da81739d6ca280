"""The sender's name on cards: before the app's name, isolated from it, and never in its place."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from msgcenter_client import Client
from tests.e2e.accessibility import violations
from tests.e2e.conftest import PHONE, OpenInbox, send_leave_request

NAME = "宋文萍"
APP = "Test app"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])
def test_a_card_shows_who_sends_it(
    open_inbox: OpenInbox, token: str, client: Client, user: str, scheme: str, device: dict[str, Any]
) -> None:
    client.send_text(user, "with a name", sender_name=NAME)
    client.send_text(user, "without a name")
    send_leave_request(client, user, sender_name="很长的名字" * 12)
    screen = open_inbox(token, color_scheme=scheme, **device)
    named = screen.card("with a name")
    expect(named.locator(".from")).to_have_text(f"{NAME} · {APP}")
    expect(named).to_have_attribute("aria-label", re.compile(f"^Unread, {NAME} · {APP}, with a name, "))
    expect(screen.card("without a name").locator(".from")).to_have_text(APP)
    app_name = screen.card("请假审批").locator(".by")
    assert app_name.evaluate("name => name.scrollWidth <= name.clientWidth"), "a long name hides the app's"
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    assert violations(screen.page) == []
