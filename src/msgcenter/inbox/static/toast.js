/** The short note at the bottom, with a way back. */

import { el } from "./dom.js";

const STAYS = 8_000;

/** Shows one note at a time in `place`, an element with role "status". */
export class Toast {
  #place;
  #timer = 0;
  #undo = null;

  constructor(place) {
    this.#place = place;
    for (const event of ["pointerenter", "focusin"]) place.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) place.addEventListener(event, () => this.#wait());
  }

  /** Say `text`; with `action` {label, run}, offer it. */
  say(text, action = null) {
    this.#undo = action?.run ?? null;
    const button = action && el("button", { type: "button", on: { click: () => this.act() } }, action.label);
    this.#place.replaceChildren(el("div", { class: "toast" }, el("span", {}, text), button));
    this.#wait();
  }

  /** Do what the note offers. Returns whether it offered anything. */
  act() {
    const undo = this.#undo;
    this.hide();
    undo?.();
    return undo !== null;
  }

  hide() {
    clearTimeout(this.#timer);
    this.#undo = null;
    this.#place.replaceChildren();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), STAYS);
  }
}
