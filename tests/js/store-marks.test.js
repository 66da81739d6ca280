/** Undoing, and stars, deletion, snoozing and muted apps. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support/clock.js";
import { OTHER_APP } from "./support/server.js";
import { badge, browser, lastCall, open, SECOND, server, shownIds, store, unreadIds } from "./support/store-scene.js";

// --- Undo ------------------------------------------------------------------------------------------------------------

test("archiving reads, and its undo restores what was unread", async () => {
  server.receive(2);
  server.setRead(["1001"], true);
  await open();
  const undo = await store.setArchived(["1001", "1002"], true);
  assert.deepEqual([shownIds(), badge()], [[], 0]);
  await undo();
  assert.deepEqual([shownIds(), unreadIds(), badge()], [["1002", "1001"], ["1002"], 1]);
});

test("taking a message out of the archive can be undone", async () => {
  server.receive(1);
  server.setArchived(["1001"], true);
  await open();
  await store.show({ filter: "archived" });
  const undo = await store.setArchived(["1001"], false);
  assert.deepEqual(shownIds(), []);
  await undo();
  assert.equal(server.messages.get("1001")?.archived, true);
});

test("all messages of the view are read up to the newest that was seen, and the undo restores them", async () => {
  server.receive(40);
  await open();
  const { count, isComplete, undo } = await store.readAll();
  assert.deepEqual([count, isComplete, badge()], [40, true, 0]);
  assert.deepEqual(lastCall("readAll").args[0], "1040");
  await undo();
  assert.deepEqual([badge(), unreadIds().length], [40, 30]);
});

test("a message that arrives while all are read stays unread", async () => {
  server.receive(2);
  await open();
  server.isHeld = true;
  const reading = store.readAll();
  server.receive(1);
  await server.drain();
  await reading;
  assert.deepEqual([unreadIds(), badge()], [["1003"], 1]);
});

test("of a search, the listed messages are shown read, and the server reads what it finds", async () => {
  server.receive(2, { body: { content: "trip" } });
  server.receive(1);
  await open();
  await store.show({ q: "trip" });
  const { count } = await store.readAll();
  assert.deepEqual([count, unreadIds(), badge()], [2, [], 1]);
  assert.deepEqual(lastCall("readAll").args[1], { filter: "all", app: "", q: "trip" });
});

test("an undo of more than 1,000 changes does not reach all", async () => {
  server.receive(1_001);
  await open();
  const { isComplete } = await store.readAll();
  assert.equal(isComplete, false);
});

test("without any message there is nothing to read", async () => {
  await open();
  const { count } = await store.readAll();
  assert.deepEqual([count, server.callsOf("readAll").length], [0, 0]);
});

test("a store that is stopped while it waits for the stream asks for nothing", async () => {
  store.start();
  store.open();
  store.stop();
  await browser.pass(60 * SECOND);
  assert.equal(server.calls.length, 0);
});

test("a stopped store ignores what is under way", async () => {
  server.receive(1);
  server.isHeld = true;
  store.start();
  server.connect();
  store.open();
  await settle();
  store.stop();
  await server.drain();
  assert.equal(server.stream.isStarted, false);
  assert.equal(store.messages.length, 0);
});

// --- Stars, deletion, snoozing, muted apps ---------------------------------------------------------------------------

test("a deleted message is gone at once, and undoing brings it back where it was", async () => {
  const [, id] = server.receive(3);
  await open();
  const undo = await store.delete([id]);
  await settle();
  assert.deepEqual([shownIds(), badge()], [["1003", "1001"], 2]);
  await undo();
  await settle();
  assert.deepEqual([shownIds(), badge()], [["1003", "1002", "1001"], 3]);
});

test("a deletion that is refused is taken back", async () => {
  const [id] = server.receive(1);
  await open();
  server.isHeld = true;
  const deleting = store.delete([id]);
  assert.deepEqual([shownIds(), badge()], [[], 0]);
  server.lose(lastCall("setDeleted"));
  await assert.rejects(deleting);
  assert.deepEqual(shownIds(), [id]);
});

test("a snoozed message comes back unread at the top, and stays there when it is read", async () => {
  const [id] = server.receive(3);
  server.setRead([id], true);
  await open();
  await store.snooze([id], Date.now() + 60_000);
  assert.deepEqual([shownIds(), badge()], [["1003", "1002"], 2]);
  /** @type {string[]} */
  const reminded = [];
  store.on("reminder", (message) => reminded.push(message.id));
  server.wake(id);
  await settle();
  assert.deepEqual([shownIds(), badge(), reminded], [[id, "1003", "1002"], 3, [id]]);
  await store.setRead([id], true);
  await settle();
  assert.deepEqual(shownIds(), [id, "1003", "1002"]);
  await store.refresh();
  assert.deepEqual(shownIds(), ["1003", "1002", id]);
});

test("undoing a snooze restores that the message was read", async () => {
  const [id] = server.receive(1);
  server.setRead([id], true);
  await open();
  const undo = await store.snooze([id], Date.now() + 60_000);
  await undo();
  await settle();
  assert.deepEqual([shownIds(), store.message(id)?.readAt === null, badge()], [[id], false, 0]);
});

test("a message of an old page that comes back is listed first", async () => {
  const [id] = server.receive(40);
  server.snooze([id], Date.now() + 60_000);
  await open();
  server.wake(id);
  await settle();
  assert.equal(shownIds()[0], id);
  await store.loadMore();
  assert.equal(shownIds().length, 40);
  assert.equal(shownIds()[0], id);
});

test("this and older ones are read, and no newer ones", async () => {
  const [, id] = server.receive(3);
  await open();
  const { count } = await store.readAll(id);
  assert.deepEqual([count, badge()], [2, 1]);
  assert.equal(store.message("1003")?.readAt, null);
});

test("a muted app is not in the badge, and its messages are silent", async () => {
  server.receive(2);
  await open();
  await store.setMuted("demo", true);
  assert.deepEqual([shownIds(), badge()], [["1002", "1001"], 0]);
  /** @type {boolean[]} */
  const silent = [];
  store.on("message", (message) => silent.push(message.silent));
  server.receive(1);
  await settle();
  assert.deepEqual([shownIds().length, badge(), silent], [3, 0, [true]]);
  await store.setRead(["1003"], true);
  assert.equal(badge(), 0);
  await store.setMuted("demo", false);
  assert.equal(badge(), 2);
});

test("a snooze is in the badge before its answer, and not twice after it", async () => {
  const [id] = server.receive(2);
  await open();
  server.isHeld = true;
  const snoozing = store.snooze([id], Date.now() + 60_000);
  assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
  server.answer(lastCall("snooze"));
  await snoozing;
  assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
});

test("the answer to a snooze is lost: the message stays hidden, as the server has it", async () => {
  const [id] = server.receive(2);
  await open();
  server.isHeld = true;
  const snoozing = store.snooze([id], Date.now() + 60_000);
  const call = lastCall("snooze");
  server.work(call);
  server.lose(call);
  await assert.rejects(snoozing);
  server.isHeld = false;
  await server.drain();
  assert.deepEqual([shownIds(), badge()], [["1002"], 1]);
});

test("reading a message of a muted app leaves the badge alone, also before the answer", async () => {
  const [id] = server.receive(1);
  server.receive(1, { app: OTHER_APP });
  server.setMuted("demo", true);
  await open();
  server.isHeld = true;
  store.setRead([id], true);
  assert.equal(badge(), 1);
});
