/** The list of messages: a feed of cards, one of which the keys act on. */

import { Card } from "./cards.js";
import { parseComputed } from "./colour.js";
import { el } from "./dom.js";
import { whenPhoneChanges } from "./links.js";

const RETELL = 30_000;
const SCROLLED = 80;
const WHITE = [255, 255, 255];

/** Draws messages into `feed`, which lies in `scroller`. `actions` are the callbacks of a card. */
export class List {
  #scroller;
  #clock;
  #context;
  #cards = new Map();
  #current = null;
  #arrived = new Set();
  #clamped = new Map();
  #watchClamp = new ResizeObserver((entries) => {
    for (const { target } of entries) this.#measure(target);
  });
  #timer = setInterval(() => {
    for (const card of this.#cards.values()) card.tell();
  }, RETELL);
  #ending;

  constructor({ scroller, probe, texts, clock, actions }) {
    this.#scroller = scroller;
    this.#clock = clock;
    const surface = () => parseComputed(getComputedStyle(probe).backgroundColor) ?? WHITE;
    this.#context = { ...actions, texts, clock, query: "", surface, clamp: (text, more) => this.#clamp(text, more) };
    this.feed = el("div", { class: "feed", role: "feed", "aria-labelledby": "title" });
    this.feed.addEventListener("focusin", (event) => this.#focused(event));
    this.#ending = whenPhoneChanges(() => {
      for (const card of this.#cards.values()) card.aim();
    });
  }

  end() {
    this.#ending();
    clearInterval(this.#timer);
    this.#watchClamp.disconnect();
  }

  /** The card that the keys act on. */
  get current() {
    return this.#cards.get(this.#current) ?? null;
  }

  /** Whether the reader has left the top. */
  get isScrolled() {
    return this.#scroller.scrollTop > SCROLLED;
  }

  card(id) {
    return this.#cards.get(id) ?? null;
  }

  /** Let a message slide in when it is drawn for the first time. */
  welcome(id) {
    this.#arrived.add(id);
  }

  /** Begin another list at its top. */
  restart() {
    this.#current = null;
    this.#arrived.clear();
    this.#scroller.scrollTop = 0;
  }

  /** Make all cards anew when they are next drawn: their colours have changed. */
  forget() {
    for (const card of this.#cards.values()) card.element.remove();
    this.#cards = new Map();
  }

  /** Show these messages, of which there are more if `hasMore`, with what was searched for marked. Returns whether the focus was lost. */
  draw(messages, { hasMore, isBusy, query }) {
    const { feed } = this;
    feed.setAttribute("aria-busy", String(isBusy));
    feed.hidden = messages.length === 0;
    const anchor = this.#anchor();
    const hadFocus = this.#hasFocus();
    const focusedAt = hadFocus ? [...this.#cards.keys()].indexOf(this.#current) : -1;
    this.#place(messages, query, hasMore ? -1 : messages.length);
    this.#dropClamped();
    this.#chooseCurrent(focusedAt);
    if (anchor) this.#holdAt(anchor);
    if (!hadFocus || this.#hasFocus()) return false;
    this.current?.element.focus({ preventScroll: true });
    return this.current === null;
  }

  /** Bring the cards into the order of the messages, making and removing as few as possible. */
  #place(messages, query, size) {
    const isOtherQuery = this.#context.query !== query;
    this.#context.query = query;
    const shown = new Map();
    let before = null;
    let day = null;
    for (const [index, message] of messages.entries()) {
      const card = this.#cardFor(message, isOtherQuery);
      shown.set(message.id, card);
      const itsDay = this.#clock.day(message.createdAt);
      card.setDay(itsDay === day ? "" : itsDay);
      day = itsDay;
      card.element.setAttribute("aria-posinset", index + 1);
      card.element.setAttribute("aria-setsize", size);
      const place = before ? before.nextSibling : this.feed.firstChild;
      if (place !== card.element) this.feed.insertBefore(card.element, place);
      before = card.element;
    }
    for (const [id, card] of this.#cards) if (shown.get(id) !== card) card.element.remove();
    this.#cards = shown;
  }

  #cardFor(message, isOtherQuery) {
    const known = this.#cards.get(message.id);
    if (known && !isOtherQuery && known.shows(message)) {
      if (known.message !== message) known.update(message);
      return known;
    }
    const card = new Card(message, this.#context);
    if (this.#arrived.delete(message.id)) {
      card.element.classList.add("arrived");
      card.element.addEventListener("animationend", () => card.element.classList.remove("arrived"), { once: true });
    }
    return card;
  }

  // --- Staying where the reader is ----------------------------------------------------------------------------------

  /** The first card in sight and where it is, so that it can stay there. */
  #anchor() {
    if (!this.isScrolled) return null;
    const { top } = this.#scroller.getBoundingClientRect();
    for (const [id, card] of this.#cards) {
      const box = card.element.getBoundingClientRect();
      if (box.bottom > top) return { id, at: box.top };
    }
    return null;
  }

  #holdAt({ id, at }) {
    const card = this.#cards.get(id);
    if (!card) return;
    const moved = card.element.getBoundingClientRect().top - at;
    if (Math.abs(moved) > 1) this.#scroller.scrollTop += moved;
  }

  // --- The current card ---------------------------------------------------------------------------------------------

  /** Make a card the current one and give it the focus. */
  goTo(id, scroll = true) {
    const card = this.#cards.get(id);
    if (!card) return;
    card.element.focus({ preventScroll: true });
    if (scroll) card.element.scrollIntoView({ block: "nearest", behavior: isCalm() ? "auto" : "smooth" });
  }

  /** Go some cards down (or up, if negative); to the current one if the focus is elsewhere. Returns whether there is any. */
  move(step) {
    const ids = [...this.#cards.keys()];
    if (ids.length === 0) return false;
    const at = Math.max(0, ids.indexOf(this.#current));
    this.goTo(ids[this.#hasFocus() ? Math.max(0, Math.min(ids.length - 1, at + step)) : at]);
    return true;
  }

  /** Go to the newest. */
  toTop() {
    this.#scroller.scrollTo({ top: 0, behavior: isCalm() ? "auto" : "smooth" });
    this.goTo(this.#cards.keys().next().value, false);
  }

  #hasFocus() {
    return this.feed.contains(this.feed.getRootNode().activeElement);
  }

  #focused(event) {
    const id = event.target.closest(".item")?.dataset.id;
    if (!id || id === this.#current) return;
    this.current?.setCurrent(false);
    this.#current = id;
    this.current?.setCurrent(true);
  }

  /** Keep the current card; if it has gone, take the one in its place. `focusedAt` is where the focus was, or -1. */
  #chooseCurrent(focusedAt) {
    const ids = [...this.#cards.keys()];
    if (focusedAt < 0 && !this.isScrolled)
      this.#current = ids[0] ?? null; // the keys begin at the newest
    else if (!this.#cards.has(this.#current))
      this.#current = ids[Math.max(0, Math.min(focusedAt, ids.length - 1))] ?? null;
    for (const [id, card] of this.#cards) card.setCurrent(id === this.#current);
  }

  // --- Long texts ---------------------------------------------------------------------------------------------------

  #clamp(text, more) {
    this.#clamped.set(text, more);
    this.#watchClamp.observe(text);
  }

  #measure(text) {
    const more = this.#clamped.get(text);
    if (!more || text.classList.contains("open") || text.clientHeight === 0) return;
    more.hidden = text.scrollHeight <= text.clientHeight + 2;
  }

  #dropClamped() {
    for (const text of this.#clamped.keys()) {
      if (text.isConnected) continue;
      this.#watchClamp.unobserve(text);
      this.#clamped.delete(text);
    }
  }
}

function isCalm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
