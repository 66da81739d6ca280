/** What stands in place of messages, above them and below them: empty, loading, failed, offline. */

import { skeleton } from "./cards.js";
import { el, icon } from "./dom.js";

const PATIENCE = 4_000;
const BONES = 6;
const LONG_LIST = 8;

/** Draws the states of a store and its stream. */
export class States {
  #store;
  #stream;
  #texts;
  #connectingSince = 0;
  #timer = 0;

  /** "none" (no token), "expired" or null. */
  trouble = null;

  constructor(store, stream, texts) {
    this.#store = store;
    this.#stream = stream;
    this.#texts = texts;
    this.notice = el("div", { class: "notice", role: "status" });
    this.place = el("div", { class: "state" });
    this.foot = el("div", { class: "foot" });
  }

  end() {
    clearTimeout(this.#timer);
  }

  draw() {
    this.#drawNotice();
    this.#drawPlace();
    this.#drawFoot();
  }

  /** Above the list: that the connection is lost. One that comes back soon is not worth a word. */
  #drawNotice() {
    const { state } = this.#stream;
    clearTimeout(this.#timer);
    if (state !== "connecting") this.#connectingSince = 0;
    else this.#connectingSince ||= Date.now();
    const waited = Date.now() - this.#connectingSince;
    const isSlow = state === "connecting" && waited >= PATIENCE;
    if (state === "connecting" && !isSlow) this.#timer = setTimeout(() => this.#drawNotice(), PATIENCE - waited + 50);
    let kind = state === "offline" ? "offline" : isSlow ? "reconnecting" : "";
    if (this.trouble || this.#store.state === "failed") kind = "";
    if (isDrawn(this.notice, kind)) return;
    const sign = kind === "offline" ? icon("offline") : el("span", { class: "spinner" });
    this.notice.replaceChildren(...(kind ? [sign, el("span", {}, this.#texts[kind])] : []));
  }

  /** In place of the list. */
  #drawPlace() {
    const kind = this.#placeKind();
    const { place } = this;
    if (isDrawn(place, kind)) return;
    const texts = this.#texts;
    const { q } = this.#store.view;
    if (kind === "") place.replaceChildren();
    else if (kind === "loading") place.replaceChildren(...this.#bones());
    else if (kind === "failed" || kind === "busy")
      place.replaceChildren(
        emptiness(
          "warning",
          texts[kind],
          this.#retry("button", () => this.#store.load()),
        ),
      );
    else if (kind === "none") place.replaceChildren(emptiness("person", texts.noToken));
    else if (kind === "expired") place.replaceChildren(emptiness("todo", texts.expired));
    else if (q) place.replaceChildren(emptiness("search", texts.emptySearch(q)));
    else if (kind === "unread") place.replaceChildren(emptiness("checks", texts.emptyUnread));
    else if (kind === "todo") place.replaceChildren(emptiness("oa", texts.emptyTodo));
    else if (kind === "archived") place.replaceChildren(emptiness("archive", texts.emptyArchived));
    else place.replaceChildren(emptiness("inbox", texts.emptyAll));
  }

  #placeKind() {
    const { state, error, view, messages, hasMore } = this.#store;
    if (this.trouble) return this.trouble;
    if (state === "loading") return "loading";
    if (state === "failed") return error.needsToken ? "expired" : error.status >= 429 ? "busy" : "failed";
    if (messages.length > 0 || hasMore) return "";
    return view.q ? `search ${view.q}` : view.filter;
  }

  /** Below the list. */
  #drawFoot() {
    const kind = this.#footKind();
    const { foot } = this;
    if (isDrawn(foot, kind)) return;
    const texts = this.#texts;
    if (kind === "") foot.replaceChildren();
    else if (kind === "end") foot.replaceChildren(el("span", {}, texts.end));
    else if (kind === "failed")
      foot.replaceChildren(
        el("span", {}, texts.failedMore),
        this.#retry("text-button", () => this.#store.loadMore()),
      );
    else foot.replaceChildren(el("span", { class: "spinner" }), el("span", {}, texts[kind]));
  }

  #footKind() {
    const { state, more, hasMore, view, messages } = this.#store;
    if (this.trouble || state !== "shown") return "";
    if (more === "failed") return "failed";
    if (hasMore) return view.q ? "searching" : "loading";
    return messages.length > LONG_LIST ? "end" : "";
  }

  #retry(look, run) {
    return el("button", { type: "button", class: look, on: { click: run } }, this.#texts.retry);
  }

  #bones() {
    const bones = Array.from({ length: BONES }, skeleton);
    return [
      el("span", { class: "unseen", role: "status" }, this.#texts.loading),
      el("div", { class: "bones", "aria-hidden": "true" }, ...bones),
    ];
  }
}

/** Tell whether the element shows this kind of thing already, and note that it does from now on. */
function isDrawn(element, kind) {
  if (element.dataset.kind === kind) return true;
  element.dataset.kind = kind;
  return false;
}

function emptiness(sign, [title, told], ...children) {
  return el(
    "div",
    { class: "empty", role: "status" },
    el("div", { class: "emblem" }, icon(sign)),
    el("p", { class: "empty-title" }, title),
    el("p", { class: "empty-text", dir: "auto" }, told),
    ...children,
  );
}
