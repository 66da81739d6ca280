/** The live stream of an inbox: stays open through lost connections, sleep and expired tokens. */

import { streamAddress, takeEarlyStream } from "./early-stream.js";
import { Emitter } from "./emitter.js";

/** @import { Page, Session } from "./api.js" */
/** @import { Approval, Counts, Message, ReadState } from "./messages.js" */

/**
 * @typedef {ReadState & {id: string, approval?: Approval | null}} StatusChange
 *
 * @typedef {object} LiveEvents The server's events (docs/inbox.md), with their data.
 * @property {{counts: Counts, newest: string | null}} ready
 * @property {Message} message
 * @property {Message} update
 * @property {{messages: StatusChange[]}} status
 * @property {{ids: string[]}} removed
 * @property {Message} reminder
 * @property {Message} woken
 * @property {Counts} counts
 * @property {Record<string, never>} reload
 *
 * @typedef {"open" | "connecting" | "offline" | "resting"} StreamState
 */

/** The names of the live events. @type {(keyof LiveEvents)[]} */
export const LIVE_EVENTS = ["ready", "message", "update", "status", "removed", "reminder", "woken", "counts", "reload"];

// Milliseconds.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const LONG_HIDDEN = 300_000;
const REST_AFTER = 30_000;
const CHECK_INTERVAL = 15_000;
const SLEPT = 4 * CHECK_INTERVAL;
const LOCK = "msg-inbox-hidden-stream";

/**
 * Emits the server's events and `state`.
 *
 * Browsers allow few connections to a server. So one hidden window of a browser keeps its stream, and the others rest
 * until they are visible. A stream that the server ended because the user has opened too many newer ones rests as well,
 * until its window becomes visible or gets the focus.
 *
 * @extends {Emitter<LiveEvents & {list: Page, state: StreamState}>}
 */
export class Stream extends Emitter {
  #server;
  #session;
  #probe;
  /** @type {EventSource | null} */
  #source = null;
  /** How many messages of the list the next connection is to bring. */
  #listLength = 0;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #checkTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #restTimer;
  #lastCheck = 0;
  #hiddenSince = 0;
  /** @type {AbortController | null} Aborted when the window becomes visible. */
  #hiding = null;
  /** Whether this hidden window is the one that keeps its stream. */
  #keepsStream = false;
  /** @type {StreamState} */
  #state = "connecting";
  /** Aborted when the stream stops. */
  #ending = new AbortController();

  /**
   * @param {string} server The server's URL with its base path, without a slash at the end.
   * @param {Session} session
   * @param {() => Promise<unknown>} probe Makes an ordinary call. It renews an expired token, of which an EventSource
   *   tells nothing.
   */
  constructor(server, session, probe) {
    super();
    this.#server = server;
    this.#session = session;
    this.#probe = probe;
  }

  get state() {
    return this.#state;
  }

  /**
   * Open the stream. Its first connection emits `list` after `ready` if `listLength` is not 0.
   *
   * @param {number} [listLength] How many messages of the list to bring.
   */
  start(listLength = 0) {
    this.#listLength = listLength;
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    addEventListener("online", () => this.#state !== "resting" && this.#restart(), { signal });
    addEventListener("focus", () => this.#state === "resting" && !document.hidden && this.#restart(), { signal });
    addEventListener("offline", () => this.#state !== "resting" && this.#retryLater("offline"), { signal });
    document.addEventListener("visibilitychange", () => this.#visibilityChanged(), { signal });
    this.#lastCheck = Date.now();
    this.#checkTimer = setInterval(() => this.#check(), CHECK_INTERVAL);
    this.#connect();
    if (document.hidden) this.#becomeHidden();
  }

  stop() {
    this.#ending.abort();
    clearInterval(this.#checkTimer);
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#restTimer);
    this.#hiding?.abort();
    this.#close();
  }

  // --- Connecting ---------------------------------------------------------------------------------------------------

  #connect() {
    clearTimeout(this.#retryTimer);
    this.#close();
    if (!navigator.onLine) {
      this.#retryLater("offline");
      return;
    }
    this.#setState("connecting");
    const address = streamAddress(this.#server, this.#session.token, this.#listLength);
    this.#listLength = 0;
    const early = takeEarlyStream(address);
    const source = early?.source ?? new EventSource(address);
    this.#source = source;
    /** @param {MessageEvent<string>} event */
    const receive = ({ type, data }) =>
      this.#receive(/** @type {keyof LiveEvents | "list" | "replaced"} */ (type), data);
    for (const name of [...LIVE_EVENTS, "list", "replaced"]) source.addEventListener(name, receive);
    for (const event of early?.events ?? []) receive(event);
    // EventSource would reconnect by itself with the old token for ever, and all clients at the same pace.
    source.addEventListener("error", () => this.#retryLater("connecting"));
  }

  /**
   * @param {keyof LiveEvents | "list" | "replaced"} name
   * @param {string} data
   */
  #receive(name, data) {
    if (name === "replaced") {
      this.#rest();
      return;
    }
    if (name === "ready") {
      this.#failures = 0;
      this.#setState("open");
    }
    this.emit(name, JSON.parse(data));
  }

  /**
   * Close the stream, and open it again after a while; if offline, when the browser is online again.
   *
   * @param {"connecting" | "offline"} state
   */
  #retryLater(state) {
    this.#close();
    clearTimeout(this.#retryTimer);
    this.#setState(state);
    if (state === "offline") return;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.#retry(), longest * (0.5 + Math.random() / 2));
  }

  async #retry() {
    const { signal } = this.#ending;
    try {
      await this.#probe();
    } catch (error) {
      const { needsToken } = /** @type {{needsToken?: boolean}} */ (error);
      // Without a token there is nothing to connect with.
      if (signal.aborted || needsToken || this.#state === "resting") return;
      this.#retryLater("connecting");
      return;
    }
    if (!signal.aborted && !this.#source && this.#state !== "resting") this.#connect();
  }

  #restart() {
    this.#failures = 0;
    this.#connect();
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  /** @param {StreamState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.emit("state", state);
  }

  // --- Hidden windows -----------------------------------------------------------------------------------------------

  #visibilityChanged() {
    if (document.hidden) {
      this.#becomeHidden();
      return;
    }
    clearTimeout(this.#restTimer);
    this.#hiding?.abort();
    const wasLong = Date.now() - this.#hiddenSince > LONG_HIDDEN;
    if (wasLong || !this.#source) this.#restart();
  }

  #becomeHidden() {
    this.#hiddenSince = Date.now();
    this.#hiding = new AbortController();
    const { signal } = this.#hiding;
    this.#restTimer = setTimeout(() => this.#keepsStream || this.#rest(), REST_AFTER);
    // The browser gives the lock to one window at a time.
    navigator.locks?.request(LOCK, { signal }, () => this.#keepStream(signal)).catch(() => {});
  }

  /**
   * Keep the stream, and the lock with it, until the window becomes visible.
   *
   * @param {AbortSignal} signal
   */
  async #keepStream(signal) {
    if (signal.aborted) return;
    this.#keepsStream = true;
    if (this.#state === "resting") this.#restart();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    this.#keepsStream = false;
  }

  /** Close the stream until the window becomes visible. */
  #rest() {
    clearTimeout(this.#retryTimer);
    this.#close();
    this.#setState("resting");
  }

  // --- Sleep and expiring tokens ------------------------------------------------------------------------------------

  #check() {
    const now = Date.now();
    const hasSlept = now - this.#lastCheck > SLEPT && !document.hidden;
    this.#lastCheck = now;
    // After the machine has slept, a dead connection may look open.
    if (hasSlept) this.#restart();
    else if (this.#source && this.#session.isEnding) this.#renew();
  }

  async #renew() {
    const { signal } = this.#ending;
    const isRenewed = await this.#session.renew();
    if (isRenewed && !signal.aborted && this.#source) this.#restart();
  }
}
