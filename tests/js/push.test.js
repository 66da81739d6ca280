import assert from "node:assert/strict";
import { test } from "node:test";
import { Push } from "../../src/msgcenter/inbox/static/push.js";
import { idOf } from "../../src/msgcenter/inbox/static/push-subscription.js";
import { fakeData } from "./support/device.js";

const [KEY, NEXT_KEY] = ["BAEC", "BAED"];
const [OLD, NEW] = ["https://push.example/old", "https://push.example/new"];

Object.assign(globalThis, {
  window: globalThis,
  Notification: { permission: "granted" },
  PushManager: class {},
});
Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Chrome" }, configurable: true });

/** @param {string} endpoint @param {string} key */
function subscription(endpoint, key) {
  const applicationServerKey = Uint8Array.from(atob(key), (character) => character.charCodeAt(0)).buffer;
  const toJSON = () => ({ endpoint, keys: { p256dh: "p", auth: "a" } });
  return { endpoint, options: { applicationServerKey }, toJSON };
}

/** @param {string} endpoint */
function id(endpoint) {
  return idOf(/** @type {PushSubscription} */ ({ endpoint }));
}

/**
 * Open the page in a browser. Return what it does: the calls, whether push messages end here, and what it keeps.
 *
 * @param {object} state
 * @param {string | null} state.own The browser's subscription.
 * @param {string} [state.ownKey]
 * @param {string | null} state.kept The subscription that the browser has told the server last.
 * @param {string[]} state.known Those that the server has.
 */
async function visit({ own, ownKey = KEY, kept, known }) {
  /** @type {any} */
  let current = own && subscription(own, ownKey);
  if (current) current.unsubscribe = async () => (current = null);
  const pushManager = {
    getSubscription: async () => current,
    subscribe: async () => (current = subscription(NEW, KEY)),
  };
  const data = fakeData();
  if (kept) await data.set("push", { owner: "wang", key: KEY, id: await id(kept), renewal: "r" });
  /** @type {any[]} */
  const posted = [];
  const api = {
    request: async (/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body) => {
      if (method === "GET")
        return { key: KEY, subscriptions: await Promise.all(known.map(async (it) => ({ id: await id(it) }))) };
      posted.push({ path, endpoint: body.endpoint, replaces: body.replaces });
      return { id: await id(body.endpoint), renewal: "r" };
    },
  };
  let hasEnded = false;
  const worker = { registration: async () => ({ pushManager }), ready: async () => ({ pushManager }) };
  const push = new Push(/** @type {any} */ (api), /** @type {any} */ (worker), data, {
    owner: () => "wang",
    ended: async () => {
      hasEnded = true;
    },
  });
  await push.renew();
  return { posted, hasEnded, keeps: (await data.get("push"))?.id ?? null };
}

const path = "push/subscriptions";

test("nothing happens while the server knows the browser's subscription", async () => {
  const done = await visit({ own: OLD, kept: OLD, known: [OLD] });
  assert.deepEqual(done, { posted: [], hasEnded: false, keeps: await id(OLD) });
});

test("nothing happens in a browser without push messages", async () => {
  assert.deepEqual(await visit({ own: null, kept: null, known: [OLD] }), { posted: [], hasEnded: false, keeps: null });
});

test("a subscription that the browser has ended is replaced", async () => {
  const { posted, keeps } = await visit({ own: null, kept: OLD, known: [OLD] });
  assert.deepEqual(posted, [{ path, endpoint: NEW, replaces: await id(OLD) }]);
  assert.equal(keeps, await id(NEW));
});

test("a subscription with another key is replaced, whether or not the browser remembers it", async () => {
  for (const kept of [OLD, null]) {
    const { posted } = await visit({ own: OLD, ownKey: NEXT_KEY, kept, known: [OLD] });
    assert.deepEqual(posted, [{ path, endpoint: NEW, replaces: await id(OLD) }]);
  }
});

test("what the worker could not tell the server, the page tells it", async () => {
  const { posted, hasEnded } = await visit({ own: NEW, kept: OLD, known: [] });
  assert.deepEqual(posted, [{ path, endpoint: NEW, replaces: await id(OLD) }]);
  assert.equal(hasEnded, false);
});

test("a subscription of an earlier version is told once more, for what renews it", async () => {
  const { posted, keeps } = await visit({ own: OLD, kept: null, known: [OLD] });
  assert.deepEqual(posted, [{ path, endpoint: OLD, replaces: undefined }]);
  assert.equal(keeps, await id(OLD));
});

test("a browser that its user has removed in another gets no messages any more", async () => {
  assert.deepEqual(await visit({ own: OLD, kept: OLD, known: [] }), { posted: [], hasEnded: true, keeps: null });
});
