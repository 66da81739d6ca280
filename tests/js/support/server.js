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
        createdAt: Date.now(),
        readAt: null,
        archived: false,
        approval: null,
        updatedAt: null,
        remindedAt: null,
        expiresAt: null,
        body: { content: `Message ${id}` },
        ...fields,
      };
      this.messages.set(id, message);
      this.#publish("message", message);
      this.#publish("counts", this.counts);
      return id;
    });
  }

  /** @returns {Counts} */
  get counts() {
    const all = [...this.messages.values()].filter((message) => !message.archived);
    const unread = [...this.messages.values()].filter(({ readAt }) => readAt === null);
    return {
      unread: unread.length,
      todo: all.filter(isTodo).length,
      apps: [{ ...APP, unread: unread.length }],
    };
  }

  /**
   * @param {string[]} ids
   * @param {boolean} read
   */
  setRead(ids, read) {
    return this.#change(ids, { readAt: read ? Date.now() : null });
  }

  /**
   * @param {string[]} ids
   * @param {boolean} archived
   */
  setArchived(ids, archived) {
    return this.#change(ids, archived ? { archived, readAt: Date.now() } : { archived });
  }

  /** @param {string} id */
  recall(id) {
    this.messages.delete(id);
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
    this.#publish(event, this.messages.get(id));
    this.#publish("counts", this.counts);
  }

  /**
   * @param {string[]} ids
   * @param {Partial<TextMessage>} fields
   */
  #change(ids, fields) {
    const known = ids.filter((id) => this.messages.has(id));
    for (const id of known) this.messages.set(id, { .../** @type {TextMessage} */ (this.messages.get(id)), ...fields });
    const messages = known.map((id) => {
      const { readAt, archived, approval } = /** @type {TextMessage} */ (this.messages.get(id));
      return { id, readAt, archived, approval };
    });
    this.#publish("status", { messages });
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
    return [...this.messages.values()]
      .filter((message) => {
        if (message.archived !== (filter === "archived")) return false;
        if ((filter === "unread" && message.readAt !== null) || (filter === "todo" && !isTodo(message))) return false;
        return (!app || message.app.id === app) && message.body.content.includes(q);
      })
      .sort((left, right) => newerFirst(left.id, right.id));
  }

  /**
   * @param {View} view
   * @param {{cursor?: string | null, limit?: number, withCounts?: boolean}} options
   */
  #list(view, { cursor = null, limit = PAGE, withCounts = false }) {
    const older = this.shown(view).filter(({ id }) => cursor === null || newerFirst(id, cursor) > 0);
    const messages = older.slice(0, limit);
    const nextCursor = older.length > limit ? (messages.at(-1)?.id ?? null) : null;
    return { messages, nextCursor, ...(withCounts ? { counts: this.counts } : {}) };
  }

  /** @param {string} id */
  #message(id) {
    const message = this.messages.get(id);
    if (!message) throw new ApiError(404, "not_found");
    return message;
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
