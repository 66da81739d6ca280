/** Tells of messages that arrive: with a button that leads to the top of the list, and to screen readers. */

import { el, icon } from "./dom.js";
import { headline, sourceOf } from "./messages.js";

/** @import { Message } from "./messages.js" */
/** @import { Texts } from "./texts.js" */

/** Messages that arrive within this time (ms) are announced together. */
const ANNOUNCE_TOGETHER = 800;

export class NewMessages {
  #texts;
  #pill;
  #live;
  #aboveCount = 0;
  /** @type {Message[]} */
  #toAnnounce = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {Texts} options.texts
   * @param {HTMLElement} options.pill The button above the list.
   * @param {HTMLElement} options.live An element that screen readers announce.
   */
  constructor({ texts, pill, live }) {
    this.#texts = texts;
    this.#pill = pill;
    this.#live = live;
  }

  /**
   * @param {Message} message
   * @param {{isAbove: boolean, isSilent: boolean}} options Whether it is listed above the visible part of the list, and
   *   whether the user has muted its app.
   */
  add(message, { isAbove, isSilent }) {
    if (isSilent) return;
    if (isAbove) this.#aboveCount += 1;
    this.#drawPill();
    this.#toAnnounce.push(message);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#announce(), ANNOUNCE_TOGETHER);
  }

  /** Hide the button: the reader is at the top. */
  reachTop() {
    if (this.#aboveCount === 0) return;
    this.#aboveCount = 0;
    this.#drawPill();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #drawPill() {
    this.#pill.hidden = this.#aboveCount === 0;
    if (this.#aboveCount === 0) return;
    this.#pill.replaceChildren(icon("up"), el("span", {}, this.#texts.newMessages(this.#aboveCount)));
  }

  #announce() {
    const [first, ...others] = this.#toAnnounce;
    this.#toAnnounce = [];
    const text = others.length
      ? this.#texts.newMessages(others.length + 1)
      : this.#texts.arrived(sourceOf(first), headline(first));
    this.#live.replaceChildren(el("p", {}, text));
  }
}
