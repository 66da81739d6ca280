/**
 * What the component loads when it is needed first, always from the server: the first card needs none of it, and the page
 * is to be small.
 */

import { showKeys as show } from "./keys.js";
import { snoozeMenu as menu } from "./snooze.js";
import { later } from "./styles-later.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(later);

/** @type {typeof show} */
export function showKeys(root, texts) {
  adoptSheet(root);
  show(root, texts);
}

/** @type {typeof menu} */
export function snoozeMenu(options) {
  adoptSheet(options.root);
  return menu(options);
}

/** @param {HTMLElement} element */
function adoptSheet(element) {
  const root = /** @type {ShadowRoot} */ (element.getRootNode());
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
