/** The list of messages: a feed of cards. One of them is current: the keys act on it. */

import { Card } from "./card.js";
import { parseComputed } from "./colour.js";
import { el, focusedNear } from "./dom.js";
import { whenPhoneChanges } from "./links.js";

/** @import { CardActions, CardContext } from "./card.js" */
/** @import { Rgb } from "./colour.js" */
/** @import { Message } from "./messages.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Clock } from "./time.js" */

const UPDATE_TIMES = 30_000;
/** Pixels from the top within which the list counts as not scrolled. */
const SCROLLED = 80;
/** @type {Rgb} */
const WHITE = [255, 255, 255];

/** Draws messages into `feed`, which the caller puts into `scroller`. */
export class List {
  #scroller;
  #clock;
  /** @type {CardContext} */
  #context;
  /** @type {Map<string, Card>} The cards by message id, in their order on screen. */
  #cards = new Map();
  /** @type {string | null} */
  #currentId = null;
  /** The ids of messages that slide in when they are drawn for the first time. */
  #arrived = /** @type {Set<string>} */ (new Set());
  #clamps = new Clamps();
  #timer = setInterval(() => {
    for (const card of this.#cards.values()) card.updateTimes();
  }, UPDATE_TIMES);
  #stopWatchingScreen = whenPhoneChanges(() => {
    for (const card of this.#cards.values()) card.updateTargets();
  });

  /**
   * @param {object} options
   * @param {HTMLElement} options.scroller
   * @param {HTMLElement} options.probe An element with the background of the cards.
   * @param {Texts} options.texts
   * @param {Clock} options.clock
   * @param {CardActions} options.actions
   */
  constructor({ scroller, probe, texts, clock, actions }) {
    this.#scroller = scroller;
    this.#clock = clock;
    const surface = () => parseComputed(getComputedStyle(probe).backgroundColor) ?? WHITE;
    const clamp = (/** @type {HTMLElement} */ text, /** @type {HTMLElement} */ more) => this.#clamps.watch(text, more);
    this.#context = { ...actions, texts, clock, query: "", surface, clamp };
    this.feed = el("div", { class: "feed", role: "feed", "aria-labelledby": "title" });
    this.feed.addEventListener("focusin", (event) => this.#followFocus(event));
  }

  stop() {
    this.#stopWatchingScreen();
    clearInterval(this.#timer);
    this.#clamps.stop();
  }

  /** The card that the keys act on. */
  get current() {
    return this.#currentId === null ? null : this.card(this.#currentId);
  }

  /** The index of the current card; -1 without one. */
  get #currentIndex() {
    return this.#currentId === null ? -1 : [...this.#cards.keys()].indexOf(this.#currentId);
  }

  /** Whether the reader has left the top. */
  get isScrolled() {
    return this.#scroller.scrollTop > SCROLLED;
  }

  /** @param {string} id */
  card(id) {
    return this.#cards.get(id) ?? null;
  }

  // --- Drawing ------------------------------------------------------------------------------------------------------

  /**
   * Let a message slide in when it is drawn for the first time.
   *
   * @param {string} id
   */
  slideIn(id) {
    this.#arrived.add(id);
  }

  /** Begin another list at its top. */
  restart() {
    this.#currentId = null;
    this.#arrived.clear();
    this.#scroller.scrollTop = 0;
  }

  /** Remove all cards, so that the next `draw` makes new ones: their colours have changed. */
  clear() {
    for (const card of this.#cards.values()) card.element.remove();
    this.#cards = new Map();
  }

  /**
   * Show messages, with the matches of `query` marked. Returns whether the focus was lost.
   *
   * @param {Message[]} messages
   * @param {{hasMore: boolean, isBusy: boolean, query: string}} options
   */
  draw(messages, { hasMore, isBusy, query }) {
    const { feed } = this;
    feed.setAttribute("aria-busy", String(isBusy));
    feed.hidden = messages.length === 0;
    const anchor = this.#anchor();
    const hadFocus = this.#hasFocus();
    const focusedIndex = hadFocus ? this.#currentIndex : -1;
    this.#placeCards(messages, query, hasMore ? -1 : messages.length);
    this.#clamps.dropRemoved();
    this.#chooseCurrent(focusedIndex);
    if (anchor) this.#scrollBackTo(anchor);
    if (!hadFocus || this.#hasFocus()) return false;
    this.current?.element.focus({ preventScroll: true });
    return this.current === null;
  }

  /**
   * Bring the cards into the order of the messages, making and removing as few as possible.
   *
   * @param {Message[]} messages
   * @param {string} query
   * @param {number} size How many messages there are; -1 if this is not known.
   */
  #placeCards(messages, query, size) {
    const isOtherQuery = this.#context.query !== query;
    this.#context.query = query;
    const cards = new Map();
    /** @type {HTMLElement | null} */
    let previous = null;
    let previousDay = "";
    for (const [index, message] of messages.entries()) {
      const card = this.#cardFor(message, isOtherQuery);
      const { element } = card;
      cards.set(message.id, card);
      const day = this.#clock.day(message.createdAt);
      card.setDay(day === previousDay ? "" : day);
      element.setAttribute("aria-posinset", String(index + 1));
      element.setAttribute("aria-setsize", String(size));
      /** @type {Node | null} */
      const next = previous ? previous.nextSibling : this.feed.firstChild;
      if (next !== element) this.feed.insertBefore(element, next);
      previous = element;
      previousDay = day;
    }
    for (const [id, card] of this.#cards) if (cards.get(id) !== card) card.element.remove();
    this.#cards = cards;
  }

  /**
   * @param {Message} message
   * @param {boolean} isOtherQuery
   */
  #cardFor(message, isOtherQuery) {
    const known = this.#cards.get(message.id);
    if (known && !isOtherQuery && known.canShow(message)) {
      if (known.message !== message) known.update(message);
      return known;
    }
    const card = new Card(message, this.#context);
    if (this.#arrived.delete(message.id)) {
      const { element } = card;
      element.classList.add("arrived");
      element.addEventListener("animationend", () => element.classList.remove("arrived"), { once: true });
    }
    return card;
  }

  // --- Keeping the scroll position ----------------------------------------------------------------------------------

  /** Return the first visible card and its position, so that it can stay there; null at the top of the list. */
  #anchor() {
    if (!this.isScrolled) return null;
    const { top } = this.#scroller.getBoundingClientRect();
    for (const [id, card] of this.#cards) {
      const box = card.element.getBoundingClientRect();
      if (box.bottom > top) return { id, top: box.top };
    }
    return null;
  }

  /** @param {{id: string, top: number}} anchor */
  #scrollBackTo({ id, top }) {
    const card = this.#cards.get(id);
    if (!card) return;
    const distance = card.element.getBoundingClientRect().top - top;
    if (Math.abs(distance) > 1) this.#scroller.scrollTop += distance;
  }

  // --- The current card ---------------------------------------------------------------------------------------------

  /**
   * Make a card current and focus it.
   *
   * @param {string | undefined} id
   * @param {boolean} [scroll]
   */
  goTo(id, scroll = true) {
    const card = id === undefined ? null : this.card(id);
    if (!card) return;
    card.element.focus({ preventScroll: true });
    if (scroll) card.element.scrollIntoView({ block: "nearest", behavior: scrollBehavior() });
  }

  /**
   * Focus the card that is `step` cards below the current one (above, if negative); the current one if the focus is
   * outside the list. Returns whether there is any card.
   *
   * @param {number} step
   */
  move(step) {
    const ids = [...this.#cards.keys()];
    if (ids.length === 0) return false;
    const index = clip(this.#currentIndex, ids.length);
    this.goTo(ids[this.#hasFocus() ? clip(index + step, ids.length) : index]);
    return true;
  }

  /** Scroll to the newest message and focus it. */
  toTop() {
    this.#scroller.scrollTo({ top: 0, behavior: scrollBehavior() });
    this.goTo(this.#cards.keys().next().value, false);
  }

  #hasFocus() {
    return this.feed.contains(focusedNear(this.feed));
  }

  /** @param {FocusEvent} event */
  #followFocus(event) {
    const item = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".item"));
    const id = item?.dataset.id;
    if (!id || id === this.#currentId) return;
    this.current?.setCurrent(false);
    this.#currentId = id;
    this.current?.setCurrent(true);
  }

  /**
   * Keep the current card; if it has gone, take the one in its place.
   *
   * @param {number} focusedIndex Where the card with the focus was; -1 if the focus was outside the list.
   */
  #chooseCurrent(focusedIndex) {
    const ids = [...this.#cards.keys()];
    if (focusedIndex < 0 && !this.isScrolled)
      this.#currentId = ids[0] ?? null; // the keys begin at the newest
    else if (!this.current) this.#currentId = ids[clip(focusedIndex, ids.length)] ?? null;
    for (const [id, card] of this.#cards) card.setCurrent(id === this.#currentId);
  }
}

/** Shows a button for each text that is longer than its place. */
class Clamps {
  /** @type {Map<Element, HTMLElement>} The buttons by their texts. */
  #buttons = new Map();
  #observer = new ResizeObserver((entries) => {
    for (const { target } of entries) this.#measure(target);
  });

  /**
   * @param {HTMLElement} text
   * @param {HTMLElement} more
   */
  watch(text, more) {
    this.#buttons.set(text, more);
    this.#observer.observe(text);
  }

  /** @param {Element} text */
  #measure(text) {
    const more = this.#buttons.get(text);
    if (!more || text.classList.contains("open") || text.clientHeight === 0) return;
    more.hidden = text.scrollHeight <= text.clientHeight + 2;
  }

  /** Stop watching the texts that have left the page. */
  dropRemoved() {
    for (const text of this.#buttons.keys()) {
      if (text.isConnected) continue;
      this.#observer.unobserve(text);
      this.#buttons.delete(text);
    }
  }

  stop() {
    this.#observer.disconnect();
  }
}

/**
 * Return the nearest valid index into a list; 0 if it is empty.
 *
 * @param {number} index
 * @param {number} length
 */
function clip(index, length) {
  return Math.max(0, Math.min(index, length - 1));
}

/** @returns {ScrollBehavior} */
function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
