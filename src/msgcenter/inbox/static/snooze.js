/** Times until which a message can be snoozed: the menu of them, and the dialog for an own time. */

import { el } from "./dom.js";
import { laterTexts } from "./later-texts.js";

/** @import { MenuItem } from "./menu.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Clock } from "./time.js" */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
const EVENING = 18;
const MORNING = 8;
const MONDAY = 1;

/** @typedef {{name: "inAnHour" | "thisEvening" | "tomorrow" | "nextMonday", time: number}} Preset */

/**
 * Return the times that are offered, in the browser's time zone. This evening is left out when it is less than an hour
 * away or has begun.
 *
 * @param {number} [now]
 * @returns {Preset[]}
 */
export function presets(now = Date.now()) {
  const evening = at(now, 0, EVENING);
  const daysToMonday = (MONDAY - new Date(now).getDay() + 7) % 7 || 7;
  /** @type {Preset[]} */
  const times = [
    { name: "inAnHour", time: now + HOUR },
    { name: "thisEvening", time: evening },
    { name: "tomorrow", time: at(now, 1, MORNING) },
    { name: "nextMonday", time: at(now, daysToMonday, MORNING) },
  ];
  return times.filter(({ name }) => name !== "thisEvening" || evening > now + HOUR);
}

/**
 * Return the label and the items of the menu of times.
 *
 * @param {object} options
 * @param {HTMLElement} options.root Where the dialog is shown: an element in a shadow tree.
 * @param {Texts} options.texts
 * @param {Clock} options.clock
 * @param {(time: number) => void} options.choose
 * @returns {{label: string, items: (MenuItem | null)[]}}
 */
export function snoozeMenu({ root, texts, clock, choose }) {
  const own = laterTexts(texts.language);
  /** @type {(MenuItem | null)[]} */
  const times = presets().map(({ name, time }) => {
    return { icon: "moon", label: own[name], detail: clock.coming(time), run: () => choose(time) };
  });
  const ask = () => askTime(root, texts, choose);
  return { label: own.snoozeMenu, items: [...times, null, { icon: "moon", label: own.ownTime, run: ask }] };
}

/**
 * Return an hour of a day.
 *
 * @param {number} now
 * @param {number} days
 * @param {number} hour
 */
function at(now, days, hour) {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, hour).getTime();
}

/**
 * Ask for a time within the next year.
 *
 * @param {HTMLElement} root
 * @param {Texts} texts
 * @param {(time: number) => void} choose
 */
function askTime(root, texts, choose) {
  const own = laterTexts(texts.language);
  const now = Date.now();
  const input = el("input", {
    type: "datetime-local",
    id: "own-time",
    required: true,
    value: localText(at(now, 1, MORNING)),
    min: localText(now + MINUTE),
    max: localText(now + YEAR),
  });
  const refusal = el("p", { class: "refusal", id: "own-time-refusal", role: "alert" });
  const dialog = el("dialog", { class: "keys ask", "aria-labelledby": "own-time-label" });
  const cancel = el("button", { type: "button", on: { click: () => dialog.close() } }, own.cancel);
  const form = el(
    "form",
    { novalidate: true },
    el("label", { for: "own-time", id: "own-time-label" }, own.ownTimeLabel),
    input,
    refusal,
    el("div", { class: "ask-foot" }, cancel, el("button", { type: "submit", class: "button" }, own.confirm)),
  );
  dialog.append(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const time = new Date(input.value).getTime();
    const isPossible = time > Date.now() && time <= Date.now() + YEAR;
    input.setAttribute("aria-invalid", String(!isPossible));
    input.setAttribute("aria-describedby", "own-time-refusal");
    refusal.textContent = isPossible ? "" : own.badTime;
    if (!isPossible) return;
    dialog.close();
    choose(time);
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  dialog.showModal();
}

/**
 * Return a time as an input for local times takes it.
 *
 * @param {number} time
 */
function localText(time) {
  return new Date(time - new Date(time).getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}
