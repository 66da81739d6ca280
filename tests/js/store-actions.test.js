/** Reading and archiving show before the server answers, and are taken back if it refuses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/msgcenter/inbox/static/api.js";
import { settle } from "./support/clock.js";
import { badge, browser, lastCall, open, server, shownIds, store, unreadIds } from "./support/store-scene.js";

test("reading shows before the server answers", async () => {
  server.receive(2);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1002"], true);
  assert.deepEqual([unreadIds(), badge()], [["1001"], 1]);
  await server.drain();
  await reading;
  assert.deepEqual([unreadIds(), badge()], [["1001"], 1]);
});

test("what is read already is not asked for", async () => {
  server.receive(1);
  server.setRead(["1001"], true);
  await open();
  await store.setRead(["1001"], true);
  await store.setRead(["7777"], true);
  assert.equal(server.callsOf("setRead").length, 0);
});

test("a refused change is taken back, and reported", async () => {
  server.receive(2);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1002"], true);
  server.lose(server.pending[0], new ApiError(429, "rate_exceeded"));
  await assert.rejects(reading, { code: "rate_exceeded" });
  await server.drain();
  assert.deepEqual([unreadIds(), badge()], [["1002", "1001"], 2]);
});

test("a refused change is not taken back where another device has changed the message since", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1001"], true);
  server.setRead(["1001"], true);
  server.setArchived(["1001"], true);
  server.lose(server.pending[0]);
  await assert.rejects(reading);
  await server.drain();
  assert.deepEqual([shownIds(), badge()], [[], 0]);
});

test("a change whose answer is lost keeps the state that the server has", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1001"], true);
  server.work(server.pending[0]);
  server.lose(server.pending[0]);
  await assert.rejects(reading);
  await server.drain();
  assert.deepEqual([unreadIds(), badge()], [[], 0]);
});

test("counts of an answer that is older than the stream's do not replace them", async () => {
  server.receive(3);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1001"], true);
  server.work(server.pending[0]);
  server.receive(1);
  assert.equal(badge(), 3);
  await server.drain();
  await reading;
  assert.equal(badge(), 3);
});

test("counts that were asked for before the stream opened do not replace its counts", async () => {
  server.receive(1);
  server.isHeld = true;
  store.start();
  await browser.pass(800);
  server.work(lastCall("counts"));
  server.receive(1);
  server.connect();
  assert.equal(badge(), 2);
  await server.drain();
  assert.equal(badge(), 2);
});

test("a message that is read in the unread view stays there, until it is opened again", async () => {
  server.receive(2);
  await open();
  await store.show({ filter: "unread" });
  await store.setRead(["1001"], true);
  assert.deepEqual(shownIds(), ["1002", "1001"]);
  await store.show({ filter: "all" });
  await store.show({ filter: "unread" });
  assert.deepEqual(shownIds(), ["1002"]);
});

test("a message that was kept in the unread view leaves it when another device archives it", async () => {
  server.receive(2);
  await open();
  await store.show({ filter: "unread" });
  await store.setRead(["1001"], true);
  server.setArchived(["1001"], true);
  assert.deepEqual(shownIds(), ["1002"]);
});

/**
 * Begin a refresh whose list the server has made up, and which has yet to arrive.
 *
 * @returns {Promise<() => Promise<void>>} Lets the list arrive, and nothing after it.
 */
async function beginRefresh() {
  server.isHeld = true;
  store.refresh();
  const list = lastCall("list");
  server.work(list);
  return async () => {
    server.answer(list);
    await settle();
  };
}

test("a list that is older than another device's change does not show the old state", async () => {
  server.receive(1);
  await open();
  const arrive = await beginRefresh();
  server.setRead(["1001"], true);
  await arrive();
  assert.deepEqual(unreadIds(), []);
});

test("a list that arrives while a change is under way does not show the old state", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  store.setRead(["1001"], true);
  const arrive = await beginRefresh();
  await arrive();
  assert.deepEqual(unreadIds(), []);
});

test("a list that is older than a change, and arrives after its end, does not show the old state", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  server.isStreamHeld = true;
  const reading = store.setRead(["1001"], true);
  const arrive = await beginRefresh();
  server.answer(lastCall("setRead"));
  await reading;
  await arrive();
  assert.deepEqual(unreadIds(), []);
});

test("two changes of a message that both fail leave it as it was", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  const refused = [true, false].map((read) => assert.rejects(store.setRead(["1001"], read), { code: "network" }));
  for (const call of server.callsOf("setRead")) {
    server.lose(call);
    await settle();
  }
  await Promise.all(refused);
  await server.drain();
  assert.deepEqual([unreadIds(), badge()], [["1001"], 1]);
});

test("a state that is read again is not lost when another change begins before its answer", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1001"], true);
  server.setArchived(["1001"], true);
  server.lose(lastCall("setRead"));
  await assert.rejects(reading);
  const message = lastCall("message");
  store.readAll(); // changes nothing on the server, so no event follows
  server.answer(message);
  await settle();
  server.answer(lastCall("readAll"));
  await server.drain();
  assert.deepEqual([shownIds(), badge()], [[], 0]);
});

test("during a change, another device's later change is not hidden by an older list", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  const reading = store.setRead(["1001"], true);
  server.work(lastCall("setRead"));
  const arrive = await beginRefresh();
  server.setRead(["1001"], false);
  await arrive();
  server.answer(lastCall("setRead"));
  await reading;
  await server.drain();
  assert.deepEqual([unreadIds(), badge()], [["1001"], 1]);
});
