/** The keys and what they do, for who asks. */

import { el, iconButton } from "./dom.js";

/** Show the keys in a dialog within `root`. */
export function showKeys(root, texts) {
  const close = iconButton("close", texts.close, () => dialog.close());
  const head = el("div", { class: "keys-head" }, el("h2", { id: "keys-title" }, texts.keys), close);
  const rows = texts.keyList.map(([keys, does]) =>
    el("div", {}, el("dt", {}, ...keys.map((key) => el("kbd", {}, key))), el("dd", {}, does)),
  );
  const dialog = el("dialog", { class: "keys", "aria-labelledby": "keys-title" }, head, el("dl", {}, ...rows));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  dialog.showModal();
}
