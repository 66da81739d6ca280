/** The model of the inbox: loads the list, follows the stream, and makes the user's changes. */

import { PAGE } from "./early-stream.js";
import { Emitter } from "./emitter.js";
import { Actions } from "./store-actions.js";
import { reduce } from "./store-events.js";
import { Loader } from "./store-loader.js";
import { StoreState } from "./store-state.js";
import { LIVE_EVENTS } from "./stream.js";

/** @import { Api, ApiError, Page, View } from "./api.js" */
/** @import { Message } from "./messages.js" */
/** @import { LiveEvents, Stream } from "./stream.js" */

// Milliseconds.
/** The first list waits so long for the stream to open, so that no change between the two is missed. */
const STREAM_PATIENCE = 800;
/** The store waits so long for an open stream to bring the list, before it asks for the list itself. */
const LIST_PATIENCE = 1_000;
const POLL_INTERVAL = 30_000;
const LONGEST_TIMER = 2 ** 31 - 1;
/** Expired messages are asked for so long after they expire. */
const EXPIRY_MARGIN = 100;
const MAX_PAGES_TO_FIND = 20;

/**
 * @typedef {object} StoreEvents
 * @property {null} change There is something to draw. Several changes at once cause one event.
 * @property {Message} message A message has arrived.
 * @property {Message} reminder The app of a message reminds of it, or the user has asked for it at this time.
 * @property {ApiError} failure A call in the background has failed.
 */

/** @extends {Emitter<StoreEvents>} */
export class Store extends Emitter {
  #stream;
  #state = new StoreState();
  #loader;
  #actions;
  #isAnnounced = false;
  #isStopped = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pollTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #expiryTimer;
  /** The ids whose expiry has caused a refresh: once for each, as the server's clock decides. */
  #expired = /** @type {Set<string>} */ (new Set());
  /** @type {() => void} */
  #becomeReady = () => {};
  /** @type {Promise<void>} */
  #ready = new Promise((resolve) => {
    this.#becomeReady = resolve;
  });
  /** @type {() => void} */
  #becomeListed = () => {};
  /** Resolved when the stream has brought the list. @type {Promise<void>} */
  #listed = new Promise((resolve) => {
    this.#becomeListed = resolve;
  });

  /**
   * @param {Api} api
   * @param {Stream} stream
   */
  constructor(api, stream) {
    super();
    this.#stream = stream;
    const changed = () => this.#announce();
    this.#loader = new Loader(api, this.#state, { changed, failed: (error) => this.emit("failure", error) });
    this.#actions = new Actions(api, this.#state, this.#loader, changed);
    for (const name of LIVE_EVENTS) stream.on(name, (data) => this.#receive(name, data));
    stream.on("list", (page) => this.#receiveList(page));
    stream.on("state", changed);
  }

  // --- Life ---------------------------------------------------------------------------------------------------------

  /**
   * Open the stream and load the counts. The stream brings the list as well if `withList`, else `open` loads it.
   *
   * @param {{withList?: boolean}} [options]
   */
  async start({ withList = false } = {}) {
    this.#loader.hasStarted = withList;
    this.#stream.start(withList ? PAGE : 0);
    this.#pollTimer = setInterval(() => this.#poll(), POLL_INTERVAL);
    if (withList) this.#loadFirstPage(this.#listed);
    await this.#streamOrPatience();
    // A list that is being loaded brings them.
    if (this.counts === null && !this.#isStopped && !this.#loader.hasStarted) await this.#loader.loadCounts();
  }

  /** Load the first page, unless this has been done. */
  async open() {
    if (this.#loader.hasStarted) return;
    this.#loader.hasStarted = true;
    await this.#loadFirstPage(null);
  }

  /**
   * Load the first page once the stream is open, so that no change between the two is missed.
   *
   * @param {Promise<void> | null} listed Resolved when the stream has brought the page; null if it will not.
   */
  async #loadFirstPage(listed) {
    const { view } = this;
    await this.#streamOrPatience();
    if (listed && this.#stream.state === "open") await Promise.race([listed, sleep(LIST_PATIENCE)]);
    if (this.view === view && this.phase === "loading" && !this.#isStopped) await this.#loader.load();
  }

  /** @param {Page} page */
  #receiveList(page) {
    this.#loader.receiveFirstPage(page);
    this.#becomeListed();
  }

  stop() {
    this.#isStopped = true;
    this.#loader.stop();
    clearInterval(this.#pollTimer);
    clearTimeout(this.#expiryTimer);
    this.#stream.stop();
  }

  #streamOrPatience() {
    return Promise.race([this.#ready, sleep(STREAM_PATIENCE)]);
  }

  /** Where no stream gets through, or while it rests, ask the server from time to time. */
  #poll() {
    const { state } = this.#stream;
    if (state !== "resting" && state !== "connecting") return;
    if (this.#loader.hasStarted && !document.hidden) this.#loader.refresh();
    else if (state === "resting" || !this.#loader.hasStarted) this.#loader.loadCounts();
  }

  // --- What there is to show ----------------------------------------------------------------------------------------

  get view() {
    return this.#state.view;
  }

  /** Null until they are loaded. */
  get counts() {
    return this.#state.counts;
  }

  /** The messages of the view, newest first; before them, those that have come back. */
  get messages() {
    return this.#state.messages;
  }

  /** Whether there are older messages to load. */
  get hasMore() {
    return this.#state.cursor !== null;
  }

  /** "loading" (nothing to show yet), "shown" or "failed". */
  get phase() {
    return this.#loader.phase;
  }

  /** The state of the older messages: "idle", "loading" or "failed". */
  get olderPhase() {
    return this.#loader.olderPhase;
  }

  /** The error of the last call that failed. */
  get error() {
    return this.#loader.error;
  }

  /** @param {string} id */
  message(id) {
    return this.#state.message(id);
  }

  // --- Loading ------------------------------------------------------------------------------------------------------

  /**
   * Show another view.
   *
   * @param {Partial<View>} change
   */
  async show(change) {
    const view = { ...this.view, ...change };
    const { filter, app, q } = this.view;
    if (view.filter === filter && view.app === app && view.q === q) return;
    this.#state.view = view;
    await this.#loader.load();
  }

  load() {
    return this.#loader.load();
  }

  /**
   * Return a message, after loading the list of all messages down to it; null if it is not among the newest ones.
   *
   * @param {string} id
   */
  async find(id) {
    await this.show({ filter: "all", app: "", q: "" });
    while (this.phase === "loading" && !this.#isStopped) {
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
    if (!this.message(id)) await this.refresh();
    for (let pages = 0; pages < MAX_PAGES_TO_FIND && !this.message(id) && this.hasMore; pages += 1)
      await this.loadMore();
    return this.message(id);
  }

  loadMore() {
    return this.#loader.loadMore();
  }

  refresh() {
    return this.#loader.refresh();
  }

  // --- Actions ------------------------------------------------------------------------------------------------------

  /**
   * Set messages read or unread. Throws an ApiError.
   *
   * @param {string[]} ids
   * @param {boolean} read
   */
  setRead(ids, read) {
    return this.#actions.setRead(ids, read);
  }

  /**
   * Move messages into the archive or out of it. Returns a function that undoes it. Throws an ApiError.
   *
   * @param {string[]} ids
   * @param {boolean} archived
   */
  setArchived(ids, archived) {
    return this.#actions.setArchived(ids, archived);
  }

  /**
   * Star messages, or take their stars away. Throws an ApiError.
   *
   * @param {string[]} ids
   * @param {boolean} starred
   */
  setStarred(ids, starred) {
    return this.#actions.setStarred(ids, starred);
  }

  /**
   * Delete messages. Returns a function that undoes it. Throws an ApiError.
   *
   * @param {string[]} ids
   */
  delete(ids) {
    return this.#actions.delete(ids);
  }

  /**
   * Hide messages until a time (ms since 1970), or show them at once (null). Returns a function that undoes it. Throws an
   * ApiError.
   *
   * @param {string[]} ids
   * @param {number | null} until
   */
  snooze(ids, until) {
    return this.#actions.snooze(ids, until);
  }

  /**
   * Mute an app, or end that. Throws an ApiError.
   *
   * @param {string} app
   * @param {boolean} muted
   */
  setMuted(app, muted) {
    return this.#actions.setMuted(app, muted);
  }

  /**
   * Set all messages of the view read; with `upTo`, that message and older ones. Returns {count, isComplete, undo}. Throws
   * an ApiError.
   *
   * @param {string | null} [upTo]
   */
  readAll(upTo) {
    return this.#actions.readAll(upTo);
  }

  // --- Live events --------------------------------------------------------------------------------------------------

  /**
   * @template {keyof LiveEvents} Name
   * @param {Name} name
   * @param {LiveEvents[Name]} data
   */
  #receive(name, data) {
    const { reread, refresh, message, reminder } = reduce(this.#state, name, data);
    this.#announce();
    if (name === "ready") this.#becomeReady();
    for (const id of reread) this.#actions.reread(id);
    if (refresh) this.#loader.refresh();
    if (message) this.emit("message", message);
    if (reminder) this.emit("reminder", reminder);
  }

  // --- Announcing changes -------------------------------------------------------------------------------------------

  #announce() {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    queueMicrotask(() => {
      this.#isAnnounced = false;
      this.#awaitExpiry();
      this.emit("change", null);
    });
  }

  /** Load the list again when a listed message expires. */
  #awaitExpiry() {
    clearTimeout(this.#expiryTimer);
    const expiries = this.messages.flatMap(({ id, expiresAt }) =>
      expiresAt !== null && !this.#expired.has(id) ? [{ id, expiresAt }] : [],
    );
    if (expiries.length === 0) return;
    const wait = Math.max(Math.min(...expiries.map(({ expiresAt }) => expiresAt)) - Date.now(), 0);
    this.#expiryTimer = setTimeout(
      () => {
        for (const { id, expiresAt } of expiries) if (expiresAt <= Date.now()) this.#expired.add(id);
        this.#loader.refresh();
      },
      Math.min(wait + EXPIRY_MARGIN, LONGEST_TIMER),
    );
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
