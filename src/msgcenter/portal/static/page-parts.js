/** Finding elements of a page, and copying texts from it. */

import { texts } from "./texts.js";

const COPIED_FOR = 1_500;

/**
 * Return the element with an id. Throws if it is missing or of another class.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`#${id} is missing`);
}

/**
 * Return the elements of a class that match a selector.
 *
 * @template {HTMLElement} Kind
 * @param {string} selector
 * @param {new () => Kind} kind
 * @returns {Kind[]}
 */
export function all(selector, kind) {
  return [...document.querySelectorAll(selector)].flatMap((element) => (element instanceof kind ? [element] : []));
}

/**
 * Copy a text and show so on its button for a moment.
 *
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
export async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  const label = button.textContent;
  button.textContent = texts.copied;
  setTimeout(() => {
    button.textContent = label;
  }, COPIED_FOR);
}
