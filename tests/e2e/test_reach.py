"""Broadcasts, topics, recalls, updates and reminders in an open inbox."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from msgcenter_client import EVERYONE, Client, Topic
from tests.conftest import Raw
from tests.e2e.conftest import OpenInbox, send_leave_request, user_token
from tests.gateway.calls import accepted

TOPIC = "/msgCenter/topic/"


def test_a_broadcast_appears(open_inbox: OpenInbox, token: str, client: Client) -> None:
    screen = open_inbox(token)
    expect(screen.page.get_by_text("No messages yet")).to_be_visible()
    client.send_text(EVERYONE, "School is closed tomorrow")
    expect(screen.card("School is closed tomorrow")).to_be_visible()
    expect(screen.tab("Unread")).to_contain_text("1")
    screen.card("School is closed tomorrow").click()
    expect(screen.unread_cards).to_have_count(0)
    screen.page.reload()
    expect(screen.card("School is closed tomorrow")).to_be_visible()
    expect(screen.unread_cards).to_have_count(0)


def test_a_topics_message_appears_to_its_subscribers(
    open_inbox: OpenInbox, token: str, client: Client, raw: Raw, user: str
) -> None:
    other = open_inbox(user_token(raw, f"{user}-other"))
    screen = open_inbox(token)
    accepted(raw, TOPIC + "subscribe", {"topic": f"class of {user}", "userIds": [user]})
    client.send_text(Topic(f"class of {user}"), "Bring your atlas")
    client.send_text([user, f"{user}-other"], "To both")
    expect(screen.card("Bring your atlas")).to_be_visible()
    expect(other.card("To both")).to_be_visible()
    expect(other.cards).to_have_count(1)
    accepted(raw, TOPIC + "unsubscribe", {"topic": f"class of {user}", "userIds": [user]})
    client.send_text(Topic(f"class of {user}"), "After the last subscriber has left")
    client.send_text(user, "The last one")
    expect(screen.cards).to_have_text([re.compile("The last one"), re.compile("To both"), re.compile("atlas")])


def test_a_recalled_message_disappears_at_once(
    open_inbox: OpenInbox, token: str, client: Client, raw: Raw, user: str
) -> None:
    direct, broadcast = client.send_text(user, "A mistake"), client.send_text(EVERYONE, "A great mistake")
    screen = open_inbox(token)
    expect(screen.unread_cards).to_have_count(2)
    accepted(raw, "recallMsg", {"msgId": broadcast})
    expect(screen.cards).to_have_text([re.compile("A mistake")])
    expect(screen.page).to_have_title("(1) Messages")
    accepted(raw, "recallMsg", {"msgId": direct})
    expect(screen.page.get_by_text("No messages yet")).to_be_visible()
    expect(screen.page).to_have_title("Messages")


def test_an_expired_message_disappears_from_an_open_inbox(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "It stays")
    client.send_text(user, "It goes", expire_at=datetime.now(UTC) + timedelta(seconds=3))
    screen = open_inbox(token)
    expect(screen.cards).to_have_text([re.compile("It stays")])
    expect(screen.page).to_have_title("(1) Messages")


def test_an_update_shows_on_the_card(open_inbox: OpenInbox, token: str, client: Client, raw: Raw, user: str) -> None:
    message_id = client.send_text(user, "The trip is on Monday")
    screen = open_inbox(token)
    screen.card("on Monday").click()
    expect(screen.unread_cards).to_have_count(0)
    tuesday = {"msgId": message_id, "msgtype": "text", "text": {"content": "The trip is on Tuesday"}}
    accepted(raw, "updateMsg", tuesday)
    expect(screen.card("on Tuesday")).to_contain_text("Updated")
    expect(screen.cards).to_have_count(1)
    expect(screen.unread_cards).to_have_count(0)
    accepted(raw, "updateMsg", {**tuesday, "resetRead": True})
    expect(screen.unread_cards).to_have_count(1)
    expect(screen.tab("Unread")).to_contain_text("1")


def test_a_broadcast_that_is_reset_is_unread_again(open_inbox: OpenInbox, token: str, client: Client, raw: Raw) -> None:
    message_id = client.send_text(EVERYONE, "Exams begin on the 3rd")
    screen = open_inbox(token)
    with screen.page.expect_response(lambda response: response.request.method == "POST"):
        screen.card("on the 3rd").click()
    expect(screen.unread_cards).to_have_count(0)
    later = {"msgId": message_id, "msgtype": "text", "text": {"content": "Exams begin on the 4th"}, "resetRead": True}
    accepted(raw, "updateMsg", later)
    expect(screen.card("on the 4th")).to_have_class(re.compile("unread"))
    expect(screen.page).to_have_title("(1) Messages")


def test_a_reminder_is_shown_until_the_message_is_read(
    open_inbox: OpenInbox, token: str, client: Client, raw: Raw, user: str
) -> None:
    message_id = client.send_text(user, "Sign the form")
    screen = open_inbox(token)
    expect(screen.card("Sign the form").locator(".reminder")).to_be_hidden()
    assert accepted(raw, "remindUnread", {"msgId": message_id})["reminded"] == 1
    expect(screen.page.get_by_role("status").filter(has_text="reminds you to read")).to_be_visible()
    expect(screen.card("Sign the form").locator(".reminder")).to_have_text("Please read")
    screen.button("Show").click()
    screen.card("Sign the form").click()
    expect(screen.card("Sign the form").locator(".reminder")).to_be_hidden()


def test_the_outcome_of_an_approval_shows_who_decided(
    open_inbox: OpenInbox, token: str, client: Client, raw: Raw, user: str
) -> None:
    message_id = send_leave_request(client, user)
    screen = open_inbox(token)
    accepted(raw, "modMsgStatus", {"msgId": [message_id], "approverId": "headmaster"})
    expect(screen.card("请假审批").locator(".approval")).to_contain_text("Done")
    expect(screen.card("请假审批").locator(".closed")).to_have_text(re.compile(r"Closed by headmaster · \S+"))
    outcome = {"msgId": message_id, "msgtype": "text", "text": {"content": "The leave is granted"}}
    accepted(raw, "updateMsg", outcome)
    expect(screen.card("The leave is granted").locator(".approval")).to_contain_text("Done")
    accepted(raw, "modMsgStatus", {"msgId": [message_id], "isRead": 0})
    expect(screen.card("The leave is granted").locator(".approval")).to_have_text("To do")
    expect(screen.card("The leave is granted").locator(".closed")).to_be_hidden()
    accepted(raw, "modMsgStatus", {"msgId": [message_id], "approverId": "deputy"})
    expect(screen.card("The leave is granted").locator(".closed")).to_contain_text("Closed by deputy")
