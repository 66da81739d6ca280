/** The views to choose from: tabs, the archive, the apps that send. */

import { hueOf } from "./cards.js";
import { el, hasModifier, icon, short } from "./dom.js";

const TABS = { all: "inbox", unread: "mail", todo: "todo" };

/** Draws the views; `show(view)` is called with what is chosen. `tabPanel` is the id of what the tabs control. */
export class Rail {
  #texts;
  #show;
  #tabs;
  #archived;
  #sources;

  /** The apps that have been heard of: {id, name, unread}, by name. */
  apps = [];

  constructor(texts, show, tabPanel) {
    this.#texts = texts;
    this.#show = show;
    this.#tabs = el(
      "div",
      { class: "tabs", role: "tablist", "aria-label": texts.views },
      ...Object.keys(TABS).map((name) => this.#tab(name, tabPanel)),
    );
    this.#tabs.addEventListener("keydown", (event) => this.#keyed(event));
    this.#archived = this.#sideButton(
      () => show({ filter: "archived" }),
      icon("archive"),
      el("span", { class: "side-name" }, texts.archived),
    );
    this.#sources = el("div", { class: "sources", role: "group", "aria-label": texts.sources });
    this.element = el(
      "div",
      { class: "rail" },
      this.#tabs,
      el("div", { class: "side" }, this.#archived, this.#sources),
    );
    this.chip = el("div", { class: "chips", hidden: true });
  }

  draw({ view, counts, messages }) {
    const { filter, app } = view;
    for (const tab of this.#tabs.children) {
      const name = tab.dataset.view;
      tab.setAttribute("aria-selected", String(name === filter));
      tab.tabIndex = name === filter || (filter === "archived" && name === "all") ? 0 : -1;
      const count = counts?.[name];
      tab.lastChild.textContent = count ? short(count) : "";
    }
    this.#archived.setAttribute("aria-pressed", String(filter === "archived"));
    this.#hearOf(messages, counts);
    this.#drawSources(app);
    this.#drawChip(app);
  }

  #tab(name, tabPanel) {
    const tab = el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        class: "tab",
        "aria-controls": tabPanel,
        "data-view": name,
        on: { click: () => this.#show({ filter: name }) },
      },
      icon(TABS[name]),
      el("span", { class: "tab-name" }, this.#texts[name]),
      el("span", { class: "tab-count" }),
    );
    return tab;
  }

  #keyed(event) {
    const tabs = [...this.#tabs.children];
    const at = tabs.indexOf(event.target.closest("[role=tab]"));
    const moves = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: tabs.length - 1,
    };
    if (!(event.key in moves) || hasModifier(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const tab = tabs[(moves[event.key] + tabs.length) % tabs.length];
    tab.focus();
    this.#show({ filter: tab.dataset.view });
  }

  #hearOf(messages, counts) {
    const heard = new Map(this.apps.map((app) => [app.id, { ...app, unread: 0 }]));
    for (const { app } of messages) if (!heard.has(app.id)) heard.set(app.id, { ...app, unread: 0 });
    for (const app of counts?.apps ?? []) heard.set(app.id, app);
    this.apps = [...heard.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  #drawSources(chosen) {
    const sources = this.#sources;
    const key = JSON.stringify([this.apps, chosen]);
    if (sources.dataset.key === key) return;
    sources.dataset.key = key;
    const focused = [...sources.children].indexOf(sources.getRootNode().activeElement);
    sources.replaceChildren();
    if (this.apps.length > 1)
      sources.append(
        el("p", { class: "side-title", "aria-hidden": "true" }, this.#texts.sources),
        ...this.apps.map((app) => this.#source(app, chosen)),
      );
    sources.children[focused]?.focus();
  }

  #source(app, chosen) {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--hue", hueOf(app.id));
    const count = app.unread ? el("span", { class: "tab-count" }, short(app.unread)) : null;
    const isChosen = app.id === chosen;
    const button = this.#sideButton(
      () => this.#show({ app: isChosen ? "" : app.id }),
      swatch,
      el("span", { class: "side-name", dir: "auto" }, app.name),
      count,
    );
    button.setAttribute("aria-pressed", String(isChosen));
    return button;
  }

  #sideButton(onClick, ...children) {
    return el("button", { type: "button", class: "side-button", on: { click: onClick } }, ...children);
  }

  /** The chosen app above the list, with a way back to all. */
  #drawChip(chosen) {
    const { chip } = this;
    const app = this.apps.find((one) => one.id === chosen);
    chip.hidden = !app;
    if (!app || chip.dataset.app === app.id) return;
    chip.dataset.app = app.id;
    const back = `${app.name}, ${this.#texts.allSources}`;
    chip.replaceChildren(
      el(
        "button",
        { type: "button", class: "chip", "aria-label": back, on: { click: () => this.#show({ app: "" }) } },
        el("span", { dir: "auto" }, app.name),
        icon("close"),
      ),
    );
  }
}
