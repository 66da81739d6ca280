/** An announcement as its readers will see it: of the page that shows one, and of the form while it is typed in. */

import { Preview } from "./preview.js";

const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const place = document.getElementById("preview");
const form = document.getElementById("announce");
const preview = new Preview(place, language);

/** Return the sendMsg request that the form stands for, empty fields left out. */
function typed() {
  const fields = new FormData(form);
  const kind = fields.get("kind");
  const said = {};
  for (const [name, value] of fields) {
    if (!name.startsWith(`${kind}.`) || value.trim() === "") continue;
    const parts = name.split(".").slice(1);
    const last = parts.pop();
    const outer = parts.reduce((inner, part) => (inner[part] ??= {}), said);
    outer[last] = last === "bgColor" ? value.replace("#", "FF") : value.trim();
  }
  const request = { msgtype: kind, [kind]: said };
  if (kind !== "oa") return request;
  const rows = [1, 2, 3, 4, 5, 6].map((row) => ({
    key: fields.get(`row${row}.key`),
    value: fields.get(`row${row}.value`),
  }));
  const filled = rows.filter((row) => row.key || row.value);
  if (filled.length) said.body = { ...said.body, form: filled };
  return { ...request, pcUrl: fields.get("pcUrl"), appUrl: fields.get("appUrl") };
}

if (form) {
  const name = () => form.elements.platform.selectedOptions[0]?.textContent.replace(/ \([^)]*\)$/, "") ?? "";
  const draw = () => preview.show(typed(), name(), "notices");
  form.addEventListener("input", draw);
  draw();
} else {
  preview.show(JSON.parse(place.dataset.request), place.dataset.name, "notices");
}
