/** The views to choose from: tabs, the archive, and the apps that send messages. */

import { hueOf } from "./colour.js";
import { el, focusedNear, hasModifier, icon, iconButton, short } from "./dom.js";
import { FOLDERS } from "./folders.js";

/** @import { View } from "./api.js" */
/** @import { Child, IconName } from "./dom.js" */
/** @import { App, AppCount, Counts, Message } from "./messages.js" */
/** @import { Texts } from "./texts.js" */

/** @typedef {"all" | "unread" | "todo"} TabName */

/** @type {{name: TabName, icon: IconName}[]} */
const TABS = [
  { name: "all", icon: "inbox" },
  { name: "unread", icon: "mail" },
  { name: "todo", icon: "todo" },
];

/** @typedef {{name: TabName, button: HTMLButtonElement, count: HTMLElement}} Tab */

export class Rail {
  #texts;
  #show;
  #setMuted;
  #tabs;
  #folders;
  #sources;
  #drawnSources = "";
  #drawnChip = "";

  /** @type {AppCount[]} The apps of all messages and counts so far, by name. */
  apps = [];

  /**
   * @param {Texts} texts
   * @param {object} options
   * @param {(view: Partial<View>) => void} options.show Called with the view that the user chooses.
   * @param {(app: App, muted: boolean) => void} options.setMuted
   * @param {string} options.tabPanel The id of the element that the tabs control.
   */
  constructor(texts, { show, setMuted, tabPanel }) {
    this.#texts = texts;
    this.#show = show;
    this.#setMuted = setMuted;
    this.#tabs = TABS.map((tab) => this.#tab(tab, tabPanel));
    const tabList = el(
      "div",
      { class: "tabs", role: "tablist", "aria-label": texts.views },
      ...this.#tabs.map(({ button }) => button),
    );
    tabList.addEventListener("keydown", (event) => this.#handleKey(event));
    this.#folders = FOLDERS.map(({ filter, icon: sign }) => {
      const label = el("span", { class: "side-name" }, texts[filter]);
      return { filter, button: sideButton(() => show({ filter }), icon(sign), label) };
    });
    this.#sources = el("div", { class: "sources", role: "group", "aria-label": texts.sources });
    const folders = this.#folders.map(({ button }) => button);
    this.element = el("div", { class: "rail" }, tabList, el("div", { class: "side" }, ...folders, this.#sources));
    /** The chosen app, drawn above the list. */
    this.chip = el("div", { class: "chips", hidden: true });
  }

  /** @param {{view: View, counts: Counts | null, messages: Message[]}} state */
  draw({ view, counts, messages }) {
    const { filter, app } = view;
    const isFolder = this.#folders.some((folder) => folder.filter === filter);
    for (const { name, button, count } of this.#tabs) {
      button.setAttribute("aria-selected", String(name === filter));
      button.tabIndex = name === filter || (isFolder && name === "all") ? 0 : -1;
      const number = name === "all" ? 0 : (counts?.[name] ?? 0);
      count.textContent = number ? short(number) : "";
    }
    for (const folder of this.#folders) folder.button.setAttribute("aria-pressed", String(folder.filter === filter));
    this.#collectApps(messages, counts);
    this.#drawSources(app);
    this.#drawChip(app);
  }

  // --- Tabs ---------------------------------------------------------------------------------------------------------

  /**
   * @param {{name: TabName, icon: IconName}} tab
   * @param {string} tabPanel
   * @returns {Tab}
   */
  #tab({ name, icon: sign }, tabPanel) {
    const count = el("span", { class: "tab-count" });
    const attributes = { type: "button", role: "tab", id: `tab-${name}`, class: "tab", "aria-controls": tabPanel };
    const label = el("span", { class: "tab-name" }, this.#texts[name]);
    const button = el("button", { ...attributes, "data-view": name }, icon(sign), label, count);
    button.addEventListener("click", () => this.#show({ filter: name }));
    return { name, button, count };
  }

  /** @param {KeyboardEvent} event */
  #handleKey(event) {
    const index = this.#tabs.findIndex(({ button }) => button.contains(/** @type {Node} */ (event.target)));
    const next = this.#tabAfter(event.key, index);
    if (!next || hasModifier(event)) return;
    event.preventDefault();
    event.stopPropagation();
    next.button.focus();
    this.#show({ filter: next.name });
  }

  /**
   * @param {string} key
   * @param {number} index
   */
  #tabAfter(key, index) {
    if (key === "ArrowRight" || key === "ArrowDown") return this.#tabs[(index + 1) % this.#tabs.length];
    if (key === "ArrowLeft" || key === "ArrowUp") return this.#tabs.at(index - 1);
    if (key === "Home") return this.#tabs[0];
    return key === "End" ? this.#tabs.at(-1) : null;
  }

  // --- Apps ---------------------------------------------------------------------------------------------------------

  /**
   * @param {Message[]} messages
   * @param {Counts | null} counts
   */
  #collectApps(messages, counts) {
    // The counts have every app that is muted or has unread messages.
    const apps = new Map(this.apps.map((app) => [app.id, { ...app, unread: 0, muted: false }]));
    for (const { app } of messages) if (!apps.has(app.id)) apps.set(app.id, { ...app, unread: 0, muted: false });
    for (const app of counts?.apps ?? []) apps.set(app.id, app);
    this.apps = [...apps.values()].sort((left, right) => left.name.localeCompare(right.name));
  }

  /** @param {string} chosen */
  #drawSources(chosen) {
    const sources = this.#sources;
    const drawing = JSON.stringify([this.apps, chosen]);
    if (this.#drawnSources === drawing) return;
    this.#drawnSources = drawing;
    const focusedIndex = [...sources.children].indexOf(/** @type {Element} */ (focusedNear(sources)));
    sources.replaceChildren();
    if (this.apps.length > 1 || this.apps.some(({ muted }) => muted)) {
      const title = el("p", { class: "side-title", "aria-hidden": "true" }, this.#texts.sources);
      sources.append(title, ...this.apps.map((app) => this.#source(app, chosen)));
    }
    /** @type {HTMLElement | undefined} */ (sources.children[focusedIndex])?.focus();
  }

  /**
   * @param {AppCount} app
   * @param {string} chosen
   */
  #source({ id, name, unread, muted }, chosen) {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--hue", String(hueOf(id)));
    const sign = muted
      ? el("span", { class: "muted", role: "img", "aria-label": this.#texts.muted }, icon("mute"))
      : null;
    const count = unread ? el("span", { class: "tab-count" }, short(unread)) : null;
    const isChosen = id === chosen;
    const label = el("span", { class: "side-name", dir: "auto" }, name);
    const button = sideButton(() => this.#show({ app: isChosen ? "" : id }), swatch, label, sign, count);
    button.classList.toggle("is-muted", muted);
    button.setAttribute("aria-pressed", String(isChosen));
    return button;
  }

  /** @param {string} chosen */
  #drawChip(chosen) {
    const { chip } = this;
    const app = this.apps.find(({ id }) => id === chosen);
    chip.hidden = !app;
    const drawing = app ? JSON.stringify([app.id, app.name, app.muted]) : "";
    if (!app || this.#drawnChip === drawing) return;
    this.#drawnChip = drawing;
    const { texts, hadFocus } = { texts: this.#texts, hadFocus: focusedNear(chip) === chip.lastElementChild };
    const attributes = { type: "button", class: "chip", "aria-label": `${app.name}, ${texts.allSources}` };
    const all = el("button", attributes, el("span", { dir: "auto" }, app.name), icon("close"));
    all.addEventListener("click", () => this.#show({ app: "" }));
    const label = app.muted ? texts.unmute(app.name) : texts.mute(app.name);
    const mute = iconButton(app.muted ? "bell" : "mute", label, () => this.#setMuted(app, !app.muted));
    chip.replaceChildren(all, mute);
    if (hadFocus) mute.focus();
  }
}

/**
 * @param {() => void} onClick
 * @param {...Child} children
 */
function sideButton(onClick, ...children) {
  return el("button", { type: "button", class: "side-button", on: { click: onClick } }, ...children);
}
