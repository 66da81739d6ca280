"""Push messages from the gateway to the notification: only the push service between them is the test's own."""

import json
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from msgcenter.actions.apps.key_ring import KeyRing
from msgcenter.channels.config import fields_of
from msgcenter.channels.face import Outcome, Parcel
from msgcenter.channels.push import PushConfig
from msgcenter.channels.registry import label_of, open_gateway, parse_config
from msgcenter.database.database import Database
from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.sealing import gateway_binding, push_binding
from msgcenter.domain.message_id import now_ms
from msgcenter.domain.network import LOOPBACK, AddressRules
from msgcenter.outbound.guarded_network import Resolver
from msgcenter.outbound.network import Network
from msgcenter.store.apps.platforms import find_platforms
from msgcenter.store.channels import gateways, subscriptions
from msgcenter_client import Client
from tests.channels.browser import Browser
from tests.channels.fake_server import FakeServer, serving
from tests.conftest import SECRET_KEY, Credentials, Raw, Server, new_app, wait_for
from tests.e2e.conftest import user_token
from tests.e2e.installed import Device

PLATFORM = "420188"
KEYS = KeyRing(SECRET_KEY)
# A browser subscribes at its maker's push service, which these tests must not need. The subscription lies where a new
# start finds it; "other" is the one that the browser makes next.
_SUBSCRIBE = """({ first, other }) => {
    const now = () => JSON.parse(localStorage.getItem("subscription") ?? "null");
    const as_object = ({ endpoint, keys, key }) => ({
        endpoint,
        options: { applicationServerKey: new Uint8Array(key).buffer },
        toJSON: () => ({ endpoint, keys }),
        unsubscribe: async () => { localStorage.removeItem("subscription"); return true; },
    });
    Object.defineProperty(Notification, "permission", { get: () => "granted" });
    Notification.requestPermission = async () => "granted";
    PushManager.prototype.getSubscription = async () => now() && as_object(now());
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
        const made = localStorage.getItem("subscribed") ? other : first;
        localStorage.setItem("subscribed", "once");
        const key = [...new Uint8Array(applicationServerKey)];
        localStorage.setItem("subscription", JSON.stringify({ ...made, key }));
        return as_object(now());
    };
}"""
_KEY = "JSON.parse(localStorage.getItem('subscription')).key"


@pytest.fixture
def app(shared_database: str) -> Credentials:
    """An app on a platform of its own, which has a gateway for push."""
    credentials = wait_for(new_app(shared_database, PLATFORM))
    wait_for(_set_gateway(shared_database))
    return credentials


@pytest.fixture
def push_service() -> Iterator[FakeServer]:
    """A push service."""
    with serving() as fake:
        fake.answer = lambda _: (201, {}, b"")
        yield fake


def config(private_key: str = "Aw" * 21 + "A") -> PushConfig:
    made = parse_config("push", "webpush", {"contact": "mailto:ops@school.example", "private_key": private_key})
    assert isinstance(made, PushConfig)
    return made


async def _set_gateway(url: str, configured: PushConfig | None = None) -> None:
    configured = configured or config()
    sealed = KEYS.seal_value("gateway", gateway_binding(PLATFORM, "push"), json.dumps(fields_of(configured)))
    async with Database(url, connections=2) as database, database.connection() as connection:
        await gateways.save(
            connection,
            PLATFORM,
            "push",
            provider="webpush",
            label=label_of(configured),
            config_sealed=sealed,
            rate=50,
            daily_limit=None,
            now=now_ms(),
        )


async def _deliver(url: str, user: str, app_number: int, note: Note) -> Outcome:
    """Send a note to the one subscription that is stored for a user, as the dispatcher does."""
    async with Database(url, connections=2) as database, database.connection() as connection:
        platform = (await find_platforms(connection))[PLATFORM]
        stored = await subscriptions.read(connection, platform.cell_of(user), [user], app_number)
    (subscription,) = stored[user]
    address = KEYS.open_value("push", push_binding(PLATFORM, user), subscription.sealed)
    resolver = Resolver(1)
    async with open_gateway(config(), Network(resolver, AddressRules(LOOPBACK))) as gateway:
        outcome = await gateway.send(Parcel("key", address, note))
    resolver.close()
    return outcome


def test_a_message_is_notified_and_a_click_opens_it(
    device: Device,
    server: Server,
    client: Client,
    raw: Raw,
    user: str,
    app: Credentials,
    shared_database: str,
    push_service: FakeServer,
) -> None:
    browser = Browser()
    token = user_token(raw, user)
    bring_subscriptions(device, browser.subscription(f"{push_service.url}/push/abc"))
    device.open(f"#token={token}")
    turn_on(device)
    device.await_worker()
    assert bytes(device.page.evaluate(_KEY))[:1] == b"\x04"

    message_id = client.send_text(user, "放学时间改为四点")
    expect(device.page.get_by_role("article").filter(has_text="放学时间改为四点")).to_be_visible()
    note = Note(
        message_id=int(message_id),
        kind="text",
        language="zh",
        title="智慧校园",
        text="放学时间改为四点",
        link=f"{server.url}/inbox#msg={message_id}",
        unread=1,
    )
    assert wait_for(_deliver(shared_database, user, app.number, note)).verdict == "accepted"
    (call,) = push_service.calls
    device.record_notifications()
    shown = device.deliver(browser.read(call.body))
    assert (shown["title"], shown["body"], shown["tag"]) == ("智慧校园", "放学时间改为四点", f"msg-inbox-{message_id}")
    assert device.context.service_workers[0].evaluate("self.badge") == 1
    assert shown["icon"] == f"{server.url}/inbox/icon-192.png"
    assert httpx.get(shown["badge"], trust_env=False).headers["content-type"] == "image/png"

    # A window of the inbox shows it.
    assert device.click_notification(shown) == []
    expect(device.page.locator("article.unread")).to_have_count(0)
    assert device.page.evaluate("document.querySelector('msg-inbox').shadowRoot.activeElement.tagName") == "ARTICLE"
    assert client.unread_count(user) == 0

    # Without a window, the worker opens one with the message's link.
    device.page.goto("about:blank")
    assert device.click_notification(shown) == [f"{server.url}/inbox#msg={message_id}"]

    device.open(f"#token={token}&msg={message_id}")
    device.open_settings()
    device.page.get_by_role("switch", name="Notifications on this device").uncheck()
    expect(device.page.get_by_text("Be notified even when this page is closed")).to_be_visible()
    while device.has_worker:
        device.page.wait_for_timeout(50)


def bring_subscriptions(device: Device, first: str, other: str | None = None) -> None:
    """Let a browser subscribe at a push service of the test."""
    brought = {"first": json.loads(first), "other": json.loads(other or first)}
    device.context.add_init_script(f"({_SUBSCRIBE})({json.dumps(brought)})")


def turn_on(device: Device) -> None:
    """Turn push messages on in the settings."""
    device.open_settings()
    expect(device.page.get_by_text("Be notified even when this page is closed")).to_be_visible()
    device.page.get_by_role("switch", name="Notifications on this device").check()
    expect(device.page.get_by_text("You are notified of unread messages")).to_be_visible()
    device.page.get_by_role("button", name="Close").click()


def endpoints(url: str, user: str) -> list[str]:
    """Return the endpoints that the server has of a user."""

    async def read() -> list[str]:
        async with Database(url, connections=2) as database, database.connection() as connection:
            platform = (await find_platforms(connection))[PLATFORM]
            stored = await subscriptions.list_own(connection, platform.cell_of(user), user, None)
        opened = (KEYS.open_value("push", push_binding(PLATFORM, user), each.sealed) for each in stored)
        return sorted(json.loads(each)["endpoint"] for each in opened)

    return wait_for(read())


def wait_for_endpoints(device: Device, url: str, user: str, expected: list[str]) -> None:
    """Wait until the server has these endpoints of a user."""
    while endpoints(url, user) != expected:
        device.page.wait_for_timeout(100)


FIRST, OTHER = "https://9.9.9.9/push/first", "https://9.9.9.9/push/other"


def test_a_subscription_that_the_browser_has_ended_is_made_again_at_the_next_visit(
    device: Device, raw: Raw, user: str, shared_database: str
) -> None:
    browser = Browser()
    bring_subscriptions(device, browser.subscription(FIRST), browser.subscription(OTHER))
    device.open(f"#token={user_token(raw, user)}")
    turn_on(device)
    assert endpoints(shared_database, user) == [FIRST]
    device.page.evaluate("localStorage.removeItem('subscription')")
    device.open(f"#token={user_token(raw, user)}")
    wait_for_endpoints(device, shared_database, user, [OTHER])


def test_a_platform_with_another_key_gets_another_subscription(
    device: Device, raw: Raw, user: str, shared_database: str
) -> None:
    browser = Browser()
    bring_subscriptions(device, browser.subscription(FIRST), browser.subscription(OTHER))
    device.open(f"#token={user_token(raw, user)}")
    turn_on(device)
    former = device.page.evaluate(_KEY)
    wait_for(_set_gateway(shared_database, config("Aw" * 20 + "BBA")))
    device.open(f"#token={user_token(raw, user)}")
    wait_for_endpoints(device, shared_database, user, [OTHER])
    assert device.page.evaluate(_KEY) != former


def test_the_worker_renews_a_subscription_with_the_page_closed(
    device: Device, raw: Raw, user: str, shared_database: str
) -> None:
    browser = Browser()
    bring_subscriptions(device, browser.subscription(FIRST))
    device.open(f"#token={user_token(raw, user)}")
    turn_on(device)
    former = bytes(device.page.evaluate(_KEY))
    renewal = device.kept()["push"]["renewal"]
    device.leave()
    assert device.renew_subscription(json.loads(browser.subscription(OTHER))) == former
    assert endpoints(shared_database, user) == [OTHER]
    # Once more, after the platform has changed its key.
    wait_for(_set_gateway(shared_database, config("Aw" * 20 + "BBA")))
    third = "https://9.9.9.9/push/third"
    assert device.renew_subscription(json.loads(browser.subscription(third))) != former
    assert endpoints(shared_database, user) == [third]
    device.page.goto(f"{device.url}/inbox/favicon.svg")
    assert device.kept()["push"]["renewal"] != renewal


def test_a_browser_that_was_removed_in_another_does_not_subscribe_again(
    device: Device, server: Server, raw: Raw, user: str, shared_database: str
) -> None:
    browser = Browser()
    bring_subscriptions(device, browser.subscription(FIRST), browser.subscription(OTHER))
    token = user_token(raw, user)
    device.open(f"#token={token}")
    turn_on(device)
    own = device.kept()["push"]["id"]
    headers = {"authorization": f"Bearer {token}"}
    url = f"{server.url}/inbox/v1/push/subscriptions/remove"
    assert httpx.post(url, json={"id": own}, headers=headers, trust_env=False).json() == {"removed": True}
    device.open(f"#token={token}")
    while device.has_worker:
        device.page.wait_for_timeout(50)
    assert "push" not in device.kept()
    assert endpoints(shared_database, user) == []


def test_the_next_user_of_a_browser_gets_no_messages_of_the_one_before(
    device: Device, raw: Raw, user: str, shared_database: str
) -> None:
    browser = Browser()
    bring_subscriptions(device, browser.subscription(FIRST), browser.subscription(OTHER))
    device.open(f"#token={user_token(raw, user)}")
    turn_on(device)
    device.open(f"#token={user_token(raw, f'{user}-other')}")
    while device.has_worker:
        device.page.wait_for_timeout(50)
    assert device.kept() == {}
    assert device.page.evaluate("localStorage.getItem('subscription')") is None
    assert endpoints(shared_database, f"{user}-other") == []


def test_a_digest_has_a_notification_of_its_own(device: Device, raw: Raw, user: str, server: Server) -> None:
    device.install()
    device.open(f"#token={user_token(raw, user)}")
    device.await_worker()
    device.record_notifications()
    url = "https://messages.school.example/all"
    shown = device.deliver({"title": "5 messages", "lang": "en", "tag": "msg-inbox-digest", "url": url})
    assert (shown["tag"], shown["body"], shown["lang"]) == ("msg-inbox-digest", "", "en")
    assert device.click_notification(shown) == [url]  # a platform's own inbox
