"""Actions of a user on messages."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from msgcenter_client import Client
from tests.e2e.conftest import PHONE, OpenInbox, Screen, send_homework, send_leave_request, without_streams


def test_marking_all_as_read_can_be_undone(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    for number in range(35):  # more than one page
        client.send_text(user, f"message {number}")
    screen = open_inbox(token)
    expect(screen.tab("Unread")).to_contain_text("35")
    screen.button("Mark all as read").click()
    expect(screen.page.get_by_text("Marked as read: 35")).to_be_visible()
    expect(screen.unread_cards).to_have_count(0)
    expect(screen.page).to_have_title("Messages")
    screen.button("Undo").click()
    expect(screen.tab("Unread")).to_contain_text("35")
    expect(screen.unread_cards.first).to_be_visible()


def test_marking_all_as_read_empties_the_unread_view(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "unread")
    screen = open_inbox(token)
    screen.tab("Unread").click()
    expect(screen.cards).to_have_count(1)
    screen.button("Mark all as read").click()
    expect(screen.page.get_by_text("All caught up")).to_be_visible()


def test_marking_all_in_a_search_reads_the_results_only(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    for number in range(35):  # more than one page
        client.send_text(user, f"Drill {number}")
    for number in range(4):
        client.send_text(user, f"Lunch {number}")
    screen = open_inbox(token)
    screen.page.get_by_role("searchbox").fill("ｄｒｉｌｌ")
    expect(screen.cards.first).to_contain_text("Drill")
    expect(screen.card("Lunch")).to_have_count(0)
    screen.button("Mark results as read").click()
    expect(screen.page.get_by_text("Marked as read: 35")).to_be_visible()
    expect(screen.unread_cards).to_have_count(0)
    expect(screen.tab("Unread")).to_contain_text("4")
    assert client.unread_count(user) == 4
    screen.button("Clear search").click()
    expect(screen.unread_cards).to_have_count(4)
    expect(screen.button("Mark all as read")).to_be_visible()


def test_undo_of_marking_search_results_restores_the_unread_ones(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.set_status(user, client.send_text(user, "Drill, read before"))
    client.send_text(user, "Drill")
    client.send_text(user, "Lunch")
    screen = open_inbox(token)
    screen.page.get_by_role("searchbox").fill("drill")
    expect(screen.cards).to_have_count(2)
    screen.button("Mark results as read").click()
    expect(screen.unread_cards).to_have_count(0)
    screen.button("Undo").click()
    expect(screen.unread_cards).to_have_count(1)
    expect(screen.tab("Unread")).to_contain_text("2")


def test_marking_all_to_dos_as_read_leaves_other_messages_unread(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "ordinary")
    send_leave_request(client, user)
    screen = open_inbox(token)
    screen.tab("To do").click()
    expect(screen.cards).to_have_count(1)
    screen.button("Mark all as read").click()
    expect(screen.unread_cards).to_have_count(0)
    screen.tab("All").click()
    expect(screen.unread_cards).to_have_count(1)
    expect(screen.card("ordinary")).to_be_visible()


def test_a_search_marks_every_unicode_form_and_lists_new_matches(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "before ＡＰＰ after")
    screen = open_inbox(token)
    screen.page.get_by_role("searchbox").fill("app")
    expect(screen.page.locator("mark")).to_have_text(["ＡＰＰ"])
    client.send_text(user, "another thing")
    client.send_text(user, "an App that comes live")
    expect(screen.card("an App that comes live")).to_be_visible()
    expect(screen.card("another thing")).to_have_count(0)


def test_archiving_can_be_undone(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "stays")
    client.send_text(user, "goes")
    screen = open_inbox(token)
    screen.choose(screen.card("goes"), "Archive")
    expect(screen.card("goes")).to_have_count(0)
    screen.button("Undo").click()
    expect(screen.card("goes")).to_be_visible()
    expect(screen.unread_cards).to_have_count(2)
    screen.choose(screen.card("goes"), "Archive")
    expect(screen.card("goes")).to_have_count(0)
    screen.button("Archived").click()
    expect(screen.cards).to_have_count(1)
    screen.choose(screen.card("goes"), "Move to inbox")
    expect(screen.page.get_by_text("Nothing archived")).to_be_visible()
    screen.tab("All").click()
    expect(screen.cards).to_have_count(2)


def test_a_search_finds_messages_that_are_not_loaded(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    client.send_text(user, "家长会改到周五下午三点")
    for number in range(40):
        client.send_text(user, f"noise {number}")
    screen = open_inbox(token)
    screen.page.get_by_role("searchbox").fill("家长会")
    expect(screen.cards).to_have_count(1)
    expect(screen.card("周五下午三点").locator("mark")).to_have_text("家长会")
    screen.page.get_by_role("searchbox").fill("nowhere at all")
    expect(screen.page.get_by_text("Nothing found")).to_be_visible()
    screen.button("Clear search").click()
    expect(screen.card("noise 39")).to_be_visible()


def test_scrolling_down_loads_every_message(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    for number in range(75):
        client.send_text(user, f"message {number}")
    screen = open_inbox(token)
    for _ in range(75):
        screen.scroller.evaluate("scroller => scroller.scrollTop = scroller.scrollHeight")
        if screen.cards.count() == 75:
            break
        screen.page.wait_for_timeout(200)
    expect(screen.cards).to_have_count(75)
    expect(screen.page.get_by_text("No older messages")).to_be_visible()
    texts = screen.page.locator("article .content").all_text_contents()
    assert texts == [f"message {number}" for number in reversed(range(75))]


@pytest.mark.parametrize(
    ("device", "expected"),
    [({}, "https://homework.example.edu/3"), (PHONE, "https://homework.example.edu/m/3")],
    ids=["PC", "phone"],
)
def test_a_click_opens_the_address_for_the_screen(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any], expected: str
) -> None:
    send_homework(client, user)
    screen = open_inbox(token, **device)
    with screen.page.expect_popup() as popup:
        screen.card("第三单元作业").locator(".content").click()
    assert popup.value.url == expected
    assert popup.value.evaluate("window.opener") is None
    expect(screen.unread_cards).to_have_count(0)


@pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])
@pytest.mark.parametrize("only", ["pc_url", "app_url"])
def test_a_single_address_is_opened_on_every_screen(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any], only: str
) -> None:
    both = ("pc_url", "app_url")
    send_homework(client, user, **{name: "https://homework.example.edu/one" if name == only else "" for name in both})
    send_leave_request(client, user, **{name: "https://oa.example.edu/one" if name == only else "" for name in both})
    screen = open_inbox(token, **device)
    for headline, expected in (("第三单元作业", "https://homework"), ("请假审批", "https://oa")):
        with screen.page.expect_popup() as popup:
            screen.card(headline).locator("a.target").last.click()
        assert popup.value.url == f"{expected}.example.edu/one"
    expect(screen.unread_cards).to_have_count(0)


def test_the_host_page_can_open_messages_itself(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    send_leave_request(client, user)
    screen = open_inbox(token)
    screen.page.evaluate(
        """() => document.querySelector("msg-inbox").addEventListener("msg-inbox:open", (event) => {
            event.preventDefault();
            window.openedUrl = event.detail.url;
        })"""
    )
    screen.card("请假审批").get_by_role("link", name="View details").click()
    expect(screen.unread_cards).to_have_count(0)
    assert screen.page.evaluate("window.openedUrl") == "https://oa.example.edu/leave/17"
    assert len(screen.page.context.pages) == 1


def test_a_refused_change_is_taken_back(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "keeps its state")
    screen = open_inbox(token)
    expect(screen.unread_cards).to_have_count(1)
    screen.page.route("**/messages/status", _refuse)
    screen.choose(screen.card("keeps its state"), "Mark as read")
    expect(screen.page.get_by_text("too busy just now")).to_be_visible()
    expect(screen.unread_cards).to_have_count(1)
    expect(screen.tab("Unread")).to_contain_text("1")


def _refuse(route: Route) -> None:
    problem = '{"title":"Unavailable","status":503,"code":"unavailable","detail":"too busy just now"}'
    route.fulfill(status=503, content_type="application/problem+json", body=problem)


def test_a_failed_list_can_be_loaded_again(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "worth waiting for")
    screen = open_inbox("", wait=False)
    expect(screen.page.get_by_text("Not signed in")).to_be_visible()
    without_streams(screen.page)  # so that the page requests the list itself
    screen.page.route("**/inbox/v1/messages?*", _refuse)
    screen.page.evaluate("token => { location.hash = `token=${token}`; }", token)
    expect(screen.page.get_by_text("The service is busy")).to_be_visible()
    assert "token" not in screen.page.url
    screen.page.unroute("**/inbox/v1/messages?*")
    screen.button("Try again").click()
    expect(screen.card("worth waiting for")).to_be_visible()


def test_an_invalid_token_shows_that_the_session_has_ended(open_inbox: OpenInbox) -> None:
    screen = open_inbox("not.a.token", wait=False)
    expect(screen.page.get_by_text("Your session has ended")).to_be_visible()


def test_each_tab_shows_its_messages(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.set_status(user, client.send_text(user, "read"))
    client.send_text(user, "unread")
    send_leave_request(client, user)
    screen = open_inbox(token)
    expect(screen.cards).to_have_count(3)
    _shows(screen, "Unread", "请假审批", "unread")
    _shows(screen, "To do", "请假审批")
    _shows(screen, "All", "请假审批", "unread", "read")


def _shows(screen: Screen, tab: str, *texts: str) -> None:
    screen.tab(tab).click()
    expect(screen.tab(tab)).to_have_attribute("aria-selected", "true")
    expect(screen.cards).to_have_text([re.compile(text) for text in texts])
