/** Loading the list, and what is older. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/msgcenter/inbox/static/api.js";
import { settle } from "./support/clock.js";
import { badge, baseMessage, browser, open, SECOND, server, shownIds, store } from "./support/store-scene.js";

/** @import { View } from "../../src/msgcenter/inbox/static/api.js" */

test("the first list is asked for when the stream is open", async () => {
  server.receive(2);
  store.start();
  store.open();
  await settle();
  assert.equal(server.callsOf("list").length, 0);
  server.connect();
  await settle();
  assert.equal(server.callsOf("list").length, 1);
  assert.deepEqual([store.phase, shownIds()], ["shown", ["1002", "1001"]]);
});

test("where no stream opens, the list waits 0.8 seconds only", async () => {
  server.receive(1);
  store.start();
  store.open();
  await browser.pass(799);
  assert.equal(server.callsOf("list").length, 0);
  await browser.pass(1);
  assert.deepEqual([shownIds(), badge()], [["1001"], 1]);
});

test("the stream brings the first page, and what comes after it changes it", async () => {
  server.receive(32);
  store.start({ withList: true });
  server.isStreamHeld = true;
  server.connect();
  server.setRead(["1032"], true);
  server.recall("1031");
  server.receive(1);
  while (server.events.length > 0) server.deliver(); // in one go, as when a page takes over its early stream
  await settle();
  assert.equal(server.calls.length, 0);
  assert.deepEqual([store.phase, store.messages.length, store.hasMore], ["shown", 30, true]);
  assert.deepEqual(shownIds().slice(0, 3), ["1033", "1032", "1030"]);
  assert.equal(store.message("1032")?.readAt === null, false);
  await store.loadMore();
  assert.deepEqual([store.messages.length, server.callsOf("list").length], [32, 1]);
});

test("a stream that brings no list does not hold it up for more than a second", async () => {
  server.receive(1);
  store.start({ withList: true });
  server.stream.listLength = 0;
  server.connect();
  await browser.pass(999);
  assert.equal(server.calls.length, 0);
  await browser.pass(1);
  assert.deepEqual([shownIds(), server.callsOf("list").length], [["1001"], 1]);
});

test("a list that comes late with the stream replaces the call for it", async () => {
  server.receive(1);
  server.isHeld = true;
  store.start({ withList: true });
  await browser.pass(800);
  const [call] = server.callsOf("list");
  server.work(call);
  server.receive(1);
  server.connect();
  await settle();
  assert.deepEqual([store.phase, shownIds()], ["shown", ["1002", "1001"]]);
  server.answer(call);
  await settle();
  assert.deepEqual(shownIds(), ["1002", "1001"]);
});

test("a view that is chosen before the list has come is the one that is shown", async () => {
  const [first] = server.receive(2);
  server.setRead([first], true);
  store.start({ withList: true });
  store.show({ filter: "unread" });
  server.connect();
  await browser.pass(2 * SECOND);
  assert.deepEqual([store.phase, shownIds()], ["shown", ["1002"]]);
  // Again once the stream is open: the first call may have missed a change.
  const filters = server.callsOf("list").map(({ args: [view] }) => /** @type {View} */ (view).filter);
  assert.deepEqual(filters, ["unread", "unread"]);
});

test("a closed inbox loads the counts alone, from the stream", async () => {
  server.receive(3);
  store.start();
  server.connect();
  await settle();
  assert.equal(badge(), 3);
  assert.equal(server.calls.length, 0);
});

test("the list is loaded once, however often it is opened", async () => {
  await open();
  await store.open();
  assert.equal(server.callsOf("list").length, 1);
});

test("a page of 30 is loaded, and older ones when they are asked for", async () => {
  server.receive(70);
  await open();
  assert.deepEqual([store.messages.length, store.hasMore], [30, true]);
  await store.loadMore();
  await store.loadMore();
  assert.deepEqual([store.messages.length, store.hasMore], [70, false]);
  assert.deepEqual(shownIds(), [...server.messages.keys()].reverse());
  await store.loadMore();
  assert.equal(server.callsOf("list").length, 3);
});

test("ids are compared as numbers, whatever their length", async () => {
  for (const id of ["999", "1000", "10000000000000000001", "9"]) {
    server.messages.set(id, { ...baseMessage(), id });
  }
  await open();
  assert.deepEqual(shownIds(), ["10000000000000000001", "1000", "999", "9"]);
});

test("a list that cannot be loaded is failed, reports its error, and can be loaded again", async () => {
  /** @type {ApiError[]} */
  const failures = [];
  store.on("failure", (error) => failures.push(error));
  server.isHeld = true;
  store.start();
  server.connect();
  store.open();
  await settle();
  server.lose(server.pending[0]);
  await settle();
  assert.deepEqual([store.phase, failures.map(({ code }) => code)], ["failed", ["network"]]);
  server.isHeld = false;
  await store.load();
  assert.equal(store.phase, "shown");
});

test("older messages that cannot be loaded leave the list as it is", async () => {
  server.receive(40);
  await open();
  server.isHeld = true;
  const loading = store.loadMore();
  assert.equal(store.olderPhase, "loading");
  server.lose(server.pending[0]);
  await loading;
  assert.deepEqual([store.olderPhase, store.phase, store.messages.length], ["failed", "shown", 30]);
});

test("only the answer of the last view counts", async () => {
  server.receive(2);
  server.setRead(["1001"], true);
  await open();
  server.isHeld = true;
  store.show({ filter: "archived" });
  store.show({ filter: "unread" });
  const [archived, unread] = server.pending;
  server.answer(unread);
  await settle();
  server.answer(archived);
  await settle();
  assert.deepEqual([store.view.filter, shownIds()], ["unread", ["1002"]]);
});

test("the present view is not loaded again", async () => {
  await open();
  await store.show({ filter: "all", q: "" });
  assert.equal(server.callsOf("list").length, 1);
});

test("an expired message is asked for once, when it expires", async () => {
  server.receive(1, { expiresAt: Date.now() + 10 * SECOND });
  await open();
  await browser.pass(10 * SECOND);
  assert.equal(server.callsOf("list").length, 1);
  server.messages.clear();
  await browser.pass(SECOND);
  assert.deepEqual([server.callsOf("list").length, shownIds()], [2, []]);
  await browser.pass(10 * SECOND);
  assert.equal(server.callsOf("list").length, 2);
});
