/** The settings about channels: which are off for what, quiet hours, summaries, language. Each change is saved at once. */

import { el } from "./dom.js";
import { Choices } from "./preference-choices.js";
import { confirmButton, row, selectFor, showParts, switchFor } from "./setting-rows.js";

/** @import { Contact } from "./preference-choices.js" */
/** @import { SettingsContext } from "./settings.js" */

/**
 * Return the section; null where there is nothing to choose: the platform has no channels.
 *
 * @param {SettingsContext} context
 * @returns {Promise<HTMLElement | null>}
 */
export async function preferencesSection(context) {
  const choices = new Choices(context.api, await context.api.request("GET", "preferences"));
  if (choices.shown.channels.length === 0) return null;
  const section = el("section", { "aria-labelledby": "settings-channels" });
  const draw = () => showParts(section, parts(choices, context, draw));
  draw();
  return section;
}

/**
 * @param {Choices} choices
 * @param {SettingsContext} context
 * @param {() => void} redraw
 */
function parts(choices, context, redraw) {
  const { texts } = context;
  const { whole, types, apps, channels } = choices.shown;
  const title = el("h3", { id: "settings-channels" }, texts.channelsTitle);
  const appRows = apps.map(({ id, name }) => choiceRow(name, "", `app:${id}:`, choices, context));
  if (!whole) return [title, ...appRows];
  const typeRows = types.map(({ code, name, mandatory }) =>
    mandatory
      ? row(name, texts.mandatoryHint, null, texts.mandatory)
      : choiceRow(name, "", `type:${code}:`, choices, context),
  );
  return [
    title,
    ...channels.map((channel) => channelRow(channel, choices, context, redraw)),
    ...titled(texts.byType, typeRows),
    ...titled(texts.byApp, appRows),
    ...titled(texts.when, [
      ...quietRows(choices, context, redraw),
      digestRow(choices, context),
      languageRow(choices, context),
      zoneRow(choices, context),
    ]),
  ];
}

/**
 * @param {string} title
 * @param {HTMLElement[]} rows
 */
function titled(title, rows) {
  return rows.length > 0 ? [el("h4", {}, title), ...rows] : [];
}

/**
 * Return the row of a channel: whether it is on at all, and where it leads.
 *
 * @param {string} channel
 * @param {Choices} choices
 * @param {SettingsContext} context
 * @param {() => void} redraw
 */
function channelRow(channel, choices, context, redraw) {
  const { texts, failed } = context;
  const contact = choices.contactOf(channel);
  const name = texts.channelNames[channel];
  const control = switchFor({
    isOn: choices.isOn(channel),
    change: async (isOn) => {
      await choices.turn(channel, isOn);
      redraw();
    },
    failed,
  });
  const shown = row(name, channelHint(channel, contact, context), control);
  if (!contact) return shown;
  const remove = async () => {
    try {
      await choices.removeContact(contact.kind);
      redraw();
    } catch (error) {
      failed(error);
    }
  };
  const { remove: text, removeSure: sure } = texts;
  control.before(confirmButton({ text, label: texts.removeContact(name), sure, run: remove }));
  return shown;
}

/**
 * @param {string} channel
 * @param {Contact | null} contact
 * @param {SettingsContext} context
 */
function channelHint(channel, contact, { texts }) {
  if (channel === "push") return texts.pushDevices;
  if (!contact) return texts.noContact;
  return contact.disabledAt === null
    ? texts.sentTo(contact.value)
    : texts.stopped(contact.value, contact.disabledReason ?? "");
}

/**
 * Return the row of a type or an app, with a box for each channel.
 *
 * @param {string} name
 * @param {string} hint
 * @param {string} prefix What its entries begin with.
 * @param {Choices} choices
 * @param {SettingsContext} context
 */
function choiceRow(name, hint, prefix, choices, { texts, failed }) {
  const boxes = choices.shown.channels.map((channel) => {
    const box = switchFor({
      isOn: choices.isOn(channel) && choices.isOn(prefix + channel),
      disabled: !choices.isOn(channel) && choices.shown.whole,
      change: (isOn) => choices.turn(prefix + channel, isOn),
      failed,
      look: "box",
    });
    return el("label", { class: "setting-box" }, box, texts.channelNames[channel]);
  });
  const group = el("div", { class: "setting-boxes", role: "group" }, ...boxes);
  const shown = row(name, hint, group);
  shown.classList.add("wrapping");
  return shown;
}

/**
 * @param {Choices} choices
 * @param {SettingsContext} context
 * @param {() => void} redraw
 */
function quietRows(choices, { texts, failed }, redraw) {
  const { quietFrom, quietUntil, defaults } = choices.shown;
  const kind = quietFrom === null ? "" : quietFrom === quietUntil ? "none" : "own";
  const platform =
    defaults.quietFrom === null || defaults.quietUntil === null || defaults.quietFrom === defaults.quietUntil
      ? texts.none
      : `${clock(defaults.quietFrom)}–${clock(defaults.quietUntil)}`;
  const set = (/** @type {number | null} */ from, /** @type {number | null} */ until) =>
    choices.set({ quietFrom: from, quietUntil: until });
  const hours = { "": [null, null], none: [0, 0], own: [22 * 60, 7 * 60] };
  const control = selectFor({
    options: { "": texts.quietDefault(platform), none: texts.quietNone, own: texts.quietOwn },
    value: kind,
    change: async (value) => {
      const [from, until] = hours[/** @type {keyof typeof hours} */ (value)];
      await set(from, until);
      redraw();
    },
    failed,
  });
  const rows = [row(texts.quiet, texts.quietHint, control)];
  if (kind !== "own" || quietFrom === null || quietUntil === null) return rows;
  const time = (
    /** @type {string} */ label,
    /** @type {number} */ minute,
    /** @type {(minute: number) => unknown} */ use,
  ) => {
    const input = el("input", { type: "time", value: clock(minute), "aria-label": label, required: true });
    input.addEventListener("change", () => input.value && Promise.resolve(use(minuteOf(input.value))).catch(failed));
    return input;
  };
  const { from, until } = texts;
  const times = el(
    "div",
    { class: "quiet-times", role: "group", "aria-label": texts.quiet },
    time(from, quietFrom, (minute) => set(minute, choices.shown.quietUntil)),
    "–",
    time(until, quietUntil, (minute) => set(choices.shown.quietFrom, minute)),
  );
  return [...rows, el("div", { class: "setting" }, times)];
}

/**
 * @param {Choices} choices
 * @param {SettingsContext} context
 */
function digestRow(choices, { texts, failed }) {
  const control = selectFor({
    options: texts.digests,
    value: choices.shown.digest ?? "",
    change: (digest) => choices.set({ digest: digest || null }),
    failed,
  });
  return row(texts.digest, texts.digestHint, control);
}

/**
 * @param {Choices} choices
 * @param {SettingsContext} context
 */
function languageRow(choices, { texts, failed }) {
  const control = selectFor({
    options: texts.languages,
    value: choices.shown.language ?? "",
    change: (language) => choices.set({ language: language || null }),
    failed,
  });
  return row(texts.language, "", control);
}

/**
 * Return the row of the time zone, which offers the one of this device.
 *
 * @param {Choices} choices
 * @param {SettingsContext} context
 */
function zoneRow(choices, { texts, failed }) {
  const { timeZone, defaults } = choices.shown;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([timeZone, own, "Asia/Shanghai"])].filter((zone) => zone !== null);
  const options = {
    "": texts.zoneDefault(defaults.timeZone),
    ...Object.fromEntries(zones.map((zone) => [zone, zone])),
  };
  const change = (/** @type {string} */ zone) => choices.set({ timeZone: zone || null });
  return row(texts.timeZone, "", selectFor({ options, value: timeZone ?? "", change, failed }));
}

/** @param {number} minute A minute of the day. */
function clock(minute) {
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** @param {string} time Such as "22:30". */
function minuteOf(time) {
  const [hour, minute] = time.split(":").map(Number);
  return hour * 60 + minute;
}
