/**
 * The service worker of the page /inbox: opens it without a network, shows push messages, and sends read marks later.
 *
 * The server puts `SHELL`, a hash of the page and its files, before this script: so browsers install the worker again
 * when they change. The page itself always comes from the server; the copy here is for when the server cannot be reached.
 */

import { DeviceData } from "../static/device-data.js";
import { renewSubscription } from "../static/push-subscription.js";
import { SENDING, sendMarks } from "../static/read-marks.js";

/**
 * @typedef {object} PushMessage What the server sends (channels/push.py).
 * @property {string} title
 * @property {string} [body]
 * @property {string} [msgId] The message; none in a digest.
 * @property {string} [url] Opens the message.
 * @property {number} [badge] How many messages are unread.
 * @property {string} [tag] A notification replaces the one with its tag.
 * @property {string} [lang]
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
/** The server's URL with its base path. */
const SERVER = worker.registration.scope.replace(/\/inbox$/, "");
const PAGE = `${SERVER}/inbox`;
const CACHE_PREFIX = `msg-inbox ${SERVER} `;
const CACHE = CACHE_PREFIX + /** @type {{SHELL?: string}} */ (/** @type {unknown} */ (self)).SHELL;
/** The page's files as its document names them, and what else it needs without a network. */
const FILES = /"(inbox\/[a-z-]+-[0-9a-f]{16}\.[a-z]+)"/g;
/** A server that does not answer for so long (ms) counts as out of reach, when there is a copy of the page. */
const PATIENCE = 4_000;
const ICON = `${PAGE}/icon-192.png`;
const BADGE = `${PAGE}/icon-badge.png`;

const data = new DeviceData(SERVER);

// --- Life -------------------------------------------------------------------------------------------------------------

worker.addEventListener("install", (event) => {
  event.waitUntil(install(/** @type {any} */ (event)));
});

worker.addEventListener("activate", (event) => event.waitUntil(activate()));

/** @param {{addRoutes?: (routes: object[]) => Promise<void>}} event */
async function install(event) {
  // Calls and streams need no worker: where browsers can be told so, they do not start it for them.
  const { pathname } = new URL(`${PAGE}/v1/`);
  await event.addRoutes?.([{ condition: { urlPattern: { pathname: `${pathname}*` } }, source: "network" }]);
  const page = await fetch(PAGE, { cache: "reload", credentials: "omit" });
  if (!page.ok) throw new Error(`the page answers ${page.status}`);
  const names = [...(await page.clone().text()).matchAll(FILES)].map(([, name]) => `${SERVER}/${name}`);
  const cache = await caches.open(CACHE);
  await cache.addAll(names);
  await cache.put(PAGE, page);
  await worker.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(CACHE_PREFIX) && name !== CACHE) await caches.delete(name);
  }
  // The page is asked for while the worker starts.
  await worker.registration.navigationPreload?.enable();
  await worker.clients.claim();
}

// --- The page without a network ---------------------------------------------------------------------------------------

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = request.url.split(/[?#]/)[0];
  if (request.mode === "navigate") {
    if (address === PAGE) event.respondWith(openPage(event));
  } else if (request.method === "GET" && /^[^/]+-[0-9a-f]{16}\.[a-z]+$/.test(address.replace(`${PAGE}/`, ""))) {
    event.respondWith(openFile(request));
  }
});

/** @param {FetchEvent} event */
async function openPage(event) {
  const answer = fromServer(event);
  const copy = await caches.match(PAGE, { cacheName: CACHE });
  if (!copy) return answer;
  event.waitUntil(answer.catch(() => {}));
  const late = new Promise((resolve) => setTimeout(() => resolve(copy), PATIENCE));
  return Promise.race([answer.catch(() => copy), late]);
}

/** @param {FetchEvent} event */
async function fromServer(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

/**
 * Answer with a file whose address has its hash: the copy is the same.
 *
 * @param {Request} request
 */
async function openFile(request) {
  return (await caches.match(request.url, { cacheName: CACHE })) ?? fetch(request);
}

// --- Read marks -------------------------------------------------------------------------------------------------------

worker.addEventListener("sync", (/** @type {any} */ event) => {
  if (event.tag === SENDING) event.waitUntil(sync(event.lastChance));
});

/** @param {boolean} isLastChance */
async function sync(isLastChance) {
  const token = await data.get("token");
  // After an error the browser tries again later. What is left in the end, the page sends when it is open again.
  if (token && !(await sendMarks(data, SERVER, token)) && !isLastChance) throw new Error("read marks are left");
}

// --- Push messages ----------------------------------------------------------------------------------------------------

// Browsers may end a subscription on their own, and begin another.
worker.addEventListener("pushsubscriptionchange", (event) => {
  const { waitUntil } = /** @type {ExtendableEvent} */ (event);
  waitUntil.call(event, renewSubscription(data, SERVER, worker.registration.pushManager));
});

worker.addEventListener("push", (event) => event.waitUntil(show(event.data)));

/** @param {PushMessageData | null} sent */
async function show(sent) {
  const message = /** @type {PushMessage} */ (sent?.json() ?? { title: "MsgCenter" });
  if (typeof message.badge === "number") await setBadge(message.badge);
  await worker.registration.showNotification(message.title, {
    body: message.body ?? "",
    // An open page that shows the message by itself uses the same tag.
    tag: message.tag ?? (message.msgId && `msg-inbox-${message.msgId}`),
    icon: ICON,
    badge: BADGE,
    lang: message.lang ?? "",
    data: { msgId: message.msgId ?? null, url: message.url ?? null },
  });
}

/** @param {number} unread */
async function setBadge(unread) {
  const { setAppBadge } = /** @type {{setAppBadge?: (count: number) => Promise<void>}} */ (navigator);
  await setAppBadge?.call(navigator, unread).catch(() => {});
}

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data ?? {}));
});

/**
 * Open a message: in a window of the inbox that is open, or in a new one. The address of a platform's own inbox is opened
 * as it is.
 *
 * @param {{msgId?: string | null, url?: string | null}} target
 */
async function open({ msgId, url }) {
  const isElsewhere = url && url.split(/[?#]/)[0] !== PAGE;
  const windows = isElsewhere ? [] : await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const shown = windows.filter((client) => client.url.split(/[?#]/)[0] === PAGE);
  const client = shown.find(({ visibilityState }) => visibilityState === "visible") ?? shown[0];
  if (!client) {
    await worker.clients.openWindow(url || (msgId ? `${PAGE}#msg=${msgId}` : PAGE));
    return;
  }
  const focused = await client.focus().catch(() => client);
  focused.postMessage({ type: "msg-inbox:open", msgId, url });
}
