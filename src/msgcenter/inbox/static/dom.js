/** Building DOM without markup strings: what comes from a message can only ever become text. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. `properties`: `class`, `on` {event: listener}, anything else is an attribute; false and null leave it out,
 * true makes it an empty one. Children are nodes or strings; null and false are skipped.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SHAPES = {
  official: ["M5 10v4h2.5l6.5 4V6l-6.5 4Z", "M17 9.5a3.5 3.5 0 0 1 0 5", "M8 14v4.5h2.5V15"],
  bell: ["M6 9a6 6 0 0 1 12 0c0 5 2 6.5 2 6.5H4S6 14 6 9Z", "M10 19.5a2.2 2.2 0 0 0 4 0"],
  text: [
    "M20 11.5c0 3.9-3.6 7-8 7-1.1 0-2.2-.2-3.1-.5L4.5 19.5l1.3-3.4A6.5 6.5 0 0 1 4 11.5c0-3.9 3.6-7 8-7s8 3.1 8 7Z",
  ],
  link: [
    "M6.5 4h7.5l4 4v10.5A1.5 1.5 0 0 1 16.5 20h-10A1.5 1.5 0 0 1 5 18.5v-13A1.5 1.5 0 0 1 6.5 4Z",
    "M13.5 4v4.5H18",
    "M8.5 12.5h6",
    "M8.5 16h4",
  ],
  oa: [
    "M9 4.5h6v3H9Z",
    "M9 6H6.5A1.5 1.5 0 0 0 5 7.5v11A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.5v-11A1.5 1.5 0 0 0 17.5 6H15",
    "m9 13.5 2.2 2.2 4-4.2",
  ],
  search: ["M10.8 17.6a6.8 6.8 0 1 0 0-13.6 6.8 6.8 0 0 0 0 13.6Z", "m20 20-4.3-4.3"],
  more: ["M6 12h.01", "M12 12h.01", "M18 12h.01"],
  close: ["m6.5 6.5 11 11", "m17.5 6.5-11 11"],
  back: ["M19 12H5", "m11 6-6 6 6 6"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  checks: ["m2.5 12.5 4 4 8-8.5", "m11.5 15.5 1 1 9-8.5"],
  mail: [
    "M5.5 6h13A1.5 1.5 0 0 1 20 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 16.5v-9A1.5 1.5 0 0 1 5.5 6Z",
    "m4.5 7.5 7.5 5.5 7.5-5.5",
  ],
  archive: ["M4 5h16v4H4Z", "M5.5 9v8.5A1.5 1.5 0 0 0 7 19h10a1.5 1.5 0 0 0 1.5-1.5V9", "M10 13h4"],
  restore: [
    "M4 5h16v4H4Z",
    "M5.5 9v8.5A1.5 1.5 0 0 0 7 19h10a1.5 1.5 0 0 0 1.5-1.5V9",
    "M12 17v-5.5",
    "m9.5 13.8 2.5-2.5 2.5 2.5",
  ],
  open: [
    "M13 5h6v6",
    "m19 5-8 8",
    "M17 14v3.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 5 17.5v-9A1.5 1.5 0 0 1 6.5 7H10",
  ],
  next: ["m9.5 6 6 6-6 6"],
  clip: ["m19 11.5-7.3 7.3a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.5 7.5a1.5 1.5 0 0 1-2.2-2.2l6.9-6.8"],
  person: ["M12 11.5a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6Z", "M4.8 20c.6-3.4 3.6-5.5 7.2-5.5s6.6 2.1 7.2 5.5"],
  todo: ["M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z", "M12 7.5V12l3 2"],
  inbox: [
    "M4 13.5 6.5 5.5h11L20 13.5V18a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18Z",
    "M4 13.5h4.5l1.2 2.5h4.6l1.2-2.5H20",
  ],
  offline: [
    "M4 4l16 16",
    "M8.5 15.5a5 5 0 0 1 6-.8",
    "M5.5 12.3a9.5 9.5 0 0 1 3.7-2.2",
    "M12.5 9.5c2.3.1 4.4 1.1 6 2.8",
    "M12 19h.01",
  ],
  warning: ["M12 4 21 19.5H3Z", "M12 10v4", "M12 16.8h.01"],
  keys: [
    "M4.5 6.5h15A1.5 1.5 0 0 1 21 8v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5Z",
    "M7 10.5h.01",
    "M10.3 10.5h.01",
    "M13.7 10.5h.01",
    "M17 10.5h.01",
    "M8 14h8",
  ],
  up: ["M12 19V5", "m6 11 6-6 6 6"],
  app: ["M5 5h5.5v5.5H5Z", "M13.5 5H19v5.5h-5.5Z", "M5 13.5h5.5V19H5Z", "M13.5 13.5H19V19h-5.5Z"],
};

/** Make an icon (24 units square, drawn in the text's colour), hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.7",
    "aria-hidden": "true",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("stroke-linecap", "round");
  svg.setAttribute("stroke-linejoin", "round");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

/** Make a button that shows an icon and is known by `label`. */
export function iconButton(name, label, onClick, properties = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: onClick }, ...properties },
    icon(name),
  );
}

/** Whether a key was pressed together with one that makes it a shortcut of the browser. */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/** Return a count as a badge shows it. */
export function short(count) {
  return count > 99 ? "99+" : String(count);
}
