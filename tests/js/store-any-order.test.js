/** Whatever the order in which answers, live events and failures arrive: in the end, the inbox shows the server's state. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../src/msgcenter/inbox/static/store.js";
import { Browser } from "./support/browser.js";
import { settle } from "./support/clock.js";
import { randomOf } from "./support/random.js";
import { FakeServer, OTHER_APP } from "./support/server.js";

/** @import { View } from "../../src/msgcenter/inbox/static/api.js" */
/** @import { Message } from "../../src/msgcenter/inbox/static/messages.js" */
/** @import { Stream } from "../../src/msgcenter/inbox/static/stream.js" */

const SEEDS = 150;
const STEPS = 40;
/**
 * The calls of the user's, which may be lost on their way to the server. A background call that is lost is repeated only
 * when something else happens.
 */
const OWN_CALLS = new Set(["setRead", "setArchived", "setStarred", "setDeleted", "snooze", "setMuted", "readAll"]);
/** @type {View[]} */
const VIEWS = [
  { filter: "all", app: "", q: "" },
  { filter: "unread", app: "", q: "" },
  { filter: "archived", app: "", q: "" },
  { filter: "all", app: "demo", q: "" },
  { filter: "starred", app: "", q: "" },
  { filter: "snoozed", app: "", q: "" },
];
/** A time to which messages are snoozed: the server wakes them when the test says so. */
const LATER = Date.now() + 86_400_000;
/** Sizes of the mailbox: one in which most steps concern the same messages, and two with older pages. */
const SIZES = [5, 35, 60];

/** @param {number} seed */
async function run(seed) {
  const browser = new Browser().install();
  const random = randomOf(seed);
  const server = new FakeServer();
  server.receive(random.below(random.pick(SIZES)));
  server.receive(random.below(4), { app: OTHER_APP });
  const stream = /** @type {Stream} */ (/** @type {unknown} */ (server.stream));
  const store = new Store(server.api, stream);
  store.start();
  server.connect();
  await store.open();
  if (random.chance(0.5)) await store.show(random.pick(VIEWS));
  server.isHeld = true;
  server.isStreamHeld = true;

  const ignore = () => {};
  const isOpen = () => server.stream.state === "open";
  const serverIds = () => [...server.messages.keys()];
  const listedIds = () => store.messages.map(({ id }) => id);
  const undoSometimes = async (/** @type {Promise<() => Promise<void>>} */ action) => {
    const takesBack = random.chance(0.4);
    try {
      const undo = await action;
      if (takesBack) await undo();
    } catch {}
  };
  /** @type {(() => unknown)[]} */
  const steps = [
    // the user
    () => listedIds().length && store.setRead(random.some(listedIds()).slice(0, 3), random.chance(0.6)).catch(ignore),
    () => listedIds().length && store.setArchived([random.pick(listedIds())], random.chance(0.6)).catch(ignore),
    () => random.chance(0.2) && store.readAll(random.chance(0.5) ? null : listedIds()[0]).catch(ignore),
    () => listedIds().length && store.setStarred([random.pick(listedIds())], random.chance(0.6)).catch(ignore),
    () => listedIds().length && undoSometimes(store.delete([random.pick(listedIds())])),
    () =>
      listedIds().length && undoSometimes(store.snooze([random.pick(listedIds())], random.pick([LATER, LATER, null]))),
    () => random.chance(0.2) && store.setMuted(random.pick(["demo", "other"]), random.chance(0.5)).catch(ignore),
    () => random.chance(0.5) && store.loadMore(),
    () => random.chance(0.5) && store.show(random.pick(VIEWS)),
    // another device, and apps
    () => serverIds().length && server.setRead(random.some(serverIds()).slice(0, 3), random.chance(0.6)),
    () => serverIds().length && server.setArchived([random.pick(serverIds())], random.chance(0.5)),
    () => serverIds().length && server.setStarred([random.pick(serverIds())], random.chance(0.5)),
    () => serverIds().length && random.chance(0.5) && server.setDeleted([random.pick(serverIds())], true),
    () =>
      server.deleted.size && random.chance(0.5) && server.setDeleted([random.pick([...server.deleted.keys()])], false),
    () => serverIds().length && server.snooze([random.pick(serverIds())], random.pick([LATER, LATER, null])),
    () => random.chance(0.1) && server.setMuted(random.pick(["demo", "other"]), random.chance(0.5)),
    () => {
      const asleep = serverIds().filter((id) => server.messages.get(id)?.snoozedUntil !== null);
      if (asleep.length) server.wake(random.pick(asleep));
    },
    () => server.receive(1, random.chance(0.3) ? { app: OTHER_APP } : {}),
    () => random.chance(0.3) && serverIds().length && server.recall(random.pick(serverIds())),
    () => random.chance(0.5) && serverIds().length && server.update(random.pick(serverIds()), { readAt: null }),
    // the network
    () => server.deliver(),
    () => server.deliver(),
    () => server.pending.length && server.work(random.pick(server.pending)),
    () => server.pending.length && server.answer(random.pick(server.pending)),
    () => {
      const own = server.pending.filter(({ name, compute }) => OWN_CALLS.has(name) && compute);
      if (own.length && random.chance(0.4)) server.lose(random.pick(own));
    },
    () => {
      if (!isOpen()) server.connect();
      else if (random.chance(0.5)) server.disconnect();
    },
  ];
  for (let step = 0; step < STEPS; step += 1) {
    random.pick(steps)();
    if (random.chance(0.6)) await settle();
  }
  if (!isOpen()) server.connect();
  await server.drain();
  return { browser, server, store };
}

for (const [name, seeds] of [
  ["first", 0],
  ["second", 1],
  ["third", 2],
]) {
  test(`any order of events ends in the server's state, ${name} third of ${SEEDS} runs`, async () => {
    for (let seed = Number(seeds); seed < SEEDS; seed += 3) {
      const { server, store } = await run(seed);
      const { view } = store;
      assert.deepEqual(store.counts, server.counts, `badge, seed ${seed}`);
      for (const message of store.messages) {
        const truth = server.messages.get(message.id);
        assert.ok(truth, `message ${message.id} was recalled or deleted, seed ${seed}`);
        assert.deepEqual(stateOf(message), stateOf(truth), `${message.id}, seed ${seed}`);
      }
      await Promise.all([store.refresh(), server.drain()]);
      const ids = store.messages.map(({ id }) => id);
      const listed = server.shown(view).map(({ id }) => id);
      // Messages that were read in the unread view stay there until another view is opened.
      const expected = ids.filter((id) => view.filter === "all" || listed.includes(id));
      assert.deepEqual(expected, listed.slice(0, store.hasMore ? expected.length : undefined), `list, seed ${seed}`);
      store.stop();
    }
  });
}

/** @param {Message} message */
function stateOf({ readAt, archived, starred, snoozedUntil }) {
  return { isRead: readAt !== null, archived, starred, snoozedUntil };
}
