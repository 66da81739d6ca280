import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiError, Session } from "../../src/msgcenter/inbox/static/api.js";
import { answerOffline } from "../../src/msgcenter/inbox/static/offline-api.js";

/** @import { Filter, View } from "../../src/msgcenter/inbox/static/api.js" */

const MESSAGES = [
  {
    id: "3",
    kind: "text",
    app: { id: "one" },
    readAt: null,
    archived: false,
    approval: null,
    body: { content: "new" },
  },
  { id: "2", kind: "text", app: { id: "two" }, readAt: 1, archived: false, approval: null, body: { content: "old" } },
];
const COUNTS = { unread: 1, todo: 0, apps: [] };

/**
 * @param {object} options
 * @param {() => Promise<Response>} options.answer
 * @param {object | null} [options.list]
 * @param {boolean} [options.keeps]
 */
function apiWith({ answer, list = { messages: MESSAGES, counts: COUNTS, hasMore: true, savedAt: 1 }, keeps = true }) {
  globalThis.fetch = answer;
  /** @type {string[]} */
  const done = [];
  const device = {
    sendMarks: async () => done.push("sent"),
    keptList: async () => list,
    keepMarks: async (/** @type {string[]} */ ids, /** @type {boolean} */ read) => {
      done.push(`kept ${ids} ${read}`);
      return keeps;
    },
  };
  const session = new Session("token", async () => null);
  const api = new Api("https://x.example", session, "en");
  answerOffline(api, /** @type {any} */ (device));
  return { api, done };
}

const offline = async () => Promise.reject(new TypeError("no network"));
/** @type {(filter?: Filter, app?: string, q?: string) => View} */
const view = (filter = "all", app = "", q = "") => ({ filter, app, q });

test("without a network, a list is the kept one, filtered as the server would", async () => {
  const { api } = apiWith({ answer: offline });
  const ids = async (/** @type {View} */ which) => (await api.list(which)).messages.map(({ id }) => id);
  assert.deepEqual(await ids(view()), ["3", "2"]);
  assert.deepEqual(await ids(view("unread")), ["3"]);
  assert.deepEqual(await ids(view("all", "two")), ["2"]);
  assert.deepEqual(await ids(view("all", "", "NEW")), ["3"]);
  const page = await api.list(view());
  assert.deepEqual([page.nextCursor, page.counts], ["2", COUNTS]);
});

test("with a network, the list is the server's, after the kept marks were sent", async () => {
  const { api, done } = apiWith({ answer: async () => Response.json({ messages: [], nextCursor: null }) });
  assert.deepEqual((await api.list(view())).messages, []);
  assert.deepEqual(done, ["sent"]);
});

for (const status of [401, 429, 500, 503]) {
  test(`a refusal with ${status} is not answered with kept messages`, async () => {
    const { api } = apiWith({ answer: async () => Response.json({ code: "x" }, { status }) });
    await assert.rejects(api.list(view()), (error) => error instanceof ApiError && error.status === status);
    await assert.rejects(api.setRead(["3"], true), (error) => error instanceof ApiError && error.status === status);
  });
}

test("older pages and lists of a device that keeps nothing fail without a network", async () => {
  await assert.rejects(apiWith({ answer: offline }).api.list(view(), { cursor: "2" }), ApiError);
  await assert.rejects(apiWith({ answer: offline, list: null }).api.list(view()), ApiError);
});

test("marks are kept without a network, where the device keeps messages", async () => {
  const { api, done } = apiWith({ answer: offline });
  assert.deepEqual(await api.setRead(["3"], true), { changed: ["3"], counts: null });
  assert.deepEqual(done, ["kept 3 true"]);
  await assert.rejects(apiWith({ answer: offline, keeps: false }).api.setRead(["3"], true), ApiError);
});
