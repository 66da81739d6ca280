/** The parts of a browser that the inbox's modules use, for Node.js. Import it before them. */

import { Clock, settle } from "./clock.js";

// Node.js 18 has no CustomEvent.
globalThis.CustomEvent ??= /** @type {any} */ (
  class extends Event {
    /**
     * @param {string} name
     * @param {CustomEventInit} [options]
     */
    constructor(name, options) {
      super(name, options);
      this.detail = options?.detail;
    }
  }
);

/** A window with one document: visible, online, with a server that tests connect to. */
export class Browser {
  clock = new Clock();
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { hidden: false });
  navigator = { onLine: true, locks: new Locks() };
  /** @type {Source[]} The streams that were opened, in order. */
  sources = [];

  /** Make this browser the one of the present test. */
  install() {
    const { clock, sources } = this;
    define({
      document: this.document,
      navigator: this.navigator,
      addEventListener: this.window.addEventListener.bind(this.window),
      EventSource: class extends Source {
        /** @param {string} url */
        constructor(url) {
          super(url);
          sources.push(this);
        }
      },
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clear,
      setInterval: clock.setInterval,
      clearInterval: clock.clear,
    });
    Date.now = () => clock.now;
    return this;
  }

  /** The stream that was opened last. */
  get source() {
    const source = this.sources.at(-1);
    if (!source) throw new Error("no stream was opened");
    return source;
  }

  /** The streams that are open. */
  get openSources() {
    return this.sources.filter((source) => source.isOpen);
  }

  /** @param {boolean} hidden */
  async setHidden(hidden) {
    this.document.hidden = hidden;
    this.document.dispatchEvent(new Event("visibilitychange"));
    await settle();
  }

  /** @param {boolean} onLine */
  async setOnline(onLine) {
    this.navigator.onLine = onLine;
    this.window.dispatchEvent(new Event(onLine ? "online" : "offline"));
    await settle();
  }

  async focus() {
    this.window.dispatchEvent(new Event("focus"));
    await settle();
  }

  /**
   * Let time pass. What is due in it runs in order.
   *
   * @param {number} duration
   */
  async pass(duration) {
    await this.clock.pass(duration);
  }
}

/** An EventSource whose events tests send. */
export class Source extends EventTarget {
  isOpen = true;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = new URL(url);
  }

  close() {
    this.isOpen = false;
  }

  /**
   * @param {string} name
   * @param {unknown} [data]
   */
  async send(name, data = {}) {
    if (this.isOpen) this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }));
    await settle();
  }

  /** Lose the connection. */
  async fail() {
    this.dispatchEvent(new Event("error"));
    await settle();
  }
}

/** The browser's locks: one holder at a time. */
class Locks {
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /**
   * @param {string} _name
   * @param {{signal: AbortSignal}} options
   * @param {() => Promise<void>} run
   */
  request(_name, { signal }, run) {
    const held = this.#last.then(() => {
      if (signal.aborted) throw new DOMException("aborted", "AbortError");
      return run();
    });
    this.#last = held.catch(() => {});
    return held;
  }
}

/** @param {Record<string, unknown>} globals */
function define(globals) {
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}
