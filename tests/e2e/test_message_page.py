"""The portal's page of a sent message, which shows its card as in the inbox."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from msgcenter_client import Client
from tests.conftest import Credentials, Server, wait_for
from tests.e2e.accessibility import NOT_MINOR, violations
from tests.e2e.conftest import PHONE, fake_web, send_homework, send_leave_request
from tests.portal.conftest import PASSWORD, add_person, let_in


@pytest.mark.parametrize("options", [{"viewport": {"width": 1280, "height": 800}}, PHONE], ids=["pc", "phone"])
def test_the_card_is_drawn_as_in_the_inbox(
    chromium: Browser,
    server: Server,
    shared_database: str,
    client: Client,
    app: Credentials,
    user: str,
    options: dict[str, Any],
) -> None:
    person = wait_for(add_person(shared_database))
    wait_for(let_in(shared_database, app, person))
    leave, homework = send_leave_request(client, user, sender_name="宋文萍"), send_homework(client, user)
    client.set_status(None, leave)
    context = chromium.new_context(locale="en-GB", **options)
    fake_web(context)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{server.url}/portal/login")
    page.get_by_label("E-mail").fill(person.login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/portal/apps")
    page.goto(f"{server.url}/portal/apps/{app.app_id}/messages")
    page.get_by_role("link", name="请假审批").click()
    card = page.locator("#preview article")
    expect(card.locator(".oa-head")).to_have_text("请假审批")
    expect(card).to_contain_text("Done")
    expect(card.locator(".from")).to_have_text("宋文萍 · Test app")
    webhook = client.create_webhook("https://a.invalid/hook", ["message.read"])
    client.set_status(user, [homework])
    page.get_by_text("Recall", exact=True).click()
    found = violations(page, impacts=NOT_MINOR)
    page.get_by_role("button", name="Yes, recall it").click()
    expect(page.get_by_role("status")).to_have_text("Recalled")
    page.goto(f"{server.url}/portal/apps/{app.app_id}/messages/{homework}")
    expect(page.locator("#preview article h3")).to_have_text("第三单元作业")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= options["viewport"]["width"]
    page.goto(f"{server.url}/portal/apps/{app.app_id}/webhooks/{webhook.id}")  # a webhook that fails
    found += violations(page, impacts=NOT_MINOR)
    context.close()
    assert found == []
    assert errors == []
