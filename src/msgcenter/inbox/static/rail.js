/** The views to choose from: tabs, the archive, and the apps that send messages. */

import { hueOf } from "./colour.js";
import { el, focusedNear, hasModifier, icon, short } from "./dom.js";

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
  #tabs;
  #archived;
  #sources;
  #drawnSources = "";

  /** @type {AppCount[]} The apps of all messages and counts so far, by name. */
  apps = [];

  /**
   * @param {Texts} texts
   * @param {(view: Partial<View>) => void} show Called with the view that the user chooses.
   * @param {string} tabPanel The id of the element that the tabs control.
   */
  constructor(texts, show, tabPanel) {
    this.#texts = texts;
    this.#show = show;
    this.#tabs = TABS.map((tab) => this.#tab(tab, tabPanel));
    const tabList = el(
      "div",
      { class: "tabs", role: "tablist", "aria-label": texts.views },
      ...this.#tabs.map(({ button }) => button),
    );
    tabList.addEventListener("keydown", (event) => this.#handleKey(event));
    const showArchive = () => show({ filter: "archived" });
    this.#archived = sideButton(showArchive, icon("archive"), el("span", { class: "side-name" }, texts.archived));
    this.#sources = el("div", { class: "sources", role: "group", "aria-label": texts.sources });
    this.element = el("div", { class: "rail" }, tabList, el("div", { class: "side" }, this.#archived, this.#sources));
    /** The chosen app, drawn above the list. */
    this.chip = el("div", { class: "chips", hidden: true });
  }

  /** @param {{view: View, counts: Counts | null, messages: Message[]}} state */
  draw({ view, counts, messages }) {
    const { filter, app } = view;
    const isArchive = filter === "archived";
    for (const { name, button, count } of this.#tabs) {
      button.setAttribute("aria-selected", String(name === filter));
      button.tabIndex = name === filter || (isArchive && name === "all") ? 0 : -1;
      const number = name === "all" ? 0 : (counts?.[name] ?? 0);
      count.textContent = number ? short(number) : "";
    }
    this.#archived.setAttribute("aria-pressed", String(isArchive));
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
    const apps = new Map(this.apps.map((app) => [app.id, { ...app, unread: 0 }]));
    for (const { app } of messages) if (!apps.has(app.id)) apps.set(app.id, { ...app, unread: 0 });
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
    if (this.apps.length > 1) {
      const title = el("p", { class: "side-title", "aria-hidden": "true" }, this.#texts.sources);
      sources.append(title, ...this.apps.map((app) => this.#source(app, chosen)));
    }
    /** @type {HTMLElement | undefined} */ (sources.children[focusedIndex])?.focus();
  }

  /**
   * @param {AppCount} app
   * @param {string} chosen
   */
  #source({ id, name, unread }, chosen) {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--hue", String(hueOf(id)));
    const count = unread ? el("span", { class: "tab-count" }, short(unread)) : null;
    const isChosen = id === chosen;
    const label = el("span", { class: "side-name", dir: "auto" }, name);
    const button = sideButton(() => this.#show({ app: isChosen ? "" : id }), swatch, label, count);
    button.setAttribute("aria-pressed", String(isChosen));
    return button;
  }

  /** @param {string} chosen */
  #drawChip(chosen) {
    const { chip } = this;
    /** @type {App | undefined} */
    const app = this.apps.find(({ id }) => id === chosen);
    chip.hidden = !app;
    if (!app || chip.dataset.app === app.id) return;
    chip.dataset.app = app.id;
    const attributes = { type: "button", class: "chip", "aria-label": `${app.name}, ${this.#texts.allSources}` };
    const button = el("button", attributes, el("span", { dir: "auto" }, app.name), icon("close"));
    button.addEventListener("click", () => this.#show({ app: "" }));
    chip.replaceChildren(button);
  }
}

/**
 * @param {() => void} onClick
 * @param {...Child} children
 */
function sideButton(onClick, ...children) {
  return el("button", { type: "button", class: "side-button", on: { click: onClick } }, ...children);
}
