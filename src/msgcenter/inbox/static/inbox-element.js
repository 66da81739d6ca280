/** The inbox as an element: all of <msg-inbox> but its bell, which the page /inbox does not need. */

import { Api, openTheSame, Session } from "./api.js";
import { el } from "./dom.js";
import { loadLater } from "./load-later.js";
import { notify } from "./notifications.js";
import { openSettings } from "./open-settings.js";
import { Panel } from "./panel.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { sheet } from "./styles.js";
import { languageFor, textsIn } from "./texts.js";
import { Clock } from "./time.js";

/** @import { ApiError } from "./api.js" */
/** @import { Bell, BellOptions } from "./bell.js" */
/** @import { Device } from "./device.js" */
/** @import { Message } from "./messages.js" */

/** @typedef {() => Promise<string | null | undefined>} RenewToken Returns a fresh token; null if there is none. */

const FOLDERS = /^(.*)\/(?:inbox|portal\/static)\/[^/]*$/;

/**
 * The server that this script comes from, with its base path: https://school.example/msg. "" in a website's own bundle.
 */
export const HOME = FOLDERS.exec(import.meta.url.split(/[?#]/)[0])?.[1] ?? "";

/**
 * @typedef {object} Inbox What the element consists of while it is on a page.
 * @property {Session} session
 * @property {Store} store
 * @property {HTMLElement} frame
 * @property {Panel} panel
 * @property {Bell | null} bell
 * @property {string} reportedCounts The counts that the page was told last.
 * @property {boolean} hasEnded Whether the token has expired and was not renewed.
 */

export class InboxElement extends HTMLElement {
  static observedAttributes = ["server", "token", "mode", "lang", "theme"];

  #root = this.attachShadow({ mode: "open" });
  /** @type {Inbox | null} */
  #inbox = null;
  /** Aborted when the element leaves the page. */
  #ending = new AbortController();
  #isRestartPlanned = false;
  /** @type {RenewToken | null} */
  #renewToken = null;
  /** What keeps messages on the device, and loads that when the settings are opened: only the page /inbox has it. */
  /** @type {Device | null} */
  device = null;
  /** @type {(() => Promise<Device>) | null} */
  loadDevice = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    this.#adoptEarlyProperty("renewToken");
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#applyTheme(), { signal });
    this.#start();
  }

  disconnectedCallback() {
    this.#ending.abort();
    this.#stop();
  }

  /**
   * @param {string} name
   * @param {string | null} old
   * @param {string | null} value
   */
  attributeChangedCallback(name, old, value) {
    if (old === value || !this.#inbox) return;
    if (name === "theme") this.#applyTheme();
    else if (name === "token" && value) this.#changeToken(this.#inbox, value);
    else this.#planRestart();
  }

  /** An async function that returns a fresh token; set by the host page. */
  get renewToken() {
    return this.#renewToken;
  }

  set renewToken(renew) {
    this.#renewToken = renew;
  }

  /** "bell" or "panel". */
  get mode() {
    return this.getAttribute("mode") === "panel" ? "panel" : "bell";
  }

  set mode(mode) {
    this.setAttribute("mode", mode);
  }

  // --- For host pages -----------------------------------------------------------------------------------------------

  /**
   * Return the bell that opens the inbox; null for an element that has none.
   *
   * @param {BellOptions} _options
   * @returns {Bell | null}
   */
  makeBell(_options) {
    return null;
  }

  /** Open the popover of the bell. */
  open() {
    this.#inbox?.bell?.open();
  }

  /**
   * Close the popover of the bell. Returns whether it was open.
   *
   * @param {boolean} [focus] Whether to focus the bell.
   */
  close(focus = true) {
    return this.#inbox?.bell?.close(focus !== false) ?? false;
  }

  /** Read everything again. */
  async refresh() {
    await this.#inbox?.store.refresh();
  }

  /**
   * Set a message read and scroll to it, once it is loaded.
   *
   * @param {string} id
   */
  async showMessage(id) {
    const inbox = this.#inbox;
    this.open();
    const message = await inbox?.store.find(id);
    if (message && this.#inbox === inbox) inbox?.panel.openMessage(message);
  }

  /**
   * Act on a key that was pressed while nothing had the focus; for pages that consist of the inbox. Returns whether the
   * key had a meaning.
   *
   * @param {KeyboardEvent} event
   */
  handleKey(event) {
    return this.#inbox?.panel.handleKey(event) ?? false;
  }

  // --- Life ---------------------------------------------------------------------------------------------------------

  #start() {
    const inbox = this.#build();
    this.#inbox = inbox;
    this.#root.replaceChildren(inbox.frame);
    this.#applyTheme();
    if (!inbox.session.token) {
      inbox.panel.showTrouble("none");
      return;
    }
    inbox.store.start({ withList: !inbox.bell });
  }

  /** @returns {Inbox} */
  #build() {
    const language = languageFor(this.getAttribute("lang"));
    const texts = textsIn(language);
    const server = (this.getAttribute("server") || HOME).replace(/\/+$/, "");
    const session = new Session(this.getAttribute("token") ?? "", () => this.#fetchToken());
    const api = new Api(server, session, language);
    const stream = new Stream(server, session, () => api.counts());
    const store = new Store(api, stream);
    this.device?.follow(api, store);
    const panel = new Panel({
      store,
      stream,
      texts,
      clock: new Clock(language, texts),
      host: {
        opens: (message, url) => this.#dispatch("msg-inbox:open", { message, url }, true),
        failed: (error) => this.#reportError(error),
        close: () => this.close(),
        mayNotify: () => this.#wantsNotifications,
        later: () => loadLater(server),
        openSettings: async (root) => {
          this.device ??= (await this.loadDevice?.()) ?? null;
          this.device?.follow(api, store);
          await openSettings(server, { root, api, device: this.device, language });
        },
      },
    });
    const bell =
      this.mode === "bell"
        ? this.makeBell({ texts, popover: panel.element, host: this, onOpen: () => store.open() })
        : null;
    const lang = language === "zh" ? "zh-CN" : "en";
    const frame = el("div", { class: "root", "data-mode": this.mode, lang }, bell?.element, panel.element);
    store.on("change", () => this.#reportCounts());
    store.on("message", (message) => this.#reportMessage("msg-inbox:message", message));
    store.on("reminder", (message) => this.#reportMessage("msg-inbox:reminder", message));
    store.on("failure", (error) => this.#reportError(error));
    return { session, store, frame, panel, bell, reportedCounts: "", hasEnded: false };
  }

  #stop() {
    if (!this.#inbox) return;
    const { bell, store, panel } = this.#inbox;
    bell?.close(false);
    store.stop();
    panel.stop();
    this.#inbox = null;
    this.#root.replaceChildren();
  }

  /** Start again, once for all attributes that change together. */
  #planRestart() {
    if (this.#isRestartPlanned) return;
    this.#isRestartPlanned = true;
    queueMicrotask(() => {
      this.#isRestartPlanned = false;
      if (!this.isConnected) return;
      this.#stop();
      this.#start();
    });
  }

  // --- Token --------------------------------------------------------------------------------------------------------

  /**
   * Use a fresh token of the same inbox, which changes nothing on screen; start again with one of another inbox.
   *
   * @param {Inbox} inbox
   * @param {string} token
   */
  #changeToken({ session, hasEnded }, token) {
    if (!hasEnded && openTheSame(session.token, token)) session.token = token;
    else this.#planRestart();
  }

  /**
   * Take a property that the host page set before this class was loaded.
   *
   * @param {"renewToken"} name
   */
  #adoptEarlyProperty(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    // @ts-expect-error -- The own property hides the accessor of the class.
    delete this[name];
    this[name] = value;
  }

  async #fetchToken() {
    return typeof this.#renewToken === "function" ? this.#renewToken() : null;
  }

  // --- Theme --------------------------------------------------------------------------------------------------------

  #applyTheme() {
    if (!this.#inbox) return;
    const theme = this.getAttribute("theme");
    const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.#inbox.frame.dataset.theme = isDark ? "dark" : "light";
    this.#inbox.panel.updateColours();
  }

  // --- Events for the host page -------------------------------------------------------------------------------------

  /**
   * @param {string} name
   * @param {object} detail
   * @param {boolean} [cancelable]
   */
  #dispatch(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable, bubbles: true, composed: true }));
  }

  #reportCounts() {
    const inbox = this.#inbox;
    if (!inbox?.store.counts) return;
    const { unread, todo } = inbox.store.counts;
    inbox.bell?.showCount(unread);
    const counts = `${unread} ${todo}`;
    if (counts === inbox.reportedCounts) return;
    inbox.reportedCounts = counts;
    this.#dispatch("msg-inbox:counts", { unread, todo });
  }

  /**
   * Report a message that has arrived or that its app reminds of, and draw the user's attention to it, unless its app is
   * muted.
   *
   * @param {string} name
   * @param {Message} message
   */
  #reportMessage(name, message) {
    this.#dispatch(name, { message });
    if (message.silent) return;
    this.#inbox?.bell?.ring();
    if (!this.#wantsNotifications || (document.hasFocus() && !document.hidden)) return;
    notify(message, () => {
      this.open();
      this.#inbox?.panel.openMessage(message);
    });
  }

  get #wantsNotifications() {
    return this.getAttribute("notifications") === "on";
  }

  /** @param {ApiError} error */
  #reportError(error) {
    if (error.needsToken) {
      if (this.#inbox) {
        this.#inbox.hasEnded = true;
        this.#inbox.panel.showTrouble("expired");
      }
      this.#dispatch("msg-inbox:token-expired", {});
    }
    this.#dispatch("msg-inbox:error", { code: error.code, detail: error.detail });
  }
}
