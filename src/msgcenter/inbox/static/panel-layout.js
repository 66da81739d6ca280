/** The elements of the panel and how they lie in one another. */

import { el, icon, iconButton } from "./dom.js";

/** @import { Rail } from "./rail.js" */
/** @import { States } from "./states.js" */
/** @import { Texts } from "./texts.js" */

const LONGEST_QUERY = 64;

/**
 * @typedef {object} PanelCommands What the buttons of the bar do.
 * @property {() => void} readAll
 * @property {() => void} openMenu
 * @property {() => void} showInbox
 * @property {() => void} openSearch
 * @property {() => void} closeSearch
 * @property {() => void} clearSearch
 * @property {() => void} close
 * @property {() => void} goToTop
 *
 * @typedef {ReturnType<typeof buildPanel>} PanelParts
 */

/**
 * Return the elements of a panel. The feed of messages goes into `column` before the state in place of the list.
 *
 * @param {object} options
 * @param {Texts} options.texts
 * @param {Rail} options.rail
 * @param {States} options.states
 * @param {PanelCommands} options.commands
 */
export function buildPanel({ texts, rail, states, commands }) {
  const bar = buildBar(texts, commands);
  const sentinel = el("div", { class: "sentinel", "aria-hidden": "true" });
  const column = el("div", { class: "column" }, rail.chip, states.place, states.foot, sentinel);
  const scroller = el("div", { class: "scroller", role: "tabpanel", id: "list", "aria-labelledby": "tab-all" }, column);
  const pill = el("button", { type: "button", class: "pill", hidden: true, on: { click: () => commands.goToTop() } });
  const toasts = el("div", { class: "toasts", role: "status" });
  const live = el("div", { class: "unseen", role: "log", "aria-live": "polite", "aria-relevant": "additions" });
  /** Has the accent as its colour and the surface as its background. */
  const probe = el("span", { class: "probe", hidden: true });
  const overlay = el("div", { class: "overlay" });
  const frame = el(
    "div",
    { class: "frame" },
    bar.element,
    rail.element,
    states.notice,
    scroller,
    pill,
    toasts,
    live,
    probe,
  );
  const panel = el("section", { class: "panel", tabindex: "-1", "aria-labelledby": "title" }, frame, overlay);
  return { panel, frame, bar, column, scroller, sentinel, pill, toasts, live, probe, overlay };
}

/**
 * @param {Texts} texts
 * @param {PanelCommands} commands
 */
function buildBar(texts, commands) {
  const title = el("h2", { class: "title", id: "title" }, texts.title);
  const count = el("span", { class: "count", "aria-hidden": "true" });
  const markAllLabel = el("span", {}, texts.markAll);
  const markAll = el(
    "button",
    { type: "button", class: "text-button mark-all", title: texts.markAll, on: { click: () => commands.readAll() } },
    icon("checks"),
    markAllLabel,
  );
  const menu = iconButton("more", texts.menu, commands.openMenu, { "aria-haspopup": "menu", "aria-expanded": "false" });
  const back = iconButton("back", texts.backToInbox, commands.showInbox, { class: "icon-button back" });
  const openSearch = iconButton("search", texts.search, commands.openSearch, { class: "icon-button open-search" });
  const closeSearch = iconButton("back", texts.closeSearch, commands.closeSearch, {
    class: "icon-button close-search",
  });
  const close = iconButton("close", texts.close, commands.close, { class: "icon-button close" });
  const input = el("input", {
    type: "search",
    class: "query",
    placeholder: texts.search,
    "aria-label": texts.searchHint,
    maxlength: LONGEST_QUERY,
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  const clear = iconButton("close", texts.clearSearch, commands.clearSearch, {
    class: "icon-button clear",
    hidden: true,
  });
  const element = el(
    "header",
    { class: "bar" },
    back,
    closeSearch,
    el("div", { class: "name" }, title, count),
    el("div", { class: "search", role: "search" }, icon("search"), input, clear),
    el("span", { class: "spring" }),
    openSearch,
    markAll,
    menu,
    close,
  );
  return { element, title, count, markAll, markAllLabel, menu, input, clear };
}
