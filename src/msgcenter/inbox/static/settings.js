/**
 * The dialog with the user's settings. The component loads this script when it is opened, always from the server, so
 * that it fits the server's calls.
 */

import { el, iconButton } from "./dom.js";
import { deviceSection } from "./settings-device.js";
import { preferencesSection } from "./settings-preferences.js";
import { settingsTexts } from "./settings-texts.js";
import { settings } from "./styles-settings.js";

/** @import { Api } from "./api.js" */
/** @import { Device } from "./device.js" */
/** @import { Language } from "./texts.js" */
/** @import { SettingsTexts } from "./settings-texts.js" */

/**
 * @typedef {object} SettingsContext
 * @property {Api} api
 * @property {Device | null} device Null in other websites, and in a frame.
 * @property {SettingsTexts} texts
 * @property {Language} language
 * @property {(error: unknown) => void} failed Tells the user that something was not saved.
 *
 * @typedef {object} SettingsOptions
 * @property {HTMLElement} root Where the dialog is shown: an element in a shadow tree.
 * @property {Api} api
 * @property {Device | null} device
 * @property {Language} language
 */

const sheet = new CSSStyleSheet();
sheet.replaceSync(settings);

/**
 * Show the settings.
 *
 * @param {SettingsOptions} options
 */
export function showSettings({ root, api, device, language }) {
  adoptSheet(/** @type {ShadowRoot} */ (root.getRootNode()));
  const texts = settingsTexts(language);
  const trouble = el("p", { class: "settings-trouble", role: "alert" });
  const body = el("div", { class: "settings-body" }, trouble);
  const close = iconButton("close", texts.close, () => dialog.close());
  const head = el("div", { class: "settings-head" }, el("h2", { id: "settings-title" }, texts.title), close);
  const dialog = el("dialog", { class: "settings", "aria-labelledby": "settings-title" }, head, body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  dialog.showModal();
  const failed = () => trouble.replaceChildren(texts.couldNot);
  const context = { api, device, texts, language, failed };
  load();

  async function load() {
    const waiting = el(
      "div",
      { class: "settings-wait", role: "status" },
      el("span", { class: "unseen" }, texts.loading),
    );
    waiting.append(el("span", { class: "spinner" }));
    trouble.replaceChildren();
    body.replaceChildren(trouble, waiting);
    try {
      body.replaceChildren(trouble, ...(await sections(context)));
    } catch {
      const retry = el("button", { type: "button", class: "text-button", on: { click: load } }, texts.retry);
      trouble.replaceChildren(texts.failed);
      body.replaceChildren(trouble, retry);
      retry.focus();
    }
  }
}

/**
 * Return what the dialog shows.
 *
 * @param {SettingsContext} context
 */
async function sections(context) {
  const sections = await Promise.all([deviceSection(context), preferencesSection(context)]);
  return sections.flatMap((section) => section ?? []);
}

/** @param {ShadowRoot} shadow */
function adoptSheet(shadow) {
  if (!shadow.adoptedStyleSheets.includes(sheet)) shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
}
