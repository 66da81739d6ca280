/** Menus that open from a button. */

import { el, focusedNear, icon } from "./dom.js";

/** @import { IconName } from "./dom.js" */

/**
 * @typedef {object} MenuItem
 * @property {IconName} icon
 * @property {string} label
 * @property {string} [detail] Shown at the end.
 * @property {() => unknown} run
 * @property {boolean} [checked] Given for one choice out of several.
 * @property {boolean} [disabled]
 */

const GAP = 6;
/** The page may scroll so many pixels before the menu closes: the scrolling may have begun before it opened. */
const SCROLL_TOLERANCE = 24;

/**
 * @typedef {object} OpenMenu
 * @property {HTMLElement} element
 * @property {HTMLElement} opener
 * @property {AbortController} closing
 */

/** Shows one menu at a time in `root`, which lies in a shadow tree. */
export class Menus {
  #root;
  /** @type {OpenMenu | null} */
  #open = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  get isOpen() {
    return this.#open !== null;
  }

  /**
   * Open the menu of the button `opener`, or close it if it is open.
   *
   * @param {HTMLElement} opener
   * @param {string} label
   * @param {(MenuItem | null)[]} items Null is a separator.
   */
  toggle(opener, label, items) {
    const wasOpen = this.#open?.opener === opener;
    this.close(false);
    if (!wasOpen) this.#show(opener, label, items);
  }

  /**
   * Close the menu.
   *
   * @param {boolean} [focus] Whether to return the focus to the button.
   */
  close(focus = true) {
    if (!this.#open) return;
    const { element, opener, closing } = this.#open;
    this.#open = null;
    closing.abort();
    opener.setAttribute("aria-expanded", "false");
    element.remove();
    if (focus && opener.isConnected) opener.focus();
  }

  /**
   * @param {HTMLElement} opener
   * @param {string} label
   * @param {(MenuItem | null)[]} items
   */
  #show(opener, label, items) {
    const attributes = { class: "menu", role: "menu", "aria-label": label, popover: "manual" };
    const element = el("div", attributes, ...items.map((item) => this.#entry(item)));
    const closing = new AbortController();
    this.#open = { element, opener, closing };
    opener.setAttribute("aria-expanded", "true");
    this.#root.append(element);
    element.showPopover?.();
    place(element, opener.getBoundingClientRect());
    element.addEventListener("keydown", (event) => this.#handleKey(event), { signal: closing.signal });
    this.#closeFromOutside(this.#open);
    entriesOf(element)[0]?.focus();
  }

  /** @param {OpenMenu} menu */
  #closeFromOutside({ element, opener, closing: { signal } }) {
    const capture = { signal, capture: true };
    // The target of the event is the host of the shadow tree; its path has the nodes inside.
    const closeUnlessInside = (/** @type {Event} */ event) => {
      if (!event.composedPath().some((node) => node === element || node === opener)) this.close(false);
    };
    document.addEventListener("pointerdown", closeUnlessInside, capture);
    const { top } = opener.getBoundingClientRect();
    const closeIfScrolled = () => {
      if (Math.abs(opener.getBoundingClientRect().top - top) > SCROLL_TOLERANCE) this.close(false);
    };
    // Scroll events of the shadow tree do not reach the window.
    for (const target of [window, this.#root.getRootNode()])
      target.addEventListener("scroll", closeIfScrolled, capture);
    addEventListener("resize", () => this.close(false), { signal });
  }

  /** @param {MenuItem | null} item */
  #entry(item) {
    if (item === null) return el("div", { class: "rule", role: "separator" });
    const { checked, disabled, label, detail, run } = item;
    const choice =
      checked === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": String(checked) };
    const entry = el(
      "button",
      { type: "button", tabindex: "-1", disabled, ...choice },
      icon(item.icon),
      el("span", { dir: "auto" }, label),
      detail ? el("small", {}, detail) : null,
      checked ? icon("check") : null,
    );
    entry.addEventListener("click", () => {
      this.close();
      run();
    });
    return entry;
  }

  /** @param {KeyboardEvent} event */
  #handleKey(event) {
    if (!this.#open) return;
    const entries = entriesOf(this.#open.element);
    const next = indexAfter(
      event.key,
      entries.indexOf(/** @type {HTMLButtonElement} */ (focusedNear(this.#root))),
      entries.length,
    );
    if (event.key === "Enter" || event.key === " ") {
      event.stopPropagation(); // the browser turns it into a click
      return;
    }
    if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (next !== null) entries[next]?.focus();
    else return;
    event.stopPropagation();
    event.preventDefault();
  }
}

/**
 * @param {HTMLElement} menu
 * @returns {HTMLButtonElement[]}
 */
function entriesOf(menu) {
  return [...menu.querySelectorAll("button")].filter((entry) => !entry.disabled);
}

/**
 * @param {string} key
 * @param {number} index
 * @param {number} length
 */
function indexAfter(key, index, length) {
  if (key === "ArrowDown") return (index + 1) % length;
  if (key === "ArrowUp") return (index - 1 + length) % length;
  if (key === "Home") return 0;
  return key === "End" ? length - 1 : null;
}

/**
 * Place a floating element next to a rectangle and inside the window: below if there is room, aligned at their ends.
 *
 * @param {HTMLElement} floating
 * @param {DOMRect} anchor
 */
export function place(floating, anchor) {
  const { offsetWidth: width, offsetHeight: height } = floating;
  const isBelow = anchor.bottom + GAP + height <= innerHeight - GAP || anchor.top < height + 2 * GAP;
  const top = isBelow ? anchor.bottom + GAP : anchor.top - GAP - height;
  const left = anchor.right - width >= GAP ? anchor.right - width : anchor.left;
  floating.style.setProperty("top", `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`);
  floating.style.setProperty("left", `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`);
  floating.dataset.side = isBelow ? "below" : "above";
}
