/** The style sheet of the inbox. Shadow roots adopt it, so a page needs to allow neither style attributes nor elements. */

import { base } from "./styles-base.js";
import { layout } from "./styles-layout.js";
import { list } from "./styles-list.js";
import { panel } from "./styles-panel.js";
import { states } from "./styles-states.js";

export const sheet = new CSSStyleSheet();
// Later parts override earlier ones.
sheet.replaceSync([base, panel, list, states, layout].join(""));
