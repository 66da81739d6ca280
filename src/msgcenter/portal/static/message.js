/** A sent message as its readers see it. */

import { Preview } from "./preview.js";

const place = document.getElementById("preview");
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const { request, facts } = JSON.parse(place.dataset.card);
place.hidden = false;
new Preview(place, language).show(request, place.dataset.name, place.dataset.app, facts);
