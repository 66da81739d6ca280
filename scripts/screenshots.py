"""Take the README's screenshots (`make screenshots`) of a demo server with real messages in a real browser."""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from playwright.sync_api import Browser, Page, Route, sync_playwright

from bench.demo_server import DemoServer, chromium_path, demo_server
from msgcenter_client import Client

_PICTURE_SITE = "https://pictures.example.edu"
_MORE_APPS = ("家校通", "教务处", "Riverside School", "School office")
_FONT = '"Inter", "Noto Sans CJK SC", system-ui, sans-serif'
"""Fonts for the screenshots, if installed: Debian's default for Latin letters is very wide."""
_AGES = (0.4, 4, 17, 55, 190, 26 * 60, 27 * 60, 29 * 60)
"""The shown ages of the messages in minutes, newest first. In truth all have just been sent."""


def main() -> None:
    """Take all screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "images")
    arguments = parser.parse_args()
    path = chromium_path()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with running_demo() as demo, sync_playwright() as playwright:
        send_messages(demo)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        take_inbox(browser, demo, arguments.out / "inbox.png")
        take_phone(browser, demo, arguments.out / "inbox-phone.png")
        take_bell(browser, demo, arguments.out / "inbox-bell.png")
        take_portal(browser, demo, arguments.out / "portal.png")
        browser.close()


# --- The server and its messages ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Demo:
    """A running `msgcenter demo`: its URL, the links it prints, and the sending apps."""

    url: str
    links: dict[str, str]
    apps: tuple[tuple[str, str], ...]


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Run a demo with more apps, whose inboxes show the messages of all apps."""
    with demo_server() as server:
        server.command("app", "scope", server.app_id, "--inbox", "platform")
        more_apps = [_new_app(server, name) for name in _MORE_APPS]
        yield Demo(server.url, server.inbox_links, ((server.app_id, server.app_key), *more_apps))


def _new_app(server: DemoServer, name: str) -> tuple[str, str]:
    created = json.loads(server.command("app", "create", "--name", name, "--platform", "420100", "--json"))
    return created["appId"], created["appKey"]


def send_messages(demo: Demo) -> None:
    """Send the messages for the screenshots: in Chinese to the teacher, in English to the parent."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Client(demo.url, app_id, key, platform_code="420100")) for app_id, key in demo.apps
        ]
        _send_chinese("teacher-li", *clients[:3])
        _send_english("parent-wang", *clients[3:])


def _send_chinese(user: str, campus: Client, family: Client, office: Client) -> None:
    campus.set_status(user, campus.send_text(user, "家长会改到周五下午三点，地点不变，请提前十分钟入场。"))
    menu = family.send_link(
        user,
        title="本周食谱已更新",
        content="周一：番茄牛腩、清炒时蔬；周二：香菇鸡块、蒸蛋。",
        business_id="menu-48",
        image_url=f"{_PICTURE_SITE}/small.svg",
        **_urls("menu.example.edu/48"),
    )
    family.set_status(user, menu)
    seal = office.send_oa(
        user,
        "用印申请",
        bg_color="FF0B7A5E",
        title="毕业证明用印申请",
        form=[("用途", "毕业证明"), ("份数", "3")],
        author="张老师",
        business_id="seal-2",
        approval=True,
        **_urls("oa.example.edu/seal/2"),
    )
    office.set_status(None, seal)
    family.send_link(
        user,
        title="校园开放日：实验室、图书馆与社团，一起来看看孩子们的一天",
        content="11月28日上午九点，学校西门签到。现场有科学实验、合唱团表演与亲子阅读角。",
        business_id="open-1",
        image_url=f"{_PICTURE_SITE}/wide.svg",
        **_urls("school.example.edu/open"),
    )
    campus.send_text(user, "明天上午九点全校消防演练，请准时参加。集合地点：操场东侧。")
    office.send_oa(
        user,
        "请假审批",
        bg_color="FF2F6FDE",
        title="王老师的请假申请",
        content="已与年级组协调好代课安排，请审批。",
        form=[("时间", "11月25日 全天"), ("事由", "参加市级教研培训"), ("代课", "陈老师（三节）")],
        author="王老师",
        file_count=2,
        business_id="leave-18",
        approval=True,
        **_urls("oa.example.edu/leave/18"),
    )
    family.send_link(
        user,
        title="第三单元作业",
        content="请在周五前完成并上传。",
        business_id="homework-4",
        **_urls("homework.example.edu/4"),
    )


def _send_english(user: str, school: Client, office: Client) -> None:
    school.send_text(user, "Parents' evening has moved to Friday at three; the place stays the same.")
    office.send_oa(
        user,
        "School trip",
        bg_color="FF2F6FDE",
        title="Class 4b visits the science museum",
        form=[("Date", "Thursday, 3 December"), ("Meeting point", "West gate, 8:15")],
        author="Ms Chen",
        file_count=1,
        business_id="trip-4",
        approval=True,
        **_urls("school.example.edu/trips/4"),
    )
    school.send_link(
        user,
        title="Homework for unit three",
        content="Please finish it by Friday and hand it in online.",
        business_id="homework-4",
        image_url=f"{_PICTURE_SITE}/small.svg",
        **_urls("homework.example.edu/4"),
    )


class _Urls(TypedDict):
    """The link targets of a message."""

    pc_url: str
    app_url: str


def _urls(address: str) -> _Urls:
    return {"pc_url": f"https://{address}", "app_url": f"https://{address}"}


# --- The screenshots ------------------------------------------------------------------------------------------------


def take_inbox(browser: Browser, demo: Demo, out: Path) -> None:
    """Take the inbox page on a PC."""
    page = _page(browser, width=1280, height=860, locale="zh-CN")
    page.goto(demo.links["teacher-li"])
    _settle(page)
    page.locator("article").nth(2).hover()
    _save(page, out)


def take_phone(browser: Browser, demo: Demo, out: Path) -> None:
    """Take the inbox page on a phone, in dark mode."""
    page = _page(browser, width=390, height=844, locale="zh-CN", phone=True, dark=True)
    page.goto(demo.links["teacher-li"])
    _settle(page)
    _save(page, out)


def take_bell(browser: Browser, demo: Demo, out: Path) -> None:
    """Take the bell on another website, in English."""
    page = _page(browser, width=860, height=640, locale="en-GB")
    token = demo.links["parent-wang"].partition("#token=")[2]
    document = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>School portal</title><style>
        body {{ margin: 0; font: 15px {_FONT}; background: #f3f5f8; color: #1d2330 }}
        nav {{ display: flex; align-items: center; gap: 28px; padding: 8px 24px; background: #fff;
               border-bottom: 1px solid #e4e8ee; color: #5b6472 }}
        b {{ font-size: 17px; color: #1d2330 }} msg-inbox {{ margin-left: auto; --msg-height: 540px }}
        main {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 16px; padding: 24px }}
        i {{ height: 130px; border-radius: 14px; background: #fff; border: 1px solid #e4e8ee }}</style>
        <nav><b>School portal</b><span>Timetable</span><span>Marks</span><span>Library</span>
        <msg-inbox token="{token}" lang="en"></msg-inbox></nav>
        <main>{"<i></i>" * 9}</main><script type="module" src="/inbox/msg-inbox.js"></script></html>"""
    page.route("**/portal", lambda route: route.fulfill(body=document, content_type="text/html"))
    page.goto(f"{demo.url}/portal")
    page.get_by_role("button", name="unread").click()
    _settle(page)
    _save(page, out)


def take_portal(browser: Browser, demo: Demo, out: Path) -> None:
    """Take a developer's first messages in the portal: request, preview, answer and sandbox inbox."""
    page = _page(browser, width=1280, height=1000, locale="en-GB")
    page.goto(f"{demo.url}/portal/sign-up")
    page.get_by_label("Your name").fill("Wang Fang")
    page.get_by_label("E-mail address").fill("wang@school.example.edu")
    page.get_by_label("Password").fill("only for a picture")
    page.get_by_role("button", name="Create the account").click()
    page.get_by_role("link", name="Register an app").click()
    page.get_by_label("Name").fill("Homework")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("link", name="send the first message").click()
    for kind, number in (("Text", 1), ("Link", 2)):
        page.get_by_role("button", name=kind, exact=True).click()
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator("#sandbox article").nth(number - 1).wait_for()
    page.locator("html").evaluate("(root, font) => root.style.setProperty('--font', font)", _FONT)
    page.locator("#preview").evaluate("(place, font) => place.style.setProperty('--msg-font', font)", _FONT)
    page.locator("#try-next").wait_for()
    _settle(page)
    page.locator("#try").evaluate("place => scrollTo(0, place.getBoundingClientRect().top + scrollY - 84)")
    _save(page, out)


def _page(browser: Browser, *, width: int, height: int, locale: str, phone: bool = False, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=1.5,
        locale=locale,
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        is_mobile=phone,
        has_touch=phone,
    )
    context.route(f"{_PICTURE_SITE}/**", _draw)
    context.route("**/inbox/v1/messages?*", _spread_times)
    return context.new_page()


def _draw(route: Route) -> None:
    """Answer with a drawing of hills."""
    size = (
        'width="80" height="80" viewBox="280 0 320 320"' if "small" in route.request.url else 'width="640" height="320"'
    )
    drawing = f"""<svg xmlns="http://www.w3.org/2000/svg" {size}>
        <rect width="640" height="320" fill="#cfe5ff"/><circle cx="470" cy="110" r="52" fill="#ffd47a"/>
        <path d="M0 320V230L170 110 330 240 450 170 640 290V320Z" fill="#6fa3d8"/>
        <path d="M0 320V280L230 200 420 290 640 220V320Z" fill="#3f74b5"/></svg>"""
    route.fulfill(body=drawing, content_type="image/svg+xml")


def _spread_times(route: Route) -> None:
    answer = route.fetch()
    listed: dict[str, Any] = answer.json()
    now = time.time() * 1_000
    for index, message in enumerate(listed["messages"]):
        age = _AGES[index] if index < len(_AGES) else 30 * 60 + index * 1_440
        message["createdAt"] = int(now - age * 60_000)
    route.fulfill(response=answer, json=listed)


def _settle(page: Page) -> None:
    page.locator("msg-inbox").evaluate("(inbox, font) => inbox.style.setProperty('--msg-font', font)", _FONT)
    page.locator("article").first.wait_for()
    page.wait_for_timeout(1_000)


def _save(page: Page, out: Path) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=out)
    page.context.close()
    print(f"{out} ({out.stat().st_size // 1024} kB)")


if __name__ == "__main__":
    main()
