/** The short note at the bottom, which may offer an action such as "Undo". */

import { el } from "./dom.js";

/** @typedef {{label: string, run: () => unknown}} ToastAction */

const DURATION = 8_000;

/** Shows one note at a time in `place`, an element with role "status". */
export class Toast {
  #place;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(() => unknown) | null} */
  #run = null;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    for (const event of ["pointerenter", "focusin"]) place.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) place.addEventListener(event, () => this.#hideLater());
  }

  /**
   * @param {string} text
   * @param {ToastAction | null} [action]
   */
  show(text, action = null) {
    this.#run = action?.run ?? null;
    const button = action && el("button", { type: "button", on: { click: () => this.act() } }, action.label);
    this.#place.replaceChildren(el("div", { class: "toast" }, el("span", {}, text), button));
    this.#hideLater();
  }

  /** Run the action of the note. Returns whether it had one. */
  act() {
    const run = this.#run;
    this.hide();
    run?.();
    return run !== null;
  }

  hide() {
    clearTimeout(this.#timer);
    this.#run = null;
    this.#place.replaceChildren();
  }

  #hideLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), DURATION);
  }
}
