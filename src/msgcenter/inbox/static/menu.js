/** Menus that open from a button. */

import { el, icon } from "./dom.js";

const GAP = 6;
const FAR = 24;

/** Shows one menu at a time; `root` is where it is drawn. */
export class Menus {
  #root;
  #menu = null;
  #opener = null;
  #ending = null;

  constructor(root) {
    this.#root = root;
  }

  get isOpen() {
    return this.#menu !== null;
  }

  /** Open the menu of `opener`, or close it. `items`: {icon, label, run, checked?, disabled?}, or null for a line between. */
  toggle(opener, label, items) {
    const wasOpen = this.#opener === opener;
    this.close(false);
    if (!wasOpen) this.#open(opener, label, items);
  }

  /** Close the menu; `focus` tells whether the focus goes back to its button. */
  close(focus = true) {
    if (!this.#menu) return;
    const [menu, opener] = [this.#menu, this.#opener];
    this.#menu = null;
    this.#opener = null;
    this.#ending.abort();
    opener.setAttribute("aria-expanded", "false");
    menu.remove();
    if (focus && opener.isConnected) opener.focus();
  }

  #open(opener, label, items) {
    const menu = el(
      "div",
      { class: "menu", role: "menu", "aria-label": label, popover: "manual" },
      ...items.map((item) => this.#item(item)),
    );
    this.#menu = menu;
    this.#opener = opener;
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    opener.setAttribute("aria-expanded", "true");
    this.#root.append(menu);
    menu.showPopover?.();
    place(menu, opener.getBoundingClientRect());
    menu.addEventListener("keydown", (event) => this.#keyed(event), { signal });
    // The path tells where in the shadow tree a click was; its target does not.
    const outside = (event) =>
      !event.composedPath().some((node) => node === menu || node === opener) && this.close(false);
    document.addEventListener("pointerdown", outside, { signal, capture: true });
    // Scrolling inside the shadow tree is not heard outside of it. A little of it may still be under way from before.
    const { top } = opener.getBoundingClientRect();
    const leave = () => Math.abs(opener.getBoundingClientRect().top - top) > FAR && this.close(false);
    for (const where of [window, this.#root.getRootNode()])
      where.addEventListener("scroll", leave, { signal, capture: true });
    addEventListener("resize", () => this.close(false), { signal });
    this.#entries()[0]?.focus();
  }

  #item(item) {
    if (item === null) return el("div", { class: "rule", role: "separator" });
    const role = item.checked === undefined ? "menuitem" : "menuitemradio";
    const entry = el(
      "button",
      {
        type: "button",
        role,
        tabindex: "-1",
        disabled: item.disabled,
        "aria-checked": item.checked === undefined ? null : String(item.checked),
      },
      icon(item.icon),
      el("span", { dir: "auto" }, item.label),
      item.checked ? icon("check") : null,
    );
    entry.addEventListener("click", () => {
      this.close();
      item.run();
    });
    return entry;
  }

  #keyed(event) {
    const entries = this.#entries();
    const at = entries.indexOf(this.#root.getRootNode().activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 };
    if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (event.key in moves) entries[(moves[event.key] + entries.length) % entries.length]?.focus();
    else if (event.key !== "Enter" && event.key !== " ") return;
    else return event.stopPropagation(); // the browser turns it into a click
    event.preventDefault();
    event.stopPropagation();
  }

  #entries() {
    return [...this.#menu.querySelectorAll("button:not(:disabled)")];
  }
}

/** Put a floating element beside a rectangle, inside the window: below it if there is room, its ends aligned. */
export function place(floating, beside) {
  const { offsetWidth: width, offsetHeight: height } = floating;
  const below = beside.bottom + GAP + height <= innerHeight - GAP || beside.top < height + 2 * GAP;
  const top = below ? beside.bottom + GAP : beside.top - GAP - height;
  const left = beside.right - width >= GAP ? beside.right - width : beside.left;
  floating.style.setProperty("top", `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`);
  floating.style.setProperty("left", `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`);
  floating.dataset.side = below ? "below" : "above";
}
