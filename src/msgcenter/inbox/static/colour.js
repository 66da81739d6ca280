/** Colours: the heads of oa messages (AARRGGBB), text that is readable on them, and a hue for each app. */

/** @typedef {[red: number, green: number, blue: number]} Rgb Parts from 0 to 255. */

const DEFAULT_HEAD = "FFCC0000";
const HUES = 360;
/** @type {Rgb} */
const DARK_TEXT = [20, 24, 31];
/** @type {Rgb} */
const LIGHT_TEXT = [255, 255, 255];

/**
 * Return the parts of a colour AARRGGBB, `a` from 0 to 1; those of the default head colour if the value is invalid.
 *
 * @param {string | null | undefined} value
 */
export function parseHead(value) {
  const hex = value && /^[0-9a-f]{8}$/i.test(value) ? value : DEFAULT_HEAD;
  const part = (/** @type {number} */ start) => Number.parseInt(hex.slice(start, start + 2), 16);
  return { r: part(2), g: part(4), b: part(6), a: part(0) / 255 };
}

/**
 * Return the background and text colour of a head as CSS. `surface` is the colour below a translucent head.
 *
 * @param {string | null | undefined} value
 * @param {Rgb} surface
 */
export function headColours(value, surface) {
  const { r, g, b, a } = parseHead(value);
  const blend = (/** @type {number} */ part, /** @type {number} */ below) => part * a + below * (1 - a);
  /** @type {Rgb} */
  const visible = [blend(r, surface[0]), blend(g, surface[1]), blend(b, surface[2])];
  return {
    background: `rgba(${r}, ${g}, ${b}, ${Math.round(a * 1000) / 1000})`,
    text: `rgb(${readableOn(visible).join(", ")})`,
  };
}

/**
 * Return the text colour, light or dark, with the better contrast to `background`.
 *
 * @param {Rgb} background
 */
export function readableOn(background) {
  return contrast(LIGHT_TEXT, background) >= contrast(DARK_TEXT, background) ? LIGHT_TEXT : DARK_TEXT;
}

/**
 * Return the contrast ratio of two opaque colours, from 1 to 21, as WCAG defines it.
 *
 * @param {Rgb} left
 * @param {Rgb} right
 */
export function contrast(left, right) {
  const [a, b] = [luminance(left), luminance(right)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/**
 * Return the parts of a computed CSS colour; null if it has another form than rgb() or is transparent.
 *
 * @param {string} value
 * @returns {Rgb | null}
 */
export function parseComputed(value) {
  const parts = /^rgba?\(([^)]+)\)$/
    .exec(value)?.[1]
    .split(/[\s,/]+/)
    .map(Number);
  if (!parts || parts.length < 3 || parts.some(Number.isNaN) || parts[3] === 0) return null;
  return [parts[0], parts[1], parts[2]];
}

/**
 * Return the hue of an app's tile, from 0 to 359: always the same one for an appId.
 *
 * @param {string} appId
 */
export function hueOf(appId) {
  let hue = 7;
  for (const letter of appId) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 100_003;
  return hue % HUES;
}

/** @param {Rgb} colour */
function luminance([r, g, b]) {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** @param {number} part */
function linear(part) {
  const share = part / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
