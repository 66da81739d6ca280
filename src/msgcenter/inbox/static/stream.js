/** The live stream: kept open through lost connections, sleep and ended tokens. */

const EVENTS = ["ready", "message", "update", "status", "removed", "reminder", "counts", "reload"];
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const LONG_HIDDEN = 300_000;
const REST_AFTER = 30_000;
const WATCH = 15_000;
const LOCK = "msg-inbox-hidden-stream";

/**
 * Dispatches the server's events (`detail` is their data) and `state` (`detail` is "open", "connecting", "offline" or "resting").
 * A browser has few connections for a server, so of all its hidden windows one keeps its stream; the others rest until they are seen.
 * A stream that the server has ended because the user has too many newer ones rests as well, until the window is seen or clicked.
 * `probe` is an async function that makes an ordinary call: it renews an ended token, which an EventSource cannot report.
 */
export class Stream extends EventTarget {
  #server;
  #session;
  #probe;
  #source = null;
  #failures = 0;
  #timer = 0;
  #watch = 0;
  #lastWatch = 0;
  #hiddenSince = 0;
  #restTimer = 0;
  #hiding = null;
  #keepsWatch = false;
  #state = "connecting";
  #ending = null;

  constructor(server, session, probe) {
    super();
    this.#server = server;
    this.#session = session;
    this.#probe = probe;
  }

  get state() {
    return this.#state;
  }

  start() {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    addEventListener("online", () => this.#state !== "resting" && this.#restart(), { signal });
    addEventListener("focus", () => this.#state === "resting" && !document.hidden && this.#restart(), { signal });
    addEventListener("offline", () => this.#state !== "resting" && this.#lost("offline"), { signal });
    document.addEventListener("visibilitychange", () => this.#visibilityChanged(), { signal });
    this.#lastWatch = Date.now();
    this.#watch = setInterval(() => this.#watchTime(), WATCH);
    this.#connect();
    if (document.hidden) this.#hidden();
  }

  stop() {
    this.#ending?.abort();
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
    clearTimeout(this.#restTimer);
    this.#hiding?.abort();
    this.#close();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#close();
    if (!navigator.onLine) return this.#lost("offline");
    this.#say("connecting");
    const source = new EventSource(`${this.#server}/inbox/v1/stream?token=${encodeURIComponent(this.#session.token)}`);
    this.#source = source;
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (name === "ready") {
          this.#failures = 0;
          this.#say("open");
        }
        this.dispatchEvent(new CustomEvent(name, { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener("replaced", () => this.#rest());
    // The source's own way of coming back would use the old token for ever, and all clients at the same pace.
    source.addEventListener("error", () => this.#lost("connecting"));
  }

  #lost(state) {
    this.#close();
    clearTimeout(this.#timer);
    this.#say(state);
    if (state === "offline") return; // "online" wakes it
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#again(), longest * (0.5 + Math.random() / 2));
  }

  async #again() {
    const { signal } = this.#ending;
    try {
      await this.#probe();
    } catch (error) {
      // Without a token there is nothing to connect to.
      if (signal.aborted || error.needsToken || this.#state === "resting") return;
      this.#lost("connecting");
      return;
    }
    if (!signal.aborted && !this.#source && this.#state !== "resting") this.#connect();
  }

  #restart() {
    this.#failures = 0;
    this.#connect();
  }

  #visibilityChanged() {
    if (document.hidden) {
      this.#hidden();
      return;
    }
    clearTimeout(this.#restTimer);
    this.#hiding?.abort();
    const slept = Date.now() - this.#hiddenSince > LONG_HIDDEN;
    if (slept || !this.#source) this.#restart();
  }

  #hidden() {
    this.#hiddenSince = Date.now();
    this.#hiding = new AbortController();
    const { signal } = this.#hiding;
    this.#restTimer = setTimeout(() => this.#keepsWatch || this.#rest(), REST_AFTER);
    navigator.locks?.request(LOCK, { signal }, () => this.#keepWatch(signal)).catch(() => {});
  }

  /** Hold the lock, and with it the stream, as long as the window is hidden. */
  async #keepWatch(signal) {
    if (signal.aborted) return;
    this.#keepsWatch = true;
    if (this.#state === "resting") this.#restart();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    this.#keepsWatch = false;
  }

  /** Do without a stream until the window is looked at again. */
  #rest() {
    clearTimeout(this.#timer);
    this.#close();
    this.#say("resting");
  }

  #watchTime() {
    const now = Date.now();
    const slept = now - this.#lastWatch > 4 * WATCH && !document.hidden;
    this.#lastWatch = now;
    if (slept)
      this.#restart(); // the machine has slept: the connection may be dead without knowing
    else if (this.#source && this.#session.isEnding) this.#renew();
  }

  async #renew() {
    const { signal } = this.#ending;
    const renewed = await this.#session.renew();
    if (renewed && !signal.aborted && this.#source) this.#restart();
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  #say(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}
