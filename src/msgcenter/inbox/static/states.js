/** What is shown above the list, in its place and below it: loading, empty, failed, offline, the end. */

import { el, icon } from "./dom.js";

/** @import { ApiError, Filter } from "./api.js" */
/** @import { IconName } from "./dom.js" */
/** @import { Store } from "./store.js" */
/** @import { Stream } from "./stream.js" */
/** @import { Texts } from "./texts.js" */

/**
 * @typedef {"none" | "expired"} TokenTrouble There is no token, or it has expired.
 * @typedef {TokenTrouble | Filter | "" | "loading" | "failed" | "busy" | "search"} PlaceKind
 */

/** A connection that comes back within this time (ms) is not reported as lost. */
const PATIENCE = 4_000;
const SKELETONS = 6;
/** From so many messages on, the end of the list is marked. */
const LONG_LIST = 8;

export class States {
  #store;
  #stream;
  #texts;
  #connectingSince = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @type {TokenTrouble | null} */
  trouble = null;

  /**
   * @param {Store} store
   * @param {Stream} stream
   * @param {Texts} texts
   */
  constructor(store, stream, texts) {
    this.#store = store;
    this.#stream = stream;
    this.#texts = texts;
    /** Above the list. */
    this.notice = el("div", { class: "notice", role: "status" });
    /** In its place. */
    this.place = el("div", { class: "state" });
    /** Below it. */
    this.foot = el("div", { class: "foot" });
  }

  stop() {
    clearTimeout(this.#timer);
  }

  draw() {
    this.#drawNotice();
    this.#drawPlace();
    this.#drawFoot();
  }

  // --- Above the list: a lost connection ----------------------------------------------------------------------------

  #drawNotice() {
    const kind = this.#noticeKind();
    if (isDrawn(this.notice, kind)) return;
    if (kind === "") {
      this.notice.replaceChildren();
      return;
    }
    const sign = kind === "offline" ? icon("offline") : el("span", { class: "spinner" });
    this.notice.replaceChildren(sign, el("span", {}, this.#texts[kind]));
  }

  /** Return the kind of the notice. While a connection is still within the patience, draw again after it. */
  #noticeKind() {
    const { state } = this.#stream;
    clearTimeout(this.#timer);
    if (state !== "connecting") this.#connectingSince = 0;
    else this.#connectingSince ||= Date.now();
    const waited = Date.now() - this.#connectingSince;
    const isSlow = state === "connecting" && waited >= PATIENCE;
    if (state === "connecting" && !isSlow) {
      this.#timer = setTimeout(() => this.#drawNotice(), PATIENCE - waited + 50);
    }
    if (this.trouble || this.#store.phase === "failed") return "";
    if (state === "offline") return "offline";
    return isSlow ? "reconnecting" : "";
  }

  // --- In place of the list -----------------------------------------------------------------------------------------

  #drawPlace() {
    const kind = this.#placeKind();
    const { q } = this.#store.view;
    if (isDrawn(this.place, kind === "search" ? `${kind} ${q}` : kind)) return;
    this.place.replaceChildren(...this.#placeParts(kind, q));
  }

  /** @returns {PlaceKind} */
  #placeKind() {
    const { phase, error, view, messages, hasMore } = this.#store;
    if (this.trouble) return this.trouble;
    if (phase === "loading") return "loading";
    if (phase === "failed") return placeKindOf(error);
    if (messages.length > 0 || hasMore) return "";
    return view.q ? "search" : view.filter;
  }

  /**
   * @param {PlaceKind} kind
   * @param {string} q
   */
  #placeParts(kind, q) {
    const texts = this.#texts;
    switch (kind) {
      case "":
        return [];
      case "loading":
        return this.#skeletons();
      case "failed":
      case "busy":
        return [
          emptiness(
            "warning",
            texts[kind],
            this.#retryButton("button", () => this.#store.load()),
          ),
        ];
      case "none":
        return [emptiness("person", texts.noToken)];
      case "expired":
        return [emptiness("todo", texts.expired)];
      case "search":
        return [emptiness("search", texts.emptySearch(q))];
      case "unread":
        return [emptiness("checks", texts.emptyUnread)];
      case "todo":
        return [emptiness("oa", texts.emptyTodo)];
      case "archived":
        return [emptiness("archive", texts.emptyArchived)];
      case "starred":
        return [emptiness("star", texts.emptyStarred)];
      case "snoozed":
        return [emptiness("moon", texts.emptySnoozed)];
      case "all":
        return [emptiness("inbox", texts.emptyAll)];
    }
  }

  #skeletons() {
    const skeletons = Array.from({ length: SKELETONS }, skeleton);
    return [
      el("span", { class: "unseen", role: "status" }, this.#texts.loading),
      el("div", { class: "bones", "aria-hidden": "true" }, ...skeletons),
    ];
  }

  // --- Below the list -----------------------------------------------------------------------------------------------

  #drawFoot() {
    const kind = this.#footKind();
    if (isDrawn(this.foot, kind)) return;
    this.foot.replaceChildren(...this.#footParts(kind));
  }

  #footKind() {
    const { phase, olderPhase, hasMore, view, messages } = this.#store;
    if (this.trouble || phase !== "shown") return "";
    if (olderPhase === "failed") return "failed";
    if (hasMore) return view.q ? "searching" : "loading";
    return messages.length > LONG_LIST ? "end" : "";
  }

  /** @param {"" | "failed" | "searching" | "loading" | "end"} kind */
  #footParts(kind) {
    const texts = this.#texts;
    if (kind === "") return [];
    if (kind === "end") return [el("span", {}, texts.end)];
    if (kind === "failed") {
      return [el("span", {}, texts.failedMore), this.#retryButton("text-button", () => this.#store.loadMore())];
    }
    return [el("span", { class: "spinner" }), el("span", {}, texts[kind])];
  }

  /**
   * @param {string} look
   * @param {() => void} retry
   */
  #retryButton(look, retry) {
    return el("button", { type: "button", class: look, on: { click: retry } }, this.#texts.retry);
  }
}

/**
 * @param {ApiError | null} error
 * @returns {PlaceKind}
 */
function placeKindOf(error) {
  if (error?.needsToken) return "expired";
  return error && error.status >= 429 ? "busy" : "failed";
}

/**
 * Return whether an element shows this kind of thing already, and note that it does from now on.
 *
 * @param {HTMLElement} element
 * @param {string} kind
 */
function isDrawn(element, kind) {
  if (element.dataset.kind === kind) return true;
  element.dataset.kind = kind;
  return false;
}

/**
 * @param {IconName} sign
 * @param {string[]} texts
 * @param {...Node} children
 */
function emptiness(sign, [title, explanation], ...children) {
  return el(
    "div",
    { class: "empty", role: "status" },
    el("div", { class: "emblem" }, icon(sign)),
    el("p", { class: "empty-title" }, title),
    el("p", { class: "empty-text", dir: "auto" }, explanation),
    ...children,
  );
}

/** Return a card without content. */
function skeleton() {
  const bone = (/** @type {string} */ look) => el("div", { class: `bone ${look}` });
  const main = el("div", { class: "main" }, bone("line short"), bone("line"), bone("line long"));
  return el("div", { class: "item skeleton" }, el("div", { class: "card" }, el("div", { class: "tile bone" }), main));
}
