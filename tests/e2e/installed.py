"""The page /inbox as an app on a device: its windows, what it keeps, and the messages that its worker gets."""

import json
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.conftest import Server

_KEPT = """server => new Promise((resolve, reject) => {
    const opening = indexedDB.open(`msg-inbox ${server}`);
    opening.onerror = () => reject(opening.error);
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onsuccess = () => {
        const store = opening.result.transaction("values").objectStore("values");
        const [keys, values] = [store.getAllKeys(), store.getAll()];
        values.onsuccess = () => {
            opening.result.close();
            resolve(Object.fromEntries(keys.result.map((key, index) => [key, values.result[index]])));
        };
    };
}).catch(() => ({}))"""
# An event of a script may not keep a worker alive. A NotificationEvent takes a real notification only, which only a
# Chromium with windows has.
_RENEW = """(subscription) => {
    PushManager.prototype.getSubscription = async () => null;
    PushManager.prototype.subscribe = async (options) => {
        self.subscribedWith = [...new Uint8Array(options.applicationServerKey)];
        return { endpoint: subscription.endpoint, toJSON: () => subscription };
    };
    const event = new ExtendableEvent("pushsubscriptionchange");
    let work = null;
    Object.defineProperty(event, "waitUntil", { value: (promise) => { work = promise; } });
    self.dispatchEvent(event);
    return work.then(() => self.subscribedWith);
}"""
_SYNC = """({ tag, lastChance }) => {
    const event = new ExtendableEvent("sync");
    let work = null;
    Object.defineProperty(event, "waitUntil", { value: (promise) => { work = promise; } });
    Object.assign(event, { tag, lastChance });
    self.fetch = async () => { throw new TypeError("no network"); };
    self.dispatchEvent(event);
    return work.then(() => true, () => false);
}"""
_CLICK = """(notification) => {
    const event = new ExtendableEvent("notificationclick");
    let work = null;
    Object.defineProperty(event, "waitUntil", { value: (promise) => { work = promise; } });
    Object.defineProperty(event, "notification", { value: { ...notification, close: () => {} } });
    self.dispatchEvent(event);
    return work.then(() => null);
}"""
_RECORD = """() => {
    self.shown = [];
    self.opened = [];
    self.registration.showNotification = async (title, options) => { self.shown.push({ title, ...options }); };
    Object.defineProperty(navigator, "setAppBadge", { value: async (count) => { self.badge = count; } });
    self.clients.openWindow = async (url) => { self.opened.push(url); return null; };
}"""


class Device:
    """A browser with the inbox of a server."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.context = context
        self.url = server.url
        self.errors: list[str] = []
        self.page = self.new_window()

    def new_window(self) -> Page:
        """Open an empty window, whose errors are noted."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._note(message.text))
        return page

    def install(self) -> None:
        """Let new windows be those of an installed app, as they are on an iPhone."""
        self.context.add_init_script("Object.defineProperty(navigator, 'standalone', { value: true })")

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.errors.append(text)

    def open(self, fragment: str = "") -> None:
        """Open the inbox in a new window, as a start of the app does."""
        self.page.close()
        self.page = self.new_window()
        self.page.goto(f"{self.url}/inbox{fragment}")

    def leave(self) -> None:
        """Close the inbox; the browser stays open."""
        window = self.new_window()
        self.page.close()
        self.page = window

    def await_worker(self) -> None:
        """Wait until the service worker has what it needs to open the page without a network."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => null)")

    @property
    def has_worker(self) -> bool:
        """Whether this browser has a service worker for the inbox."""
        found: int = self.page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)")
        return found > 0

    def open_settings(self) -> None:
        """Open the settings, and wait until they are loaded."""
        self.page.get_by_role("button", name="More", exact=True).click()
        self.page.get_by_role("menuitem", name="Settings").click()
        expect(self.page.get_by_role("heading", name="This device")).to_be_visible()

    def keep_messages(self) -> None:
        """Turn on that messages are kept, and wait until the newest are, and the page."""
        self.open_settings()
        self.page.get_by_role("switch", name="Keep messages on this device").check()
        self.wait_until_kept("list")
        self.await_worker()
        self.page.get_by_role("button", name="Close").click()

    def kept(self) -> dict[str, Any]:
        """Return what is kept on the device."""
        values: dict[str, Any] = self.page.evaluate(_KEPT, self.url)
        return values

    def wait_until_kept(self, name: str) -> None:
        """Wait until a value is kept."""
        while name not in self.kept():
            self.page.wait_for_timeout(100)

    def record_notifications(self) -> None:
        """Let the worker note its notifications, windows and badge: a Chromium without windows has none of them."""
        self.context.service_workers[0].evaluate(_RECORD)

    def deliver(self, payload: object) -> dict[str, Any]:
        """Hand a decrypted push message to the worker. Return the notification that it shows."""
        worker = self.context.service_workers[0]
        self._deliver(json.dumps(payload))
        shown: dict[str, Any] = worker.evaluate(
            "() => new Promise((resolve) => setInterval(() => self.shown.length && resolve(self.shown.pop()), 50))"
        )
        return shown

    def _deliver(self, data: str) -> None:
        self.dispatch("ServiceWorker.deliverPushMessage", data=data)

    def dispatch(self, command: str, **parameters: object) -> None:
        """Let the browser do with the worker what it does by itself at its time, from a window that may be empty."""
        devtools = self.context.new_cdp_session(self.page)
        registrations: list[dict[str, Any]] = []
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"])
        )
        devtools.send("ServiceWorker.enable")
        while not registrations:
            self.page.wait_for_timeout(50)
        registration = {"origin": self.url, "registrationId": registrations[-1]["registrationId"]}
        devtools.send(command, {**registration, **parameters})

    def sync_while_offline(self, tag: str, *, is_last_chance: bool) -> bool:
        """Let the worker do its background work in vain. Return whether it calls it done."""
        done: bool = self.context.service_workers[0].evaluate(_SYNC, {"tag": tag, "lastChance": is_last_chance})
        return done

    def renew_subscription(self, subscription: dict[str, Any]) -> bytes:
        """Let the browser end its push subscription, and begin another. Return the key that it subscribes with."""
        return bytes(self.context.service_workers[0].evaluate(_RENEW, subscription))

    def click_notification(self, shown: dict[str, Any]) -> list[str]:
        """Click a notification. Return the addresses of the windows that the worker opens."""
        worker = self.context.service_workers[0]
        worker.evaluate(_CLICK, shown)
        opened: list[str] = worker.evaluate("self.opened.splice(0)")
        return opened
