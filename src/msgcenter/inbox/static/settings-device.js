/** The settings of this device: push messages, and what is kept on it. */

import { el } from "./dom.js";
import { row, showParts, switchFor } from "./setting-rows.js";

/** @import { Push, PushReport, Subscription } from "./push.js" */
/** @import { SettingsContext } from "./settings.js" */

/**
 * Return the section; null where the inbox is a part of another website.
 *
 * @param {SettingsContext} context
 * @returns {Promise<HTMLElement | null>}
 */
export async function deviceSection(context) {
  const { device, texts } = context;
  if (!device?.push) return null;
  const { push } = device;
  const section = el("section", { "aria-labelledby": "settings-device" });
  const draw = (/** @type {PushReport} */ report) => {
    showParts(section, [
      el("h3", { id: "settings-device" }, texts.device),
      pushRow(push, report, context, redraw),
      row(
        texts.keep,
        texts.keepHint,
        switchFor({ isOn: device.isKept, change: (isOn) => device.keep(isOn), failed: context.failed }),
      ),
      ...others(push, report, context, redraw),
    ]);
  };
  const redraw = async () => draw(await push.read());
  draw(await push.read());
  return section;
}

/**
 * @param {Push} push
 * @param {PushReport} report
 * @param {SettingsContext} context
 * @param {() => Promise<void>} redraw
 */
function pushRow(push, { state }, { texts, failed }, redraw) {
  const isPossible = state === "on" || state === "off";
  const change = async (/** @type {boolean} */ isOn) => {
    await (isOn ? push.turnOn() : push.turnOff());
    await redraw();
  };
  const control = switchFor({ isOn: state === "on", disabled: !isPossible, change, failed });
  return row(texts.push, texts.pushStates[state], control);
}

/**
 * @param {Push} push
 * @param {PushReport} report
 * @param {SettingsContext} context
 * @param {() => Promise<void>} redraw
 */
function others(push, { others }, context, redraw) {
  const { texts } = context;
  if (others.length === 0) return [];
  return [el("h4", {}, texts.others), ...others.map((other) => otherRow(push, other, context, redraw))];
}

/**
 * @param {Push} push
 * @param {Subscription} other
 * @param {SettingsContext} context
 * @param {() => Promise<void>} redraw
 */
function otherRow(push, { id, label, createdAt }, { texts, language, failed }, redraw) {
  const name = label || texts.unnamed;
  const since = new Date(createdAt).toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB");
  const remove = async () => {
    try {
      await push.remove(id);
      await redraw();
    } catch (error) {
      failed(error);
    }
  };
  const properties = { type: "button", class: "text-button", "aria-label": texts.removeDevice(name) };
  const shown = row(name, texts.since(since), null);
  shown.append(el("button", { ...properties, on: { click: remove } }, texts.remove));
  return shown;
}
