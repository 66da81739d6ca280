/** The rows of the settings: a name, an explanation, and a control. */

import { el } from "./dom.js";

let count = 0;

/**
 * Return a row.
 *
 * @param {string} name
 * @param {string} hint
 * @param {HTMLElement | null} control It is labelled by the name and described by the hint.
 * @param {string} [tag] A short note beside the name.
 */
export function row(name, hint, control, tag = "") {
  count += 1;
  const [nameId, hintId] = [`setting-${count}`, `setting-hint-${count}`];
  control?.setAttribute("aria-labelledby", nameId);
  control?.setAttribute("aria-describedby", hintId);
  const text = el(
    "div",
    { class: "setting-text" },
    el("span", { class: "setting-name", id: nameId }, name, tag && el("span", { class: "setting-tag" }, tag)),
    el("span", { class: "setting-hint", id: hintId }, hint),
  );
  return el("div", { class: "setting" }, text, control);
}

/**
 * Return a switch. While `change` is under way it cannot be used; if that fails, it returns to what it was.
 *
 * @param {object} options
 * @param {boolean} options.isOn
 * @param {boolean} [options.disabled]
 * @param {(isOn: boolean) => Promise<unknown>} options.change
 * @param {(error: unknown) => void} options.failed
 */
export function switchFor({ isOn, disabled = false, change, failed }) {
  const input = el("input", { type: "checkbox", role: "switch", class: "switch", disabled, on: { change: act } });
  input.checked = isOn;
  async function act() {
    const wanted = input.checked;
    input.disabled = true;
    try {
      await change(wanted);
    } catch (error) {
      input.checked = !wanted;
      failed(error);
    }
    input.disabled = disabled;
    input.focus();
  }
  return input;
}
