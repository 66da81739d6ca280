/** An announcement as its readers will see it: on its page, and next to its form while it is written. */

import { byId } from "./page-parts.js";
import { Preview } from "./preview.js";
import { language } from "./texts.js";

/** @import { MessageRequest } from "./preview.js" */

/** @typedef {{[name: string]: unknown}} Fields */

/** The id of the app that announcements come from. */
const NOTICES = "notices";
const FORM_ROWS = [1, 2, 3, 4, 5, 6];

const place = byId("preview", HTMLElement);
const form = document.getElementById("announce");
const preview = new Preview(place, language);

/**
 * Return the sendMsg request that the fields of the form describe, without the empty ones.
 *
 * @param {Map<string, string>} fields By name: "oa.body.title" is the title in the body of an oa message.
 * @returns {MessageRequest}
 */
function requestOf(fields) {
  const kind = fields.get("kind") ?? "text";
  /** @type {Fields} */
  const body = {};
  for (const [name, value] of fields) {
    if (name.startsWith(`${kind}.`) && value.trim() !== "") setField(body, name.split(".").slice(1), value);
  }
  if (kind !== "oa") return { msgtype: kind, [kind]: body };
  const rows = FORM_ROWS.map((row) => ({ key: fields.get(`row${row}.key`), value: fields.get(`row${row}.value`) }));
  const filledRows = rows.filter(({ key, value }) => key || value);
  if (filledRows.length) body.body = { .../** @type {Fields | undefined} */ (body.body), form: filledRows };
  return { msgtype: kind, [kind]: body, pcUrl: fields.get("pcUrl"), appUrl: fields.get("appUrl") };
}

/**
 * @param {Fields} body
 * @param {string[]} path
 * @param {string} value
 */
function setField(body, [name, ...rest], value) {
  if (rest.length === 0) {
    body[name] = name === "bgColor" ? value.replace("#", "FF") : value.trim();
    return;
  }
  body[name] ??= {};
  setField(/** @type {Fields} */ (body[name]), rest, value);
}

/** @param {HTMLFormElement} announcement */
function draw(announcement) {
  const fields = new Map();
  for (const [name, value] of new FormData(announcement)) fields.set(name, String(value));
  const platform = announcement.elements.namedItem("platform");
  const option = platform instanceof HTMLSelectElement ? platform.selectedOptions[0] : null;
  const name = (option?.textContent ?? "").replace(/ \([^)]*\)$/, "");
  preview.show(requestOf(fields), name, NOTICES);
}

if (form instanceof HTMLFormElement) {
  form.addEventListener("input", () => draw(form));
  draw(form);
} else {
  const { request = "", name = "" } = place.dataset;
  preview.show(JSON.parse(request), name, NOTICES);
}
