import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ApiError } from "../../src/msgcenter/inbox/static/api.js";
import { Store } from "../../src/msgcenter/inbox/static/store.js";
import { Browser } from "./support/browser.js";
import { settle } from "./support/clock.js";
import { FakeServer, OTHER_APP } from "./support/server.js";

/** @import { View } from "../../src/msgcenter/inbox/static/api.js" */
/** @import { Stream } from "../../src/msgcenter/inbox/static/stream.js" */

const SECOND = 1_000;

/** @type {Browser} */
let browser;
/** @type {FakeServer} */
let server;
/** @type {Store} */
let store;

beforeEach(() => {
  browser = new Browser().install();
  server = new FakeServer();
  store = new Store(server.api, /** @type {Stream} */ (/** @type {unknown} */ (server.stream)));
});

afterEach(() => store.stop());

/** Open the stream and the list. */
async function open() {
  store.start();
  server.connect();
  await store.open();
  await settle();
}

const shownIds = () => store.messages.map(({ id }) => id);
const unreadIds = () => store.messages.filter(({ readAt }) => readAt === null).map(({ id }) => id);
const badge = () => store.counts?.unread;

/** @param {string} name */
function lastCall(name) {
  const call = server.callsOf(name).at(-1);
  assert.ok(call, `${name} was called`);
  return call;
}

// --- Loading --------------------------------------------------------------------------------------------------------

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

function baseMessage() {
  const [id] = server.receive(1);
  const message = server.messages.get(id);
  server.messages.delete(id);
  assert.ok(message);
  return message;
}

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

// --- The stream -----------------------------------------------------------------------------------------------------

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

// --- Actions --------------------------------------------------------------------------------------------------------

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

// --- Events that are missed -----------------------------------------------------------------------------------------

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

// --- Undo -----------------------------------------------------------------------------------------------------------

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

// --- Stars, deletion, snoozing, muted apps ----------------------------------------------------------------------------

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
