/** The rows of the settings: a name, an explanation, and a control. */

import { el, focusedNear } from "./dom.js";

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
  const hintId = `setting-hint-${count}`;
  if (control) control.dataset.key = name;
  control?.setAttribute("aria-label", name);
  if (hint) control?.setAttribute("aria-describedby", hintId);
  const text = el(
    "div",
    { class: "setting-text" },
    el("span", { class: "setting-name" }, name, tag && el("span", { class: "setting-tag" }, tag)),
    hint && el("span", { class: "setting-hint", id: hintId }, hint),
  );
  return el("div", { class: "setting" }, text, control);
}

/**
 * Return a button for what cannot be taken back: the first click asks, the second acts.
 *
 * @param {object} options
 * @param {string} options.text
 * @param {string} options.label What it does, for screen readers.
 * @param {string} options.sure The text that asks.
 * @param {() => void} options.run
 */
export function confirmButton({ text, label, sure, run }) {
  let asks = false;
  const ask = (/** @type {boolean} */ isAsking) => {
    asks = isAsking;
    button.textContent = asks ? sure : text;
    button.setAttribute("aria-label", asks ? `${sure}: ${label}` : label);
  };
  const click = () => (asks ? run() : ask(true));
  const button = el("button", { type: "button", class: "text-button", on: { click, blur: () => ask(false) } });
  ask(false);
  return button;
}

/**
 * Show other parts in a section, and keep the focus: at the same control, or at the first one if it is gone.
 *
 * @param {HTMLElement} section
 * @param {HTMLElement[]} parts
 */
export function showParts(section, parts) {
  const focused = /** @type {HTMLElement | null} */ (focusedNear(section));
  const hadFocus = section.contains(focused);
  const key = focused?.dataset.key;
  section.replaceChildren(...parts);
  if (!hadFocus) return;
  const controls = [...section.querySelectorAll("input, select")].map((it) => /** @type {HTMLElement} */ (it));
  (controls.find((control) => control.dataset.key === key) ?? controls[0])?.focus();
}

/**
 * Return a switch. While `change` is under way it stays as it is; if that fails, it returns to what it was.
 *
 * @param {object} options
 * @param {boolean} options.isOn
 * @param {boolean} [options.disabled]
 * @param {(isOn: boolean) => Promise<unknown>} options.change
 * @param {(error: unknown) => void} options.failed
 * @param {"switch" | "box"} [options.look]
 */
export function switchFor({ isOn, disabled = false, change, failed, look = "switch" }) {
  const role = look === "switch" ? look : null;
  const input = el("input", { type: "checkbox", role, class: look, disabled, on: { change: act } });
  input.checked = isOn;
  let isBusy = false;
  async function act() {
    const wanted = input.checked;
    if (isBusy) {
      input.checked = !wanted;
      return;
    }
    isBusy = true;
    try {
      await change(wanted);
    } catch (error) {
      input.checked = !wanted;
      failed(error);
    }
    isBusy = false;
  }
  return input;
}

/**
 * Return a choice of several. If a change fails, it returns to what it was.
 *
 * @param {object} options
 * @param {Record<string, string>} options.options Labels by values.
 * @param {string} options.value
 * @param {(value: string) => Promise<unknown>} options.change
 * @param {(error: unknown) => void} options.failed
 */
export function selectFor({ options, value, change, failed }) {
  const items = Object.entries(options).map(([key, label]) => el("option", { value: key }, label));
  const select = el("select", { on: { change: act } }, ...items);
  select.value = value;
  let current = value;
  async function act() {
    try {
      await change(select.value);
      current = select.value;
    } catch (error) {
      select.value = current;
      failed(error);
    }
  }
  return select;
}
