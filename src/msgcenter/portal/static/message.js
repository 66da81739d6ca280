/** The page of a sent message: shows it as its readers see it. */

import { byId } from "./page-parts.js";
import { Preview } from "./preview.js";
import { language } from "./texts.js";

const place = byId("preview", HTMLElement);
const { card = "", name = "", app = "" } = place.dataset;
const { request, facts } = JSON.parse(card);
place.hidden = false;
new Preview(place, language).show(request, name, app, facts);
