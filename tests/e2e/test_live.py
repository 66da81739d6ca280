"""Changes on screen without an action of the user."""

import re
from contextlib import ExitStack

from playwright.sync_api import expect

from msgcenter.settings import Settings
from msgcenter_client import Client
from tests.conftest import Server
from tests.e2e.conftest import OpenInbox, Screen, send_leave_request
from tests.inbox.conftest import opened_stream


def test_a_message_appears_when_it_is_sent(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    screen = open_inbox(token)
    expect(screen.page.get_by_text("No messages yet")).to_be_visible()
    client.send_text(user, "The first one")
    expect(screen.card("The first one")).to_be_visible()
    client.send_text(user, "The second one")
    expect(screen.cards).to_have_text([re.compile("The second one"), re.compile("The first one")])
    expect(screen.tab("Unread")).to_contain_text("2")
    expect(screen.page).to_have_title("(2) Messages")
    expect(screen.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/png"))


def test_reading_in_one_browser_shows_in_another(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "for both")
    here, there = open_inbox(token), open_inbox(token)
    expect(here.unread_cards).to_have_count(1)
    expect(there.unread_cards).to_have_count(1)
    here.card("for both").click()
    expect(here.unread_cards).to_have_count(0)
    expect(there.unread_cards).to_have_count(0)
    there.choose(there.card("for both"), "Mark as unread")
    expect(here.unread_cards).to_have_count(1)


def test_a_status_set_by_the_app_shows(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    message_id = client.send_text(user, "read elsewhere")
    screen = open_inbox(token)
    expect(screen.unread_cards).to_have_count(1)
    client.set_status(user, message_id)
    expect(screen.unread_cards).to_have_count(0)
    expect(screen.cards).to_have_count(1)


def test_a_decision_closes_the_card_and_removes_the_to_do(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    message_id = send_leave_request(client, user)
    screen = open_inbox(token)
    screen.tab("To do").click()
    expect(screen.card("请假审批").locator(".approval")).to_have_text("To do")
    client.set_status(None, message_id)
    expect(screen.page.get_by_text("Nothing to do")).to_be_visible()
    screen.tab("All").click()
    expect(screen.card("请假审批").locator(".approval")).to_contain_text("Done")


def test_new_messages_do_not_move_the_visible_ones(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    for number in range(25):
        client.send_text(user, f"message {number}")
    screen = open_inbox(token)
    middle = screen.card("message 12")
    middle.scroll_into_view_if_needed()
    screen.scroller.evaluate("scroller => scroller.scrollTop = 900")
    before = middle.bounding_box()
    client.send_text(user, "one more")
    client.send_text(user, "and another")
    pill = screen.page.get_by_role("button", name="New messages: 2")
    expect(pill).to_be_visible()
    after = middle.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) <= 2
    pill.click()
    expect(screen.card("and another")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_messages_missed_offline_appear_once_when_online(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "before")
    screen = open_inbox(token)
    expect(screen.cards).to_have_count(1)
    screen.page.context.set_offline(True)
    expect(screen.page.get_by_text("You are offline")).to_be_visible()
    client.send_text(user, "meanwhile")
    screen.page.context.set_offline(False)
    expect(screen.card("meanwhile")).to_be_visible()
    client.send_text(user, "after")
    expect(screen.card("after")).to_be_visible()
    expect(screen.cards).to_have_count(3)
    expect(screen.page.get_by_text("You are offline")).to_be_hidden()
    expect(screen.tab("Unread")).to_contain_text("3")


def test_a_hidden_window_rests_and_catches_up(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    screen = open_inbox("", wait=False)
    screen.page.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined });")
    screen.page.clock.install()
    screen.page.goto("about:blank")
    screen.page.goto(f"{screen.url}#token={token}")
    client.send_text(user, "seen at once")
    expect(screen.card("seen at once")).to_be_visible()
    hide(screen, hidden=True)
    with screen.page.expect_event("requestfailed", lambda request: "/stream" in request.url):
        screen.page.clock.fast_forward(31_000)
    client.send_text(user, "seen later")
    expect(screen.card("seen later")).to_have_count(0)
    hide(screen, hidden=False)
    expect(screen.card("seen later")).to_be_visible()


def test_a_window_rests_while_the_user_has_too_many_newer_streams(
    open_inbox: OpenInbox, server: Server, token: str, client: Client, user: str
) -> None:
    screen = open_inbox("", wait=False)
    screen.page.clock.install()
    screen.page.goto("about:blank")
    screen.page.goto(f"{screen.url}#token={token}")
    client.send_text(user, "seen at once")
    expect(screen.card("seen at once")).to_be_visible()
    with ExitStack() as others:
        streams = [others.enter_context(opened_stream(server, token)) for _ in range(Settings.stream_limit)]
        client.send_text(user, "seen when it asks")
        for stream in streams:
            stream.next("message")
        screen.page.clock.fast_forward(31_000)
        expect(screen.card("seen when it asks")).to_be_visible()
        expect(screen.page.get_by_text("Reconnecting")).to_be_hidden()
        assert not any(stream.closed.is_set() for stream in streams), "the newer streams stay open"
        with screen.page.expect_response(lambda response: "/stream?" in response.url):
            screen.page.evaluate("dispatchEvent(new Event('focus'))")
        streams[0].next("replaced")
        client.send_text(user, "live again")
        expect(screen.card("live again")).to_be_visible()


def hide(screen: Screen, *, hidden: bool) -> None:
    """Make the page hidden or visible."""
    screen.page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_messages_cause_desktop_notifications_once_allowed(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    screen = open_inbox("", wait=False)
    screen.page.add_init_script(
        """window.shown = [];
        window.Notification = class extends EventTarget {
            static permission = "default";
            static async requestPermission() { return (Notification.permission = "granted"); }
            constructor(title, options) { super(); window.shown.push([title, options.body]); }
        };
        document.hasFocus = () => false;"""
    )
    screen.page.goto("about:blank")
    screen.page.goto(f"{screen.url}#token={token}")
    client.send_text(user, "before the question")
    expect(screen.card("before the question")).to_be_visible()
    assert screen.page.evaluate("window.shown") == []
    screen.button("More").click()
    screen.page.get_by_role("menuitem", name="Turn on desktop notifications").click()
    client.send_text(user, "after the answer")
    expect(screen.card("after the answer")).to_be_visible()
    assert screen.page.evaluate("window.shown") == [["Test app", "after the answer"]]
