import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { closeEarlyStream, openEarlyStream, streamAddress } from "../../src/msgcenter/inbox/static/early-stream.js";
import { Stream } from "../../src/msgcenter/inbox/static/stream.js";
import { Browser } from "./support/browser.js";
import { settle } from "./support/clock.js";

/** @import { Session } from "../../src/msgcenter/inbox/static/api.js" */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const READY = { counts: { unread: 0, todo: 0, apps: [] }, newest: "1" };

/** @type {Browser} */
let browser;
/** @type {Stream} */
let stream;
/** @type {{token: string, isEnding: boolean, renewals: number, next: string | null, renew: () => Promise<boolean>}} */
let session;
/** @type {{calls: number, error: unknown}} */
let probe;
/** @type {string[]} */
let states;

beforeEach(() => {
  browser = new Browser().install();
  session = {
    token: "first token",
    isEnding: false,
    renewals: 0,
    next: null,
    async renew() {
      session.renewals += 1;
      if (session.next === null) return false;
      session.token = session.next;
      session.isEnding = false;
      return true;
    },
  };
  probe = { calls: 0, error: null };
  states = [];
  stream = makeStream();
  stream.on("state", (state) => states.push(state));
});

afterEach(() => stream.stop());

function makeStream() {
  return new Stream("https://msg.example", /** @type {Session} */ (/** @type {unknown} */ (session)), async () => {
    probe.calls += 1;
    if (probe.error) throw probe.error;
  });
}

async function open() {
  stream.start();
  await browser.source.send("ready", READY);
}

test("the stream is opened with the token, and is open when the server says so", async () => {
  stream.start();
  assert.equal(browser.source.url.href, "https://msg.example/inbox/v1/stream?token=first%20token");
  assert.equal(stream.state, "connecting");
  await browser.source.send("ready", READY);
  assert.deepEqual([stream.state, states], ["open", ["open"]]);
});

test("a list is asked for with the first connection only", async () => {
  /** @type {unknown[]} */
  const lists = [];
  stream.on("list", (page) => lists.push(page));
  stream.start(30);
  assert.equal(browser.source.url.searchParams.get("list"), "30");
  await browser.source.send("ready", READY);
  await browser.source.send("list", { messages: [], nextCursor: null });
  assert.deepEqual(lists, [{ messages: [], nextCursor: null }]);
  await browser.source.fail();
  await browser.pass(SECOND);
  assert.equal(browser.source.url.search, "?token=first%20token");
});

test("a stream that is open early is taken over with what it has brought", async () => {
  /** @type {string[]} */
  const events = [];
  for (const name of /** @type {const} */ (["ready", "list", "message"])) stream.on(name, () => events.push(name));
  openEarlyStream(streamAddress("https://msg.example", "first token", 30));
  const [early] = browser.sources;
  for (const name of ["ready", "list", "message"]) await early.send(name, READY);
  stream.start(30);
  assert.deepEqual([browser.sources.length, stream.state, events], [1, "open", ["ready", "list", "message"]]);
  await early.send("message");
  assert.deepEqual(events.slice(3), ["message"], "told once");
  await early.fail();
  await browser.pass(SECOND);
  assert.equal(browser.sources.length, 2);
});

test("an early stream of another token, or one that has given up, is closed", async () => {
  openEarlyStream(streamAddress("https://msg.example", "another token", 30));
  stream.start(30);
  assert.deepEqual(
    browser.sources.map(({ isOpen }) => isOpen),
    [false, true],
  );
  stream.stop();
  openEarlyStream(streamAddress("https://msg.example", "first token", 30));
  Object.assign(browser.source, { readyState: 2 });
  stream.start(30);
  assert.deepEqual(
    browser.sources.map(({ isOpen }) => isOpen),
    [false, false, false, true],
  );
});

test("an early stream that the server has replaced makes the window rest", async () => {
  openEarlyStream(streamAddress("https://msg.example", "first token", 30));
  await browser.source.send("ready", READY);
  await browser.source.send("replaced");
  stream.start(30);
  assert.deepEqual([stream.state, browser.openSources.length], ["resting", 0]);
});

test("a page that may not be shown closes its early stream", () => {
  closeEarlyStream();
  openEarlyStream(streamAddress("https://msg.example", "first token", 30));
  closeEarlyStream();
  assert.equal(browser.openSources.length, 0);
});

test("every event is passed on with its data, in order", async () => {
  const names = /** @type {const} */ (["message", "update", "status", "removed", "reminder", "counts", "reload"]);
  /** @type {unknown[]} */
  const events = [];
  for (const name of names) stream.on(name, (data) => events.push([name, data]));
  await open();
  for (const name of names) await browser.source.send(name, { of: name });
  assert.deepEqual(
    events,
    names.map((name) => [name, { of: name }]),
  );
});

test("a lost connection is opened again after a while, with the present token", async () => {
  await open();
  session.token = "second";
  await browser.source.fail();
  assert.equal(stream.state, "connecting");
  assert.equal(browser.openSources.length, 0);
  await browser.pass(SECOND);
  assert.equal(probe.calls, 1);
  assert.equal(browser.sources.length, 2);
  assert.equal(browser.source.url.searchParams.get("token"), "second");
  await browser.source.send("ready", READY);
  assert.deepEqual(states, ["open", "connecting", "open"]);
});

test("a late event of a connection that was given up is not passed on", async () => {
  let count = 0;
  stream.on("message", () => {
    count += 1;
  });
  await open();
  const old = browser.source;
  await old.fail();
  await browser.pass(SECOND);
  await old.send("message", {});
  assert.equal(count, 0);
});

test("attempts come less and less often, at most every 30 seconds, and not all clients at once", async () => {
  stream.start();
  probe.error = new Error("unreachable");
  await browser.source.fail();
  /** @type {number[]} */
  const moments = [];
  for (let second = 0; second < 300; second += 1) {
    const before = probe.calls;
    await browser.pass(SECOND);
    if (probe.calls > before) moments.push(second);
  }
  const pauses = moments.slice(1).map((moment, index) => moment - moments[index]);
  assert.ok(moments.length >= 10 && moments.length <= 24, `${moments.length} attempts`);
  assert.ok(Math.max(...pauses) <= 31, pauses.join());
  assert.ok(Math.min(...pauses.slice(-5)) >= 14, pauses.join());
  assert.ok(new Set(pauses.slice(-8)).size > 1, "the pauses are random");
});

test("after a success the pauses begin anew", async () => {
  stream.start();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await browser.source.fail();
    await browser.pass(31 * SECOND);
  }
  await browser.source.send("ready", READY);
  await browser.source.fail();
  const before = browser.sources.length;
  await browser.pass(SECOND);
  assert.equal(browser.sources.length, before + 1);
});

test("while there is no token, no connection is tried", async () => {
  await open();
  probe.error = { needsToken: true };
  await browser.source.fail();
  await browser.pass(10 * MINUTE);
  assert.deepEqual([probe.calls, browser.openSources.length], [1, 0]);
});

test("offline, the stream waits for the browser to be online", async () => {
  await open();
  await browser.setOnline(false);
  assert.equal(stream.state, "offline");
  await browser.pass(10 * MINUTE);
  assert.equal(browser.openSources.length, 0);
  await browser.setOnline(true);
  assert.equal(browser.openSources.length, 1);
});

test("a page that is opened offline waits as well", async () => {
  browser.navigator.onLine = false;
  stream.start();
  assert.deepEqual([stream.state, browser.sources.length], ["offline", 0]);
  await browser.setOnline(true);
  assert.equal(browser.openSources.length, 1);
});

test("after the machine has slept, the stream is opened again", async () => {
  await open();
  await browser.clock.sleep(8 * 60 * MINUTE);
  assert.equal(browser.sources.length, 2);
  assert.equal(browser.openSources.length, 1);
});

test("time that passes without sleep leaves the stream alone", async () => {
  await open();
  await browser.pass(60 * MINUTE);
  assert.equal(browser.sources.length, 1);
});

test("a token that is about to end is renewed, and the stream opened with the new one", async () => {
  await open();
  session.isEnding = true;
  session.next = "second";
  await browser.pass(15 * SECOND);
  assert.equal(session.renewals, 1);
  assert.equal(browser.source.url.searchParams.get("token"), "second");
  assert.equal(browser.openSources.length, 1);
});

test("without a new token, the stream stays as long as the server keeps it", async () => {
  await open();
  session.isEnding = true;
  await browser.pass(15 * SECOND);
  assert.deepEqual([session.renewals, browser.sources.length, stream.state], [1, 1, "open"]);
});

test("one hidden window keeps its stream", async () => {
  await open();
  await browser.setHidden(true);
  await browser.pass(10 * MINUTE);
  assert.deepEqual([browser.openSources.length, stream.state], [1, "open"]);
});

test("the other hidden windows rest, and one takes over when the first is seen", async () => {
  const first = makeStream();
  first.start();
  const firstSource = browser.source;
  await open();
  const secondSource = browser.source;
  await browser.setHidden(true); // both windows: they share the document here
  await browser.pass(MINUTE);
  assert.deepEqual([firstSource.isOpen, secondSource.isOpen], [true, false]);
  assert.equal(stream.state, "resting");
  first.stop();
  await settle();
  assert.equal(stream.state, "connecting");
  assert.equal(browser.openSources.length, 1);
});

test("a resting stream opens when its window is seen", async () => {
  const other = makeStream();
  other.start();
  await open();
  await browser.setHidden(true);
  await browser.pass(MINUTE);
  assert.equal(stream.state, "resting");
  await browser.setHidden(false);
  assert.equal(stream.state, "connecting");
  assert.equal(browser.openSources.length, 2);
  other.stop();
});

test("a short look elsewhere leaves the stream alone, a long one opens it again", async () => {
  await open();
  await browser.setHidden(true);
  await browser.pass(MINUTE);
  await browser.setHidden(false);
  assert.equal(browser.sources.length, 1);
  await browser.setHidden(true);
  await browser.pass(6 * MINUTE);
  await browser.setHidden(false);
  assert.deepEqual([browser.sources.length, browser.openSources.length], [2, 1]);
});

test("a stream that the server has replaced rests until its window gets the focus", async () => {
  await open();
  await browser.source.send("replaced");
  assert.deepEqual([stream.state, browser.openSources.length], ["resting", 0]);
  await browser.setOnline(false);
  await browser.setOnline(true);
  await browser.pass(10 * MINUTE);
  assert.deepEqual([stream.state, browser.sources.length], ["resting", 1]);
  await browser.focus();
  assert.equal(browser.openSources.length, 1);
});

test("a stopped stream stays closed", async () => {
  await open();
  await browser.source.fail();
  stream.stop();
  await browser.pass(10 * MINUTE);
  await browser.setOnline(true);
  await browser.setHidden(true);
  await browser.setHidden(false);
  await browser.focus();
  assert.equal(browser.openSources.length, 0);
});

test("a stream that is stopped during an attempt stays closed", async () => {
  await open();
  /** @type {(value?: unknown) => void} */
  let answer = () => {};
  const slow = new Stream(
    "https://msg.example",
    /** @type {Session} */ (/** @type {unknown} */ (session)),
    () => new Promise((resolve) => (answer = resolve)),
  );
  slow.start();
  await browser.source.fail();
  await browser.pass(SECOND);
  const count = browser.sources.length;
  slow.stop();
  answer();
  await settle();
  assert.equal(browser.sources.length, count);
});
