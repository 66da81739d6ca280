/** The custom element <msg-inbox>; docs/inbox.md tells how to use it. */

import { Api, openTheSame, Session } from "./api.js";
import { notify } from "./badge.js";
import { el, icon, short } from "./dom.js";
import { onPhone } from "./links.js";
import { place } from "./menu.js";
import { Panel } from "./panel.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { sheet } from "./styles.js";
import { languageFor, textsIn } from "./texts.js";
import { Clock } from "./time.js";

const FOLDERS = /^(.*)\/(?:inbox|portal\/static)\/[^/]*$/;

/** The server that this script comes from, with its base path: https://school.example/msg; "" if it is in a website's own bundle. */
export const HOME = FOLDERS.exec(import.meta.url.split(/[?#]/)[0])?.[1] ?? "";

export class MsgInbox extends HTMLElement {
  static observedAttributes = ["server", "token", "mode", "lang", "theme"];

  #root = this.attachShadow({ mode: "open" });
  #frame = null;
  #bell = null;
  #badge = null;
  #panel = null;
  #session = null;
  #store = null;
  #stream = null;
  #isOpen = false;
  #opening = null;
  #ending = null;
  #isPlanned = false;
  #told = "";
  #hasEnded = false;
  #renewToken = null;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    this.#adoptEarlyProperty("renewToken");
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint(), { signal });
    this.#start();
  }

  disconnectedCallback() {
    this.#ending.abort();
    this.#stop();
  }

  attributeChangedCallback(name, old, value) {
    if (old === value || !this.#frame) return;
    if (name === "theme") this.#paint();
    else if (name === "token" && value && this.#session && this.#panel) this.#changeToken(value);
    else this.#plan();
  }

  /** An async function that returns a fresh token; set by the host page. */
  get renewToken() {
    return this.#renewToken;
  }

  set renewToken(renew) {
    this.#renewToken = renew;
  }

  get mode() {
    return this.getAttribute("mode") === "panel" ? "panel" : "bell";
  }

  set mode(mode) {
    this.setAttribute("mode", mode);
  }

  // --- What host pages call -----------------------------------------------------------------------------------------

  /** Open the popover of the bell. */
  open() {
    if (this.mode === "panel" || this.#isOpen || !this.#panel) return;
    this.#isOpen = true;
    const { element } = this.#panel;
    element.hidden = false;
    element.setAttribute("aria-modal", String(onPhone()));
    element.showPopover?.();
    this.#bell.setAttribute("aria-expanded", "true");
    this.#opening = new AbortController();
    const { signal } = this.#opening;
    const placed = () => place(element, this.#bell.getBoundingClientRect());
    placed();
    addEventListener("resize", placed, { signal });
    addEventListener("scroll", (event) => event.target !== this && placed(), { signal, capture: true, passive: true });
    document.addEventListener("pointerdown", (event) => !event.composedPath().includes(this) && this.close(false), {
      signal,
      capture: true,
    });
    element.addEventListener("focusout", (event) => this.#focusLeft(event), { signal });
    element.addEventListener("keydown", (event) => this.#keepFocus(event), { signal });
    element.focus({ preventScroll: true });
    this.#store?.open();
  }

  /** Close the popover of the bell. Returns whether it was open. */
  close(focus = true) {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#opening.abort();
    this.#panel.element.hidePopover?.();
    this.#panel.element.hidden = true;
    this.#bell.setAttribute("aria-expanded", "false");
    if (focus !== false) this.#bell.focus();
    return true;
  }

  /** Read everything again. */
  refresh() {
    return this.#store?.refresh() ?? Promise.resolve();
  }

  /** Act on a key that was pressed while nothing had the focus; for pages that are all inbox. */
  handleKey(event) {
    return this.#panel?.handleKey(event) ?? false;
  }

  // --- Life ---------------------------------------------------------------------------------------------------------

  #start() {
    const language = languageFor(this.getAttribute("lang"));
    const texts = textsIn(language);
    this.#frame = el("div", { class: "root", "data-mode": this.mode, lang: language === "zh" ? "zh-CN" : "en" });
    const server = (this.getAttribute("server") || HOME).replace(/\/+$/, "");
    this.#session = new Session(this.getAttribute("token") ?? "", () => this.#fetchToken());
    const api = new Api(server, this.#session, language);
    this.#stream = new Stream(server, this.#session, () => api.counts());
    this.#store = new Store(api, this.#stream);
    const host = {
      dispatch: (name, detail) => this.#dispatch(name, detail),
      failed: (error) => this.#failed(error),
      close: () => this.close(),
      inbox: this,
      get mayNotify() {
        return this.inbox.getAttribute("notifications") === "on";
      },
    };
    this.#panel = new Panel({
      store: this.#store,
      stream: this.#stream,
      texts,
      clock: new Clock(language, texts),
      host,
    });
    if (this.mode === "bell") this.#addBell(texts);
    this.#frame.append(this.#panel.element);
    this.#root.replaceChildren(this.#frame);
    this.#store.addEventListener("change", () => this.#tellCounts(texts));
    this.#store.addEventListener("arrival", (event) => this.#arrived(event.detail));
    this.#store.addEventListener("reminder", (event) => this.#reminded(event.detail));
    this.#store.addEventListener("failure", (event) => this.#failed(event.detail));
    this.#paint();
    if (this.#session.token) this.#run();
    else this.#panel.trouble = "none";
  }

  #run() {
    this.#store.start();
    if (this.mode === "panel" || this.#isOpen) this.#store.open();
  }

  #stop() {
    if (this.#isOpen) this.close(false);
    this.#store?.stop();
    this.#panel?.end();
    this.#panel = this.#store = this.#stream = this.#session = this.#frame = null;
    this.#told = "";
    this.#hasEnded = false;
    this.#root.replaceChildren();
  }

  /** Begin anew, once for however many attributes change together. */
  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      if (!this.isConnected) return;
      this.#stop();
      this.#start();
    });
  }

  /** Take a fresh token for the same inbox without disturbing what is shown; begin anew with another one's. */
  #changeToken(token) {
    if (!this.#hasEnded && openTheSame(this.#session.token, token)) this.#session.token = token;
    else this.#plan();
  }

  /** Take a property that the host page has set before this class was loaded. */
  #adoptEarlyProperty(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }

  async #fetchToken() {
    return typeof this.#renewToken === "function" ? this.#renewToken() : null;
  }

  #addBell(texts) {
    this.#badge = el("span", { class: "bell-badge", hidden: true });
    this.#bell = el(
      "button",
      {
        type: "button",
        class: "bell",
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        "aria-label": texts.bell(0),
      },
      icon("bell"),
      this.#badge,
    );
    this.#bell.addEventListener("click", () => (this.#isOpen ? this.close() : this.open()));
    this.#frame.append(this.#bell);
    const { element } = this.#panel;
    element.setAttribute("role", "dialog");
    element.setAttribute("popover", "manual");
    element.hidden = true;
  }

  #paint() {
    if (!this.#frame) return;
    const wanted = this.getAttribute("theme");
    const isDark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.#frame.dataset.theme = isDark ? "dark" : "light";
    this.#panel.recolour();
  }

  // --- Telling the host page ----------------------------------------------------------------------------------------

  #dispatch(name, detail, cancelable = true) {
    return this.dispatchEvent(new CustomEvent(name, { detail, cancelable, bubbles: true, composed: true }));
  }

  #tellCounts(texts) {
    const counts = this.#store?.counts;
    if (!counts) return;
    const { unread, todo } = counts;
    if (this.#bell) {
      this.#badge.textContent = short(unread);
      this.#badge.hidden = unread === 0;
      this.#bell.setAttribute("aria-label", texts.bell(unread));
    }
    const told = `${unread} ${todo}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#dispatch("msg-inbox:counts", { unread, todo }, false);
  }

  #arrived(message) {
    this.#dispatch("msg-inbox:message", { message }, false);
    this.#call(message);
  }

  #reminded(message) {
    this.#dispatch("msg-inbox:reminder", { message }, false);
    this.#call(message);
  }

  /** Draw the user's attention to a message. */
  #call(message) {
    this.#bell?.classList.remove("ringing");
    requestAnimationFrame(() => this.#bell?.classList.add("ringing"));
    if (this.getAttribute("notifications") !== "on" || (document.hasFocus() && !document.hidden)) return;
    notify(message, () => {
      this.open();
      this.#panel?.openMessage(message);
    });
  }

  #failed(error) {
    if (error.needsToken) {
      this.#hasEnded = true;
      if (this.#panel) this.#panel.trouble = "expired";
      this.#dispatch("msg-inbox:token-expired", {}, false);
    }
    this.#dispatch("msg-inbox:error", { code: error.code, detail: error.detail }, false);
  }

  // --- Focus --------------------------------------------------------------------------------------------------------

  /** Close when the focus goes elsewhere on the page (not when it is merely lost, nor when the window loses it). */
  #focusLeft(event) {
    const next = event.relatedTarget;
    if (next && !this.#root.contains(next) && next !== this) this.close(false);
  }

  /** On a phone the inbox covers the page, so the focus stays inside. */
  #keepFocus(event) {
    if (event.key !== "Tab" || !onPhone()) return;
    const { element } = this.#panel;
    const stops = [...element.querySelectorAll("button, a[href], input, [tabindex='0']")].filter(
      (stop) => stop.tabIndex >= 0 && !stop.disabled && stop.offsetParent !== null,
    );
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (this.#root.activeElement !== edge && this.#root.activeElement !== element) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  }
}

if (!customElements.get("msg-inbox")) customElements.define("msg-inbox", MsgInbox);
