/** A store in a window of its own for each test, with a server that answers when the test says so. */

import assert from "node:assert/strict";
import { afterEach, beforeEach } from "node:test";
import { Store } from "../../../src/msgcenter/inbox/static/store.js";
import { Browser } from "./browser.js";
import { settle } from "./clock.js";
import { FakeServer } from "./server.js";

/** @import { Stream } from "../../../src/msgcenter/inbox/static/stream.js" */

export const SECOND = 1_000;

/** @type {Browser} */
export let browser;
/** @type {FakeServer} */
export let server;
/** @type {Store} */
export let store;

beforeEach(() => {
  browser = new Browser().install();
  server = new FakeServer();
  store = new Store(server.api, /** @type {Stream} */ (/** @type {unknown} */ (server.stream)));
});

afterEach(() => store.stop());

/** Open the stream and the list. */
export async function open() {
  store.start();
  server.connect();
  await store.open();
  await settle();
}

export const shownIds = () => store.messages.map(({ id }) => id);
export const unreadIds = () => store.messages.filter(({ readAt }) => readAt === null).map(({ id }) => id);
export const badge = () => store.counts?.unread;

/** @param {string} name */
export function lastCall(name) {
  const call = server.callsOf(name).at(-1);
  assert.ok(call, `${name} was called`);
  return call;
}

export function baseMessage() {
  const [id] = server.receive(1);
  const message = server.messages.get(id);
  server.messages.delete(id);
  assert.ok(message);
  return message;
}
