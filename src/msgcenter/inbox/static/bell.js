/** The bell: a button with the number of unread messages, and the popover that it opens. */

import { el, focusedNear, icon, short } from "./dom.js";
import { onPhone } from "./links.js";
import { place } from "./menu.js";

/** @import { Texts } from "./texts.js" */

/**
 * @typedef {object} BellOptions
 * @property {Texts} texts
 * @property {HTMLElement} popover What the bell opens.
 * @property {HTMLElement} host The element on the page that contains bell and popover in its shadow tree.
 * @property {() => void} onOpen
 */

const FOCUSABLE = "button, a[href], input, [tabindex='0']";

export class Bell {
  #texts;
  #badge = el("span", { class: "bell-badge", hidden: true });
  #popover;
  #host;
  #onOpen;
  /** @type {AbortController | null} Aborted when the popover closes. */
  #opening = null;

  /** @param {BellOptions} options */
  constructor({ texts, popover, host, onOpen }) {
    this.#texts = texts;
    this.#popover = popover;
    this.#host = host;
    this.#onOpen = onOpen;
    const attributes = { type: "button", class: "bell", "aria-haspopup": "dialog", "aria-expanded": "false" };
    this.element = el("button", { ...attributes, "aria-label": texts.bell(0) }, icon("bell"), this.#badge);
    this.element.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    popover.setAttribute("role", "dialog");
    popover.setAttribute("popover", "manual");
    popover.hidden = true;
  }

  get isOpen() {
    return this.#opening !== null;
  }

  /** @param {number} unread */
  showCount(unread) {
    this.#badge.textContent = short(unread);
    this.#badge.hidden = unread === 0;
    this.element.setAttribute("aria-label", this.#texts.bell(unread));
  }

  ring() {
    this.element.classList.remove("ringing");
    requestAnimationFrame(() => this.element.classList.add("ringing"));
  }

  // --- The popover --------------------------------------------------------------------------------------------------

  open() {
    if (this.#opening) return;
    const popover = this.#popover;
    popover.hidden = false;
    popover.setAttribute("aria-modal", String(onPhone()));
    popover.showPopover?.();
    this.element.setAttribute("aria-expanded", "true");
    this.#opening = new AbortController();
    this.#listen(this.#opening.signal);
    popover.focus({ preventScroll: true });
    this.#onOpen();
  }

  /**
   * Close the popover. Returns whether it was open.
   *
   * @param {boolean} [focus] Whether to focus the bell.
   */
  close(focus = true) {
    if (!this.#opening) return false;
    this.#opening.abort();
    this.#opening = null;
    this.#popover.hidePopover?.();
    this.#popover.hidden = true;
    this.element.setAttribute("aria-expanded", "false");
    if (focus) this.element.focus();
    return true;
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const popover = this.#popover;
    const placeIt = () => place(popover, this.element.getBoundingClientRect());
    placeIt();
    addEventListener("resize", placeIt, { signal });
    // Scrolling inside the inbox has the host as its target: the bell stays where it is.
    const placeUnlessInside = (/** @type {Event} */ event) => event.target !== this.#host && placeIt();
    addEventListener("scroll", placeUnlessInside, { signal, capture: true, passive: true });
    const closeUnlessInside = (/** @type {Event} */ event) => {
      if (!event.composedPath().includes(this.#host)) this.close(false);
    };
    document.addEventListener("pointerdown", closeUnlessInside, { signal, capture: true });
    popover.addEventListener("focusout", (event) => this.#closeIfFocusLeft(event), { signal });
    popover.addEventListener("keydown", (event) => this.#trapFocus(event), { signal });
  }

  /**
   * Close when the focus moves to another part of the page. It stays open when the focus is lost, or the window loses it.
   *
   * @param {FocusEvent} event
   */
  #closeIfFocusLeft({ relatedTarget }) {
    if (!(relatedTarget instanceof Node) || relatedTarget === this.#host) return;
    if (!this.#popover.getRootNode().contains(relatedTarget)) this.close(false);
  }

  /**
   * On a phone the popover covers the page: the Tab key moves the focus inside it.
   *
   * @param {KeyboardEvent} event
   */
  #trapFocus(event) {
    if (event.key !== "Tab" || !onPhone()) return;
    const stops = tabStopsOf(this.#popover);
    const [edge, target] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    const focused = focusedNear(this.#popover);
    if (focused !== edge && focused !== this.#popover) return;
    event.preventDefault();
    target?.focus();
  }
}

/**
 * Return the elements that the Tab key reaches, in their order.
 *
 * @param {HTMLElement} root
 * @returns {HTMLElement[]}
 */
function tabStopsOf(root) {
  const candidates = /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll(FOCUSABLE));
  return [...candidates].filter((stop) => stop.tabIndex >= 0 && !stop.disabled && stop.offsetParent !== null);
}
