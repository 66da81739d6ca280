import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { hasKey, renewSubscription, subscribe } from "../../src/msgcenter/inbox/static/push-subscription.js";
import { fakeData } from "./support/device.js";

const SERVER = "https://msg.example/base";
const [KEY, NEXT_KEY] = ["BAEC", "BAED"];
const CHOICE = { owner: "wang", key: KEY, id: "1", renewal: "renewal-1" };
/** @type {{url: string, body: any}[]} */
let calls = [];
/** What the server answers, in turn. @type {Response[]} */
let answers = [];

globalThis.fetch = async (url, options = {}) => {
  calls.push({ url: String(url), body: JSON.parse(String(options.body)) });
  return answers.shift() ?? new Response("{}", { status: 410 });
};

beforeEach(() => {
  calls = [];
  answers = [];
});

/** Return a push manager that counts its subscriptions. */
function fakeManager() {
  /** @type {any} */
  let current = null;
  let count = 0;
  const manager = {
    getSubscription: async () => current,
    subscribe: async (/** @type {{applicationServerKey: Uint8Array}} */ { applicationServerKey }) => {
      count += 1;
      const endpoint = `https://push.example/${count}`;
      current = {
        endpoint,
        options: { applicationServerKey: applicationServerKey.slice().buffer },
        toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" } }),
        unsubscribe: async () => {
          current = null;
        },
      };
      return current;
    },
  };
  return /** @type {PushManager} */ (/** @type {unknown} */ (manager));
}

test("a subscription with the platform's key is kept, one with another key is replaced", async () => {
  const manager = fakeManager();
  const first = await subscribe(manager, KEY);
  assert.equal(await subscribe(manager, KEY), first);
  const second = await subscribe(manager, NEXT_KEY);
  assert.notEqual(second.endpoint, first.endpoint);
  assert.deepEqual([hasKey(second, KEY), hasKey(second, NEXT_KEY)], [false, true]);
});

test("a browser subscribes again without a token, and keeps what lets it do so once more", async () => {
  const data = fakeData();
  await data.set("push", CHOICE);
  answers = [Response.json({ id: "2", renewal: "renewal-2", key: KEY })];
  await renewSubscription(data, SERVER, fakeManager());
  assert.deepEqual(calls, [
    {
      url: `${SERVER}/inbox/v1/push/subscriptions/renew`,
      body: { renewal: "renewal-1", endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } },
    },
  ]);
  assert.deepEqual(await data.get("push"), { ...CHOICE, id: "2", renewal: "renewal-2" });
});

test("it subscribes once more if the platform has another key by now", async () => {
  const data = fakeData();
  await data.set("push", CHOICE);
  answers = ["2", "3"].map((id) => Response.json({ id, renewal: `renewal-${id}`, key: NEXT_KEY }));
  await renewSubscription(data, SERVER, fakeManager());
  assert.deepEqual(
    calls.map(({ body }) => body.renewal),
    ["renewal-1", "renewal-2"],
  );
  assert.deepEqual(await data.get("push"), { ...CHOICE, key: NEXT_KEY, id: "3", renewal: "renewal-3" });
});

test("what the server refuses stays for the page", async () => {
  const data = fakeData();
  await data.set("push", CHOICE);
  await renewSubscription(data, SERVER, fakeManager());
  assert.deepEqual(await data.get("push"), CHOICE);
});

test("without the user's choice nothing is subscribed", async () => {
  await renewSubscription(fakeData(), SERVER, fakeManager());
  assert.deepEqual(calls, []);
});
