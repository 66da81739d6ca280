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
# A browser subscribes at its maker's push service, which these tests must not need.
_SUBSCRIBE = """({ endpoint, keys }) => {
    let current = null;
    const subscription = {
        endpoint,
        toJSON: () => ({ endpoint, keys }),
        unsubscribe: async () => { current = null; return true; },
    };
    Object.defineProperty(Notification, "permission", { get: () => "granted" });
    Notification.requestPermission = async () => "granted";
    PushManager.prototype.getSubscription = async () => current;
    PushManager.prototype.subscribe = async (options) => {
        window.subscribedWith = [...new Uint8Array(options.applicationServerKey)];
        current = subscription;
        return current;
    };
}"""


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


def config() -> PushConfig:
    made = parse_config("push", "webpush", {"contact": "mailto:ops@school.example", "private_key": "Aw" * 21 + "A"})
    assert isinstance(made, PushConfig)
    return made


async def _set_gateway(url: str) -> None:
    sealed = KEYS.seal_value("gateway", gateway_binding(PLATFORM, "push"), json.dumps(fields_of(config())))
    async with Database(url, connections=2) as database, database.connection() as connection:
        await gateways.save(
            connection,
            PLATFORM,
            "push",
            provider="webpush",
            label=label_of(config()),
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
    subscription = json.loads(browser.subscription(f"{push_service.url}/push/abc"))
    device.context.add_init_script(f"({_SUBSCRIBE})({json.dumps(subscription)})")
    device.open(f"#token={token}")
    device.await_worker()
    device.open_settings()
    switch = device.page.get_by_role("switch", name="Notifications on this device")
    expect(device.page.get_by_text("Be notified even when this page is closed")).to_be_visible()
    switch.check()
    expect(device.page.get_by_text("You are notified of unread messages")).to_be_visible()
    assert bytes(device.page.evaluate("window.subscribedWith"))[:1] == b"\x04"
    device.page.get_by_role("button", name="Close").click()

    message_id = client.send_text(user, "放学时间改为四点")
    expect(device.page.get_by_text("放学时间改为四点")).to_be_visible()
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
    expect(device.page.get_by_text("Other devices with notifications")).to_be_visible()
    device.page.get_by_role("button", name="Remove").click()
    expect(device.page.get_by_text("Other devices with notifications")).to_have_count(0)
    switch = device.page.get_by_role("switch", name="Notifications on this device")
    switch.check()
    expect(device.page.get_by_text("You are notified of unread messages")).to_be_visible()
    switch.uncheck()
    expect(device.page.get_by_text("Be notified even when this page is closed")).to_be_visible()


def test_a_digest_has_a_notification_of_its_own(device: Device, raw: Raw, user: str, server: Server) -> None:
    device.open(f"#token={user_token(raw, user)}")
    device.await_worker()
    device.record_notifications()
    url = "https://messages.school.example/all"
    shown = device.deliver({"title": "5 messages", "lang": "en", "tag": "msg-inbox-digest", "url": url})
    assert (shown["tag"], shown["body"], shown["lang"]) == ("msg-inbox-digest", "", "en")
    assert device.click_notification(shown) == [url]  # a platform's own inbox
