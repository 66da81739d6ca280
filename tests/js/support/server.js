/** A server with one mailbox, whose answers and live events arrive when the test says so. */

import { ApiError } from "../../../src/msgcenter/inbox/static/api.js";
import { isTodo, newerFirst } from "../../../src/msgcenter/inbox/static/messages.js";
import { settle } from "./clock.js";
import { FakeStream } from "./stream.js";

/** @import { Api, View } from "../../../src/msgcenter/inbox/static/api.js" */
/** @import { Counts, Message } from "../../../src/msgcenter/inbox/static/messages.js" */
/** @import { LiveEvents } from "../../../src/msgcenter/inbox/static/stream.js" */

/** @typedef {Message & {kind: "text"}} TextMessage */

/**
 * @typedef {object} Call
 * @property {string} name
 * @property {unknown[]} args
 * @property {(() => unknown) | null} compute Null once the server has worked on it.
 * @property {unknown} result
 * @property {unknown} error
 * @property {(result: any) => void} resolve
 * @property {(error: unknown) => void} reject
 */

const APP = { id: "demo", name: "Demo School" };
export const OTHER_APP = { id: "other", name: "Library" };
const PAGE = 30;

export class FakeServer {
  /** @type {Map<string, TextMessage>} */
  messages = new Map();
  stream = new FakeStream();
  /** Every call so far. @type {Call[]} */
  calls = [];
  /** Calls without an answer, in their order. @type {Call[]} */
  pending = [];
  /** Whether calls wait for `work` and `answer`. */
  isHeld = false;
  /** Live events that the stream has yet to deliver. @type {{name: keyof LiveEvents | "list", data: any}[]} */
  events = [];
  /** The messages that the user has deleted. @type {Map<string, TextMessage>} */
  deleted = new Map();
  /** The ids of the apps that the user has muted. @type {Set<string>} */
  muted = new Set();
  /** Whether live events wait for `deliver`. */
  isStreamHeld = false;
  #lastId = 1_000;

  api = /** @type {Api} */ (
    /** @type {unknown} */ ({
      list: (/** @type {View} */ view, /** @type {any} */ options) =>
        this.#call("list", [{ ...view }, options], () => this.#list(view, options)),
      message: (/** @type {string} */ id) => this.#call("message", [id], () => this.#message(id)),
      counts: () => this.#call("counts", [], () => this.counts),
      setRead: (/** @type {string[]} */ ids, /** @type {boolean} */ read) =>
        this.#call("setRead", [ids, read], () => this.#result(this.setRead(ids, read))),
      setArchived: (/** @type {string[]} */ ids, /** @type {boolean} */ archived) =>
        this.#call("setArchived", [ids, archived], () => this.#result(this.setArchived(ids, archived))),
      setStarred: (/** @type {string[]} */ ids, /** @type {boolean} */ starred) =>
        this.#call("setStarred", [ids, starred], () => this.#result(this.setStarred(ids, starred))),
      setDeleted: (/** @type {string[]} */ ids, /** @type {boolean} */ deleted) =>
        this.#call("setDeleted", [ids, deleted], () => this.#result(this.setDeleted(ids, deleted))),
      snooze: (/** @type {string[]} */ ids, /** @type {number | null} */ until) =>
        this.#call("snooze", [ids, until], () => this.#result(this.snooze(ids, until))),
      setMuted: (/** @type {string} */ app, /** @type {boolean} */ muted) =>
        this.#call("setMuted", [app, muted], () => this.setMuted(app, muted)),
      readAll: (/** @type {string} */ upTo, /** @type {View} */ view) =>
        this.#call("readAll", [upTo, { ...view }], () => this.#result(this.#readAll(upTo, view))),
    })
  );

  // --- The mailbox --------------------------------------------------------------------------------------------------

  /**
   * Receive messages and return their ids, oldest first.
   *
   * @param {number} count
   * @param {Partial<TextMessage>} [fields]
   */
  receive(count, fields = {}) {
    return Array.from({ length: count }, () => {
      this.#lastId += 1;
      const id = String(this.#lastId);
      /** @type {TextMessage} */
      const message = {
        id,
        kind: "text",
        app: APP,
        senderName: null,
        announcement: false,
        silent: false,
        createdAt: Date.now(),
        readAt: null,
        archived: false,
        starred: false,
        snoozedUntil: null,
        woken: false,
        approval: null,
        updatedAt: null,
        remindedAt: null,
        expiresAt: null,
        body: { content: `Message ${id}` },
        ...fields,
      };
      message.silent = this.muted.has(message.app.id);
      this.messages.set(id, message);
      this.#publish("message", message);
      this.#publish("counts", this.counts);
      return id;
    });
  }

  /** @returns {Counts} */
  get counts() {
    const awake = [...this.messages.values()].filter(({ snoozedUntil }) => snoozedUntil === null);
    const isLoud = (/** @type {Message} */ { app }) => !this.muted.has(app.id);
    const unread = awake.filter(({ readAt }) => readAt === null);
    const apps = [APP, OTHER_APP].map((app) => ({
      ...app,
      unread: unread.filter((message) => message.app.id === app.id).length,
      muted: this.muted.has(app.id),
    }));
    return {
      unread: unread.filter(isLoud).length,
      todo: awake.filter((message) => isTodo(message) && isLoud(message)).length,
      apps,
    };
  }

  /**
   * @param {string[]} ids
   * @param {boolean} read
   */
  setRead(ids, read) {
    return this.#change(ids, read ? { readAt: Date.now() } : { readAt: null, archived: false });
  }

  /**
   * @param {string[]} ids
   * @param {boolean} archived
   */
  setArchived(ids, archived) {
    return this.#change(ids, archived ? { archived, readAt: Date.now(), snoozedUntil: null } : { archived });
  }

  /**
   * @param {string[]} ids
   * @param {boolean} starred
   */
  setStarred(ids, starred) {
    return this.#change(ids, { starred });
  }

  /**
   * @param {string[]} ids
   * @param {boolean} deleted
   */
  setDeleted(ids, deleted) {
    const changed = ids.filter((id) => (deleted ? this.messages : this.deleted).has(id));
    for (const id of changed) {
      const message = /** @type {TextMessage} */ ((deleted ? this.messages : this.deleted).get(id));
      (deleted ? this.messages : this.deleted).delete(id);
      if (deleted) this.deleted.set(id, { ...message, snoozedUntil: null });
      else this.messages.set(id, { ...message, silent: this.muted.has(message.app.id) });
      if (!deleted) this.#publish("update", this.messages.get(id));
    }
    if (deleted) this.#publish("removed", { ids: changed });
    this.#publish("counts", this.counts);
    return deleted ? changed : ids.filter((id) => this.messages.has(id));
  }

  /**
   * @param {string[]} ids
   * @param {number | null} until
   */
  snooze(ids, until) {
    const fields = until === null ? {} : { readAt: null, archived: false, woken: false };
    return this.#change(ids, { snoozedUntil: until, ...fields }, "update");
  }

  /** Let a message come back whose time has come. @param {string} id */
  wake(id) {
    const message = this.messages.get(id);
    if (!message || message.snoozedUntil === null) return;
    const woken = { ...message, snoozedUntil: null, woken: true };
    this.messages.set(id, woken);
    if (woken.readAt === null) this.#publish("woken", woken);
    this.#publish("counts", this.counts);
  }

  /**
   * @param {string} app
   * @param {boolean} muted
   */
  setMuted(app, muted) {
    if (muted) this.muted.add(app);
    else this.muted.delete(app);
    for (const [id, message] of this.messages)
      if (message.app.id === app) this.messages.set(id, { ...message, silent: muted });
    this.#publish("reload", {});
    this.#publish("counts", this.counts);
    return this.counts;
  }

  /** @param {string} id */
  recall(id) {
    this.messages.delete(id);
    this.deleted.delete(id);
    this.#publish("removed", { ids: [id] });
    this.#publish("counts", this.counts);
  }

  /**
   * @param {string} id
   * @param {Partial<TextMessage>} fields
   * @param {"update" | "reminder"} [event]
   */
  update(id, fields, event = "update") {
    const message = this.messages.get(id);
    if (!message) return;
    this.messages.set(id, { ...message, updatedAt: Date.now(), ...fields });
    this.#publish(event, this.#shownAs(id));
    this.#publish("counts", this.counts);
  }

  /**
   * Return a message as answers and events have it. It has woken only while it is unread.
   *
   * @param {string} id
   * @returns {TextMessage}
   */
  #shownAs(id) {
    const message = /** @type {TextMessage} */ (this.messages.get(id));
    return { ...message, woken: message.woken && message.readAt === null };
  }

  /**
   * @param {string[]} ids
   * @param {Partial<TextMessage>} fields
   * @param {"status" | "update"} [event]
   */
  #change(ids, fields, event = "status") {
    const known = ids.filter((id) => this.messages.has(id));
    for (const id of known) this.messages.set(id, { .../** @type {TextMessage} */ (this.messages.get(id)), ...fields });
    const messages = known.map((id) => {
      const { readAt, archived, starred, snoozedUntil, woken, approval } = this.#shownAs(id);
      return { id, readAt, archived, starred, snoozedUntil, woken, approval };
    });
    if (event === "status") this.#publish("status", { messages });
    else for (const id of known) this.#publish("update", this.#shownAs(id));
    this.#publish("counts", this.counts);
    return known;
  }

  /**
   * @param {string} upTo
   * @param {View} view
   */
  #readAll(upTo, view) {
    const unread = this.shown(view).filter(({ id, readAt }) => readAt === null && newerFirst(upTo, id) <= 0);
    return this.setRead(
      unread.map(({ id }) => id),
      true,
    );
  }

  /**
   * Return the messages of a view, newest first.
   *
   * @param {View} view
   */
  shown({ filter, app, q }) {
    const isFirst = (/** @type {Message} */ { woken }) => Number(woken && (filter === "all" || filter === "unread"));
    return [...this.messages.keys()]
      .map((id) => this.#shownAs(id))
      .filter(
        (message) => fits(filter, message) && (!app || message.app.id === app) && message.body.content.includes(q),
      )
      .sort((left, right) => isFirst(right) - isFirst(left) || newerFirst(left.id, right.id));
  }

  /**
   * @param {View} view
   * @param {{cursor?: string | null, limit?: number, withCounts?: boolean}} options
   */
  #list(view, { cursor = null, limit = PAGE, withCounts = false }) {
    const shown = this.shown(view);
    const isWoken = (/** @type {Message} */ { woken }) => woken && (view.filter === "all" || view.filter === "unread");
    const isAfter = (/** @type {Message} */ message) => {
      if (cursor === null) return true;
      if (cursor.startsWith("w")) return !isWoken(message) || newerFirst(message.id, cursor.slice(1)) > 0;
      return !isWoken(message) && newerFirst(message.id, cursor) > 0;
    };
    const rest = shown.filter(isAfter);
    const messages = rest.slice(0, limit);
    const last = messages.at(-1);
    const nextCursor = rest.length > limit && last ? `${isWoken(last) ? "w" : ""}${last.id}` : null;
    return { messages, nextCursor, ...(withCounts ? { counts: this.counts } : {}) };
  }

  /** @param {string} id */
  #message(id) {
    if (!this.messages.has(id)) throw new ApiError(404, "not_found");
    return this.#shownAs(id);
  }

  /** @param {string[]} changed */
  #result(changed) {
    return { changed, counts: this.counts };
  }

  // --- Calls --------------------------------------------------------------------------------------------------------

  /**
   * @param {string} name
   * @param {unknown[]} args
   * @param {() => unknown} compute
   */
  #call(name, args, compute) {
    return new Promise((resolve, reject) => {
      const call = { name, args, compute, result: undefined, error: undefined, resolve, reject };
      this.calls.push(call);
      this.pending.push(call);
      if (!this.isHeld) this.answer(call);
    });
  }

  /**
   * Return the calls of a name so far.
   *
   * @param {string} name
   */
  callsOf(name) {
    return this.calls.filter((call) => call.name === name);
  }

  /**
   * Let the server work on a call. Its answer is still under way.
   *
   * @param {Call} call
   */
  work(call) {
    if (!call.compute) return;
    try {
      call.result = structuredClone(call.compute());
    } catch (error) {
      call.error = error;
    }
    call.compute = null;
  }

  /**
   * Let the answer to a call arrive.
   *
   * @param {Call} call
   */
  answer(call) {
    this.work(call);
    this.pending.splice(this.pending.indexOf(call), 1);
    if (call.error) call.reject(call.error);
    else call.resolve(call.result);
  }

  /**
   * Lose a call: before the server has worked on it, or its answer.
   *
   * @param {Call} call
   * @param {unknown} [error]
   */
  lose(call, error = new ApiError(0, "network")) {
    this.pending.splice(this.pending.indexOf(call), 1);
    call.reject(error);
  }

  /** Answer all calls and deliver all events, and those that follow from them. */
  async drain() {
    await settle();
    while (this.pending.length > 0 || this.events.length > 0) {
      while (this.events.length > 0) this.deliver();
      if (this.pending.length > 0) this.answer(this.pending[0]);
      await settle();
    }
  }

  // --- The stream ---------------------------------------------------------------------------------------------------

  /**
   * @param {keyof LiveEvents | "list"} name
   * @param {any} data
   */
  #publish(name, data) {
    if (this.stream.state !== "open") return;
    this.events.push({ name, data: structuredClone(data) });
    if (!this.isStreamHeld) this.deliver();
  }

  /** Deliver the next live event. */
  deliver() {
    const event = this.events.shift();
    if (event) this.stream.emit(event.name, event.data);
  }

  /** Open the stream. */
  connect() {
    this.stream.setState("open");
    const newest = [...this.messages.keys()].sort(newerFirst)[0] ?? null;
    this.#publish("ready", { counts: this.counts, newest });
    const limit = this.stream.listLength;
    this.stream.listLength = 0;
    if (limit > 0) this.#publish("list", this.#list({ filter: "all", app: "", q: "" }, { limit }));
  }

  /** Lose the stream, and the events on their way. */
  disconnect() {
    this.events = [];
    this.stream.setState("connecting");
  }
}

/**
 * @param {View["filter"]} filter
 * @param {Message} message
 */
function fits(filter, message) {
  if (filter === "snoozed") return message.snoozedUntil !== null;
  if (message.snoozedUntil !== null) return false;
  if (filter === "starred") return message.starred;
  if (message.archived !== (filter === "archived")) return false;
  return filter === "unread" ? message.readAt === null : filter !== "todo" || isTodo(message);
}
