"""What a user makes of messages: stars, deletion, snoozing, muted apps."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from msgcenter_client import Client
from tests.conftest import Credentials, Raw
from tests.e2e.accessibility import violations
from tests.e2e.conftest import PHONE, OpenInbox, Screen, send_homework, send_leave_request
from tests.gateway.calls import accepted

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
DEVICES = pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])


def open_folder(screen: Screen, name: str) -> None:
    """Open one of the views beside the inbox, by the menu, as on a phone."""
    screen.page.get_by_role("button", name="More", exact=True).click()
    screen.page.get_by_role("menuitem", name=name).click()


def snooze(screen: Screen, card: Locator, name: str) -> None:
    """Choose a time from the menu of a message."""
    screen.choose(card, "Snooze")
    screen.page.get_by_role("menuitem", name=name).click()


def picture(screen: Screen, name: str) -> None:
    """Keep a screenshot, if a folder for them is named."""
    folder = os.environ.get("MSGCENTER_TEST_PICTURES")
    if folder:
        screen.page.screenshot(path=str(Path(folder) / f"{name}.png"))


@DEVICES
def test_a_deleted_message_can_be_restored(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any]
) -> None:
    message_id = client.send_text(user, "lunch")
    client.send_text(user, "drill")
    screen = open_inbox(token, **device)
    screen.choose(screen.card("lunch"), "Delete")
    expect(screen.cards).to_have_count(1)
    assert client.message_status(message_id).delivered == 1
    screen.button("Undo").click()
    expect(screen.cards).to_have_count(2)
    expect(screen.cards.last).to_contain_text("lunch")
    screen.page.reload()
    expect(screen.cards).to_have_count(2)


@DEVICES
def test_starred_messages_have_a_view(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any]
) -> None:
    client.send_text(user, "lunch")
    send_homework(client, user)
    screen = open_inbox(token, **device)
    screen.choose(screen.card("lunch"), "Star")
    expect(screen.card("lunch").get_by_role("img", name="Starred")).to_be_visible()
    picture(screen, f"star-{len(device)}")
    open_folder(screen, "Starred")
    expect(screen.cards).to_have_count(1)
    assert violations(screen.page) == []
    screen.choose(screen.card("lunch"), "Remove star")
    open_folder(screen, "Back to messages")
    open_folder(screen, "Starred")
    expect(screen.page.get_by_text("Nothing starred")).to_be_visible()
    picture(screen, f"no-stars-{len(device)}")


@SCHEMES
@DEVICES
def test_a_snoozed_message_waits_in_its_view(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any], scheme: str
) -> None:
    client.set_status(user, client.send_text(user, "lunch"))
    client.send_text(user, "drill")
    screen = open_inbox(token, color_scheme=scheme, reduced_motion="reduce", **device)
    screen.choose(screen.card("lunch"), "Snooze")
    expect(screen.page.get_by_role("menuitem", name="Tomorrow morning")).to_be_visible()
    assert violations(screen.page) == []
    picture(screen, f"snooze-menu-{len(device)}-{scheme}")
    screen.page.get_by_role("menuitem", name="Tomorrow morning").click()
    expect(screen.page.get_by_text(re.compile("Snoozed until .* 08:00"))).to_be_visible()
    expect(screen.cards).to_have_count(1)
    screen.button("Undo").click()
    expect(screen.cards).to_have_count(2)
    expect(screen.unread_cards).to_have_count(1)
    snooze(screen, screen.card("lunch"), "In an hour")
    expect(screen.cards).to_have_count(1)
    open_folder(screen, "Snoozed")
    expect(screen.card("lunch")).to_contain_text("Until")
    assert violations(screen.page) == []
    picture(screen, f"snoozed-{len(device)}-{scheme}")
    screen.choose(screen.card("lunch"), "Move back now")
    expect(screen.page.get_by_text("Nothing snoozed")).to_be_visible()


@SCHEMES
@DEVICES
def test_an_own_time_is_checked(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any], scheme: str
) -> None:
    client.send_text(user, "lunch")
    screen = open_inbox(token, color_scheme=scheme, reduced_motion="reduce", **device)
    snooze(screen, screen.card("lunch"), "Choose a time")
    dialog = screen.page.get_by_role("dialog")
    dialog.get_by_label("When to remind you").fill("2020-01-01T08:00")
    dialog.get_by_role("button", name="OK").click()
    expect(dialog.get_by_role("alert")).to_contain_text("within the next year")
    assert violations(screen.page) == []
    picture(screen, f"own-time-{len(device)}-{scheme}")
    tomorrow = screen.page.evaluate(
        "() => new Date(Date.now() + 86400000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16)"
    )
    dialog.get_by_label("When to remind you").fill(tomorrow)
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_have_count(0)
    expect(screen.cards).to_have_count(0)


def test_all_marks_of_a_message_fit_on_a_phone(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    send_leave_request(client, user, sender_name="示范第一小学教务处")
    screen = open_inbox(token, **PHONE)
    card = screen.cards.first
    screen.choose(card, "Star")
    snooze(screen, card, "Tomorrow")
    open_folder(screen, "Snoozed")
    expect(card.get_by_text("To do")).to_be_visible()
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    for part in (".from", ".star", ".asleep", ".card-menu"):
        box = card.locator(part).bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["viewport"]["width"], part
    picture(screen, "marks-phone")


def test_a_snoozed_message_comes_back_by_itself(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    """The page has been open all the time, and has read the message elsewhere."""
    message_id = client.send_text(user, "lunch")
    client.set_status(user, message_id)
    client.send_text(user, "drill")
    screen = open_inbox(token)
    expect(screen.cards).to_have_count(2)
    screen.page.evaluate(
        """async ([id, token]) => {
            const body = JSON.stringify({ids: [id], until: Date.now() + 4000});
            const headers = {authorization: `Bearer ${token}`};
            await fetch("/inbox/v1/messages/snooze", {method: "POST", headers, body});
        }""",
        [message_id, token],
    )
    expect(screen.cards).to_have_count(1)
    expect(screen.cards).to_have_count(2, timeout=40_000)
    expect(screen.cards.first).to_contain_text("lunch")
    expect(screen.cards.first).to_contain_text("Reminder")
    expect(screen.unread_cards).to_have_count(2)
    picture(screen, "woken")


def test_this_message_and_older_ones_are_marked_as_read(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    for number in range(3):
        client.send_text(user, f"number {number}")
    screen = open_inbox(token)
    screen.choose(screen.card("number 1"), "Mark this and older as read")
    expect(screen.page.get_by_text("Marked as read: 2")).to_be_visible()
    expect(screen.unread_cards).to_have_count(1)
    screen.button("Undo").click()
    expect(screen.unread_cards).to_have_count(3)


def test_the_keys_mark_the_current_message(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    for number in range(3):
        client.send_text(user, f"number {number}")
    screen = open_inbox(token)
    press = screen.page.keyboard.press
    expect(screen.cards).to_have_count(3)
    press("j")
    press("j")
    press("s")
    expect(screen.card("number 1").get_by_role("img", name="Starred")).to_be_visible()
    press("U")
    expect(screen.page.get_by_text("Marked as read: 2")).to_be_visible()
    expect(screen.unread_cards).to_have_count(1)
    press("z")
    expect(screen.unread_cards).to_have_count(3)
    screen.card("number 1").focus()
    press("#")
    expect(screen.cards).to_have_count(2)
    press("z")
    expect(screen.cards).to_have_count(3)
    screen.card("number 1").focus()
    press("h")
    expect(screen.page.get_by_role("menuitem", name="In an hour")).to_be_focused()
    press("Enter")
    expect(screen.cards).to_have_count(2)


def test_the_end_of_an_older_change_leaves_the_undo_of_a_newer_one(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    for number in range(3):
        client.send_text(user, f"number {number}")
    screen = open_inbox(token)
    screen.card("number 2").focus()
    screen.page.keyboard.press("U")
    expect(screen.page.get_by_text("Marked as read: 3")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    screen.page.route("**/messages/status", hold)
    screen.page.keyboard.press("z")
    expect(screen.unread_cards).to_have_count(3)
    screen.card("number 1").focus()
    screen.page.keyboard.press("#")
    expect(screen.cards).to_have_count(2)
    while not held:
        screen.page.wait_for_timeout(50)
    held.pop().continue_()
    expect(screen.page.get_by_text("Undone")).to_be_visible()
    expect(screen.page.get_by_text("Deleted")).to_be_visible()
    picture(screen, "two-notes")
    screen.page.keyboard.press("z")
    expect(screen.cards).to_have_count(3)


def test_a_reminder_leaves_the_undo(open_inbox: OpenInbox, token: str, raw: Raw, client: Client, user: str) -> None:
    sent = client.send_text(user, "sign the form")
    client.send_text(user, "lunch")
    screen = open_inbox(token)
    screen.card("lunch").focus()
    screen.page.keyboard.press("#")
    expect(screen.cards).to_have_count(1)
    assert accepted(raw, "remindUnread", {"msgId": sent})["reminded"] == 1
    expect(screen.button("Show")).to_be_visible()
    screen.page.keyboard.press("z")
    expect(screen.cards).to_have_count(2)
    expect(screen.button("Show")).to_have_count(0)


@DEVICES
def test_a_muted_app_is_quiet(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any], app: Credentials
) -> None:
    client.send_text(user, "lunch")
    screen = open_inbox(token, **device)
    expect(screen.tab("Unread")).to_contain_text("1")
    screen.choose(screen.card("lunch"), "Mute")
    expect(screen.tab("Unread")).not_to_contain_text("1")
    client.send_text(user, "drill")
    expect(screen.cards).to_have_count(2)
    expect(screen.tab("Unread")).not_to_contain_text("2")
    picture(screen, f"muted-{len(device)}")
    assert violations(screen.page) == []
    screen.choose(screen.card("lunch"), "Unmute")
    expect(screen.tab("Unread")).to_contain_text("2")
