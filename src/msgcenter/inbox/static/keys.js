/** The dialog that lists the keyboard shortcuts. */

import { el, iconButton } from "./dom.js";

import { laterTexts } from "./later-texts.js";

/** @import { Texts } from "./texts.js" */

/**
 * Show the dialog in `root`.
 *
 * @param {HTMLElement} root
 * @param {Texts} texts
 */
export function showKeys(root, texts) {
  const close = iconButton("close", texts.close, () => dialog.close());
  const head = el("div", { class: "keys-head" }, el("h2", { id: "keys-title" }, texts.keys), close);
  const rows = laterTexts(texts.language).keyList.map(({ keys, action }) =>
    el("div", {}, el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, action)),
  );
  const dialog = el("dialog", { class: "keys", "aria-labelledby": "keys-title" }, head, el("dl", {}, ...rows));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  dialog.showModal();
}
