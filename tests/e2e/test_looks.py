"""The look and use of the inbox: on PCs and phones, with keyboards and screen readers."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from msgcenter_client import Client
from tests.e2e.accessibility import violations
from tests.e2e.conftest import PHONE, PICTURES, OpenInbox, send_homework, send_leave_request, without_streams
from tests.inbox.test_api import FORMS


def _send_each_kind(client: Client, user: str) -> None:
    client.set_status(user, client.send_text(user, "Fire drill tomorrow at nine, see https://school.example.edu/drill"))
    send_homework(client, user, image_url=f"{PICTURES}/wide.png")
    client.set_status(None, send_leave_request(client, user, bg_color="FFF2C94C"))
    send_leave_request(client, user)
    client.send_oa(user, "Notice", business_id="n", pc_url="https://a.example.edu", app_url="https://a.example.edu")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])
def test_the_inbox_is_accessible(
    open_inbox: OpenInbox, token: str, client: Client, user: str, scheme: str, device: dict[str, Any]
) -> None:
    _send_each_kind(client, user)
    screen = open_inbox(token, color_scheme=scheme, **device)
    expect(screen.cards).to_have_count(5)
    assert violations(screen.page) == []
    screen.choose(screen.card("第三单元作业"), "Archive")
    expect(screen.button("Undo")).to_be_visible()
    assert violations(screen.page) == []
    screen.cards.first.get_by_role("button", name="More actions").click()
    expect(screen.page.get_by_role("menu")).to_be_visible()
    assert violations(screen.page) == []


def test_the_theme_follows_the_system(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "by night")
    surface = "element => getComputedStyle(element).backgroundColor"
    dark = open_inbox(token, color_scheme="dark").card("by night").locator(".card").evaluate(surface)
    light = open_inbox(token, color_scheme="light").card("by night").locator(".card").evaluate(surface)
    assert _brightness(dark) < 60
    assert _brightness(light) > 230


def _brightness(colour: str) -> float:
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        ("zh-CN", ["全部", "未读", "待办", "全部已读", "查看详情", "2 个附件"]),
        ("en-GB", ["All", "Unread", "Attachments: 2"]),
    ],
)
def test_the_inbox_has_the_language_of_the_browser(
    open_inbox: OpenInbox, token: str, client: Client, user: str, locale: str, texts: list[str]
) -> None:
    send_leave_request(client, user)
    screen = open_inbox(token, locale=locale)
    for text in texts:
        expect(screen.page.get_by_text(text, exact=True).first).to_be_visible()
    assert screen.page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")


def test_a_phone_shows_one_column_with_room_for_fingers(
    open_inbox: OpenInbox, token: str, client: Client, user: str
) -> None:
    _send_each_kind(client, user)
    screen = open_inbox(token, **PHONE)
    expect(screen.cards).to_have_count(5)
    assert screen.page.evaluate("document.documentElement.scrollWidth") == 390
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    for control in screen.page.get_by_role("button").all() + screen.page.get_by_role("tab").all():
        box = control.bounding_box()
        if box is not None and control.is_visible():
            assert box["height"] >= 44, control.evaluate("element => element.outerHTML")
    screen.button("Search messages").click()
    screen.page.get_by_role("searchbox").fill("Fire")
    expect(screen.cards).to_have_count(1)
    screen.button("Leave search").click()
    expect(screen.cards).to_have_count(5)


def test_everything_can_be_done_with_the_keyboard(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "oldest")
    send_homework(client, user)
    client.send_text(user, "newest")
    screen = open_inbox(token)
    press = screen.page.keyboard.press
    expect(screen.cards).to_have_count(3)
    press("j")
    expect(screen.card("newest")).to_be_focused()
    press("u")
    expect(screen.unread_cards).to_have_count(2)
    press("ArrowDown")
    expect(screen.card("第三单元作业")).to_be_focused()
    with screen.page.expect_popup() as popup:
        press("Enter")
    assert popup.value.url == "https://homework.example.edu/3"
    popup.value.close()
    press("e")
    expect(screen.cards).to_have_count(2)
    expect(screen.card("oldest")).to_be_focused()
    press("z")
    expect(screen.cards).to_have_count(3)
    press("/")
    expect(screen.page.get_by_role("searchbox")).to_be_focused()
    screen.page.keyboard.type("oldest")
    expect(screen.cards).to_have_count(1)
    press("Escape")
    expect(screen.cards).to_have_count(3)
    press("?")
    expect(screen.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    press("Escape")
    expect(screen.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    screen.tab("All").focus()
    press("ArrowDown")
    expect(screen.tab("Unread")).to_have_attribute("aria-selected", "true")
    expect(screen.tab("Unread")).to_be_focused()


def test_a_menu_is_used_with_the_keyboard(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    client.send_text(user, "with a menu")
    screen = open_inbox(token)
    press = screen.page.keyboard.press
    press("j")
    screen.card("with a menu").get_by_role("button", name="More actions").focus()
    press("Enter")
    assert screen.focused() == "Mark as read"
    press("ArrowDown")
    assert screen.focused() == "Mark this and older as read"
    press("Escape")
    expect(screen.page.get_by_role("menu")).to_have_count(0)
    assert screen.focused().startswith("More actions")


def test_screen_readers_announce_new_messages(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    screen = open_inbox(token)
    client.send_text(user, "listen")
    expect(screen.page.get_by_role("log")).to_contain_text("New message from")
    expect(screen.page.get_by_role("feed")).to_have_attribute("aria-busy", "false")
    expect(screen.card("listen")).to_have_attribute("aria-posinset", "1")
    expect(screen.card("listen")).to_have_attribute("aria-label", re.compile(r"^Unread, .*listen"))


@pytest.mark.parametrize("device", [{}, PHONE], ids=["PC", "phone"])
def test_markup_in_messages_is_shown_as_text(
    open_inbox: OpenInbox, token: str, client: Client, user: str, device: dict[str, Any]
) -> None:
    markup = '<script>window.harmed=1</script><img src=x onerror="window.harmed=1"> javascript:window.harmed=1'
    client.send_text(user, markup)
    client.send_text(user, "A" * 4_096)
    client.send_text(user, "مرحبا بكم في المدرسة")
    client.send_text(user, "👩‍🏫🎉 家长 👨‍👩‍👧‍👦")
    send_homework(client, user, title="B" * 255, content=markup, image_url=f"{PICTURES}/broken.png")
    send_leave_request(
        client, user, title=markup[:255], form=[("K" * 64, "V" * 255), (markup[:64], markup)], author="<b>me</b>"
    )
    screen = open_inbox(token, **device)
    expect(screen.cards).to_have_count(6)
    expect(screen.card("javascript:window.harmed=1").first).to_be_visible()
    expect(screen.page.locator("article img[src*=broken]")).to_have_count(0)
    assert screen.page.evaluate("window.harmed") is None
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    assert screen.page.locator("article script, article [onerror], article [style*=url]").count() == 0
    arabic = screen.page.locator("article .content").filter(has_text="مرحبا")
    assert arabic.evaluate("element => getComputedStyle(element).direction") == "rtl"
    long = screen.card("AAAA")
    more = long.get_by_role("button", name="Show more")
    more.click()
    expect(long.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    assert screen.scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")


def test_script_urls_are_not_links(open_inbox: OpenInbox, token: str, client: Client, user: str) -> None:
    send_homework(client, user)
    screen = open_inbox(token)
    expect(screen.cards).to_have_count(1)
    without_streams(screen.page)  # so that the page requests the list itself
    screen.page.route("**/inbox/v1/messages?*", _poison)
    screen.page.reload()
    expect(screen.card("第三单元作业")).to_be_visible()
    assert screen.card("第三单元作业").locator("a[href]").count() == 0
    assert screen.card("第三单元作业").locator("img").count() == 0


def _poison(route: Any) -> None:
    answer = route.fetch()
    page = answer.json()
    for message in page["messages"]:
        message["body"] |= {
            "pcUrl": "javascript:alert(1)",
            "appUrl": "data:text/html,<script>alert(1)</script>",
            "picUrl": "javascript:alert(1)",
        }
    route.fulfill(response=answer, json=page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_a_coloured_head_is_readable(
    open_inbox: OpenInbox, token: str, client: Client, user: str, scheme: str
) -> None:
    colours = ["FFCC0000", "FFFFFFFF", "FF000000", "00FFFFFF", "80FFCC00", "FF808080"]
    for colour in colours:
        send_leave_request(client, user, bg_color=colour)
    screen = open_inbox(token, color_scheme=scheme)
    expect(screen.cards).to_have_count(len(colours))
    ratios = screen.page.locator(".oa-head").evaluate_all(
        """async (heads) => {
            const { contrast } = await import("/inbox/colour.js");
            const parts = (value) => value.match(/[\\d.]+/g).map(Number);
            return heads.map((head) => {
                const { color, backgroundColor } = getComputedStyle(head);
                const [text, [r, g, b, a = 1]] = [parts(color), parts(backgroundColor)];
                const under = parts(getComputedStyle(head.parentElement).backgroundColor);
                return contrast(text.slice(0, 3), [r, g, b].map((part, at) => part * a + under[at] * (1 - a)));
            });
        }"""
    )
    assert len(ratios) == len(colours)
    newest_first = dict(zip(reversed(colours), ratios, strict=True))
    assert {colour: ratio for colour, ratio in newest_first.items() if ratio < 4.5} == {}


def test_the_component_compares_texts_as_the_server_does(open_inbox: OpenInbox, token: str) -> None:
    marked = open_inbox(token).page.evaluate(
        """async (forms) => {
            const { placesOf } = await import("/inbox/search.js");
            const marked = (query, text) => placesOf(query, text).map(([start, end]) => text.slice(start, end));
            return forms.map(([text, query]) => marked(query, `<${text}>`));
        }""",
        FORMS,
    )
    assert marked == [[text] for text, _ in FORMS]
