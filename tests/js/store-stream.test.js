/** What the stream brings, and what is missed while there is none. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support/clock.js";
import {
  badge,
  baseMessage,
  browser,
  lastCall,
  open,
  SECOND,
  server,
  shownIds,
  store,
  unreadIds,
} from "./support/store-scene.js";

// --- The stream ------------------------------------------------------------------------------------------------------

test("a message that arrives is listed and counted, and announced once", async () => {
  /** @type {string[]} */
  const arrived = [];
  store.on("message", ({ id }) => arrived.push(id));
  await open();
  server.receive(2);
  const message = server.messages.get("1001");
  assert.ok(message);
  server.stream.emit("message", message);
  await settle();
  assert.deepEqual([shownIds(), badge(), arrived], [["1002", "1001"], 2, ["1001", "1002"]]);
});

test("a message that the list has brought already is not announced", async () => {
  let count = 0;
  store.on("message", () => {
    count += 1;
  });
  const [id] = server.receive(1);
  await open();
  const message = server.messages.get(id);
  assert.ok(message);
  server.stream.emit("message", message);
  assert.deepEqual([count, shownIds()], [0, [id]]);
});

test("a message that the view does not show is counted only", async () => {
  await open();
  await store.show({ filter: "archived" });
  server.receive(1);
  assert.deepEqual([shownIds(), badge()], [[], 1]);
});

test("a message of another app is not listed in the view of one app", async () => {
  await open();
  await store.show({ app: "demo" });
  server.receive(1, { app: { id: "library", name: "Library" } });
  server.receive(1);
  assert.deepEqual([shownIds(), badge()], [["1002"], 2]);
});

test("a refresh ends when another view is shown", async () => {
  server.receive(1);
  await open();
  server.isHeld = true;
  store.refresh();
  const [list] = server.pending;
  store.show({ filter: "archived" });
  server.answer(list);
  await settle();
  assert.equal(server.callsOf("counts").length, 0);
  await server.drain();
  assert.deepEqual(shownIds(), []);
});

test("a message that arrives during a search is listed if it matches", async () => {
  await open();
  await store.show({ q: "trip" });
  server.receive(1, { body: { content: "School TRIP on Friday" } });
  server.receive(1, { body: { content: "Lunch" } });
  assert.deepEqual(shownIds(), ["1001"]);
});

test("another device's changes show at once", async () => {
  server.receive(3);
  await open();
  server.setRead(["1001"], true);
  server.setArchived(["1002"], true);
  assert.deepEqual([shownIds(), unreadIds(), badge()], [["1003", "1001"], ["1003"], 1]);
  server.setRead(["1001"], false);
  server.setArchived(["1002"], false);
  assert.deepEqual([shownIds(), unreadIds(), badge()], [["1003", "1002", "1001"], ["1003", "1001"], 2]);
});

test("a recalled message disappears, also from an answer that is older than the recall", async () => {
  server.receive(2);
  await open();
  server.isHeld = true;
  store.refresh();
  server.work(server.pending[0]);
  server.recall("1001");
  await server.drain();
  assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
});

test("a status event without its approval makes an open approval read again", async () => {
  const [id] = server.receive(1, { approval: { closedAt: null, closedBy: null } });
  await open();
  const approval = { closedAt: Date.now(), closedBy: "Ms Li" };
  server.messages.set(id, { ...baseMessage(), id, approval });
  server.stream.emit("status", {
    messages: [{ id, readAt: null, archived: false, starred: false, snoozedUntil: null, woken: false }],
  });
  await settle();
  assert.deepEqual(store.message(id)?.approval, approval);
});

test("an update shows the new content", async () => {
  const [id] = server.receive(1);
  await open();
  server.update(id, { body: { content: "New place: hall 2" } });
  assert.deepEqual(store.message(id)?.body, { content: "New place: hall 2" });
});

test("an update of a message that is further down than the list is loaded is not listed", async () => {
  server.receive(40);
  await open();
  server.update("1001", { readAt: null });
  assert.equal(store.messages.length, 30);
  await store.loadMore();
  assert.equal(store.messages.length, 40);
});

test("a reminder is announced", async () => {
  /** @type {string[]} */
  const reminders = [];
  store.on("reminder", ({ id }) => reminders.push(id));
  const [id] = server.receive(1);
  await open();
  server.update(id, { remindedAt: Date.now() }, "reminder");
  assert.deepEqual(reminders, [id]);
});

test("after a lost connection, the list and the counts are those of the server", async () => {
  server.receive(3);
  await open();
  server.disconnect();
  server.receive(1);
  server.recall("1001");
  server.setRead(["1002"], true);
  server.connect();
  await settle();
  assert.deepEqual([shownIds(), unreadIds(), badge()], [["1004", "1003", "1002"], ["1004", "1003"], 2]);
});

test("a refresh reaches as far down as the list was loaded", async () => {
  server.receive(150);
  await open();
  for (let page = 0; page < 4; page += 1) await store.loadMore();
  const before = server.callsOf("list").length;
  await store.refresh();
  assert.equal(store.messages.length, 150);
  assert.equal(server.callsOf("list").length - before, 2);
});

test("a refresh is one call, which brings the counts as well", async () => {
  server.receive(3);
  await open();
  server.disconnect();
  server.setRead(["1001"], true);
  server.events = [];
  const before = server.calls.length;
  await store.refresh();
  assert.deepEqual([server.calls.length - before, badge(), unreadIds()], [1, 2, ["1003", "1002"]]);
});

test("refreshes at the same time are one, and one more after it", async () => {
  server.receive(1);
  await open();
  const before = server.callsOf("list").length;
  await Promise.all([store.refresh(), store.refresh(), store.refresh()]);
  await settle();
  assert.equal(server.callsOf("list").length - before, 2);
});

test("several changes at once are drawn once", async () => {
  await open();
  let draws = 0;
  store.on("change", () => {
    draws += 1;
  });
  server.receive(5);
  await settle();
  assert.equal(draws, 1);
});

test("while no stream gets through, the server is asked every 30 seconds", async () => {
  store.start();
  store.open();
  await browser.pass(SECOND);
  server.receive(1);
  await browser.pass(30 * SECOND);
  assert.deepEqual([shownIds(), badge()], [["1001"], 1]);
});

test("a resting hidden window asks for the counts alone", async () => {
  await open();
  browser.document.hidden = true;
  server.stream.setState("resting");
  const lists = server.callsOf("list").length;
  server.receive(1);
  await browser.pass(30 * SECOND);
  assert.deepEqual([server.callsOf("list").length, badge()], [lists, 1]);
});

test("an open stream is not asked again", async () => {
  await open();
  const calls = server.calls.length;
  await browser.pass(300 * SECOND);
  assert.equal(server.calls.length, calls);
});

// --- Events that are missed ------------------------------------------------------------------------------------------

/** Let the list of a refresh under way arrive, before older calls. */
async function finishRefresh() {
  server.answer(lastCall("list"));
  await settle();
}

for (const [order, isListFirst] of /** @type {const} */ ([
  ["before", true],
  ["after", false],
])) {
  test(`a recall is missed during a change: the message disappears, if the list comes ${order} the answer`, async () => {
    server.receive(2);
    await open();
    server.isHeld = true;
    store.setRead(["1001"], true);
    const setRead = lastCall("setRead");
    server.disconnect();
    server.recall("1001");
    server.connect();
    if (isListFirst) await finishRefresh();
    server.answer(setRead);
    await server.drain();
    assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
  });
}

test("a recall is missed: reading all messages of one app does not count the recalled one", async () => {
  server.receive(2);
  server.receive(2, { app: { id: "library", name: "Library" } });
  await open();
  server.disconnect();
  server.recall("1001");
  server.connect();
  await settle();
  await store.show({ app: "demo" });
  server.isHeld = true;
  const reading = store.readAll();
  assert.equal(badge(), 2);
  await server.drain();
  await reading;
  assert.equal(badge(), 2);
});

test("a recall is missed while a view is loaded: the message disappears", async () => {
  server.receive(2);
  await open();
  server.isHeld = true;
  server.disconnect();
  store.show({ filter: "unread" });
  server.work(lastCall("list"));
  server.recall("1001");
  server.connect();
  await server.drain();
  assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
});

test("a recall is missed while older messages are loaded: the message disappears", async () => {
  server.receive(40);
  await open();
  server.isHeld = true;
  store.loadMore();
  const older = lastCall("list");
  server.work(older);
  server.disconnect();
  server.recall("1001");
  server.connect();
  await finishRefresh();
  server.answer(older);
  await server.drain();
  assert.deepEqual([store.messages.length, shownIds().at(-1)], [39, "1002"]);
});

test("a change is missed while a message is read again: its older answer does not hide the change", async () => {
  const [id] = server.receive(1, { approval: { closedAt: null, closedBy: null } });
  await open();
  server.isHeld = true;
  server.stream.emit("status", {
    messages: [{ id, readAt: null, archived: false, starred: false, snoozedUntil: null, woken: false }],
  });
  const message = lastCall("message");
  server.work(message);
  server.disconnect();
  server.setRead([id], true);
  server.connect();
  await finishRefresh();
  server.answer(message);
  await server.drain();
  assert.deepEqual([unreadIds(), badge()], [[], 0]);
});
