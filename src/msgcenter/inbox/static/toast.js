/** The short notes at the bottom. One of them may offer to undo what the user did last. */

import { el } from "./dom.js";

/** @typedef {{label: string, run: () => unknown}} ToastAction */

const DURATION = 8_000;

/**
 * Shows at most two notes in `place`, an element with role "status": the latest one, and the latest one with an undo.
 * What happens meanwhile does not take the undo away.
 */
export class Toast {
  #place;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {HTMLElement | null} */
  #note = null;
  /** @type {(() => unknown) | null} */
  #undo = null;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    for (const event of ["pointerenter", "focusin"]) place.addEventListener(event, () => clearTimeout(this.#timer));
    for (const event of ["pointerleave", "focusout"]) place.addEventListener(event, () => this.#hideLater());
  }

  /**
   * Show a note in place of the one before. An undo on offer stays.
   *
   * @param {string} text
   * @param {ToastAction | null} [action]
   */
  show(text, action = null) {
    this.#note?.remove();
    this.#note = note(text, action, () => {
      this.#note?.remove();
      action?.run();
    });
    this.#place.prepend(this.#note);
    this.#hideLater();
  }

  /**
   * Offer to undo something, in place of all other notes.
   *
   * @param {string} text
   * @param {ToastAction} action
   */
  offerUndo(text, action) {
    this.hide();
    this.#undo = action.run;
    this.#place.append(note(text, action, () => this.undo()));
    this.#hideLater();
  }

  /** Undo what a note offers to undo. Returns whether one did. */
  undo() {
    const undo = this.#undo;
    this.hide();
    undo?.();
    return undo !== null;
  }

  hide() {
    clearTimeout(this.#timer);
    this.#note = null;
    this.#undo = null;
    this.#place.replaceChildren();
  }

  #hideLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), DURATION);
  }
}

/**
 * @param {string} text
 * @param {ToastAction | null} action
 * @param {() => void} click
 */
function note(text, action, click) {
  const button = action && el("button", { type: "button", on: { click } }, action.label);
  return el("div", { class: "toast" }, el("span", {}, text), button);
}
