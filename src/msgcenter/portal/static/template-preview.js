/** The preview of a template: draws the messages as the inbox shows them. */

import { all } from "./page-parts.js";
import { Preview } from "./preview.js";

for (const place of all(".preview", HTMLElement)) {
  const { request = "", name = "" } = place.dataset;
  const language = place.closest("[lang]")?.getAttribute("lang") === "en" ? "en" : "zh";
  new Preview(place, language).show(JSON.parse(request), name, "preview");
}
