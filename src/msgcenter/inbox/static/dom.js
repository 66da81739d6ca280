/** Builds DOM without markup strings: text from a message can only become text. */

import { SHAPES } from "./icons.js";

/**
 * @typedef {keyof typeof SHAPES} IconName
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {{[event: string]: (event: any) => unknown}} Listeners
 * @typedef {{class?: string, on?: Listeners, [attribute: string]: string | number | boolean | null | undefined | Listeners}} Properties
 */

const SVG = "http://www.w3.org/2000/svg";
const MAX_BADGE = 99;

/**
 * Return a new element. Each of the properties is an attribute: false, null and undefined leave it out, true makes it an
 * empty one. `on` maps events to listeners. Children that are null, undefined or false are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, { on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

/**
 * Return an icon in the colour of the text around it, hidden from screen readers.
 *
 * @param {IconName} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.7",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    class: `icon icon-${name}`,
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

/**
 * Return a button that shows an icon; `label` is its accessible name and its tooltip.
 *
 * @param {IconName} name
 * @param {string} label
 * @param {() => unknown} onClick
 * @param {Properties} [properties]
 */
export function iconButton(name, label, onClick, properties = {}) {
  const attributes = { type: "button", class: "icon-button", "aria-label": label, title: label, ...properties };
  return el("button", { ...attributes, on: { click: () => onClick() } }, icon(name));
}

/**
 * Return whether a key was pressed together with one that makes it a shortcut of the browser.
 *
 * @param {KeyboardEvent} event
 */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Return a count as a badge shows it.
 *
 * @param {number} count
 */
export function short(count) {
  return count > MAX_BADGE ? `${MAX_BADGE}+` : String(count);
}

/**
 * Return the element of a tree (a document or a shadow root) that has the focus, if it lies in the tree of `element`.
 *
 * @param {Element} element
 */
export function focusedNear(element) {
  return /** @type {Document | ShadowRoot} */ (element.getRootNode()).activeElement ?? null;
}
