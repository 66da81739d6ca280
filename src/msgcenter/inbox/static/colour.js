/** Colours of oa heads: AARRGGBB to what CSS understands, and a text colour that can be read on it. */

const DEFAULT_HEAD = "FFCC0000";
const DARK_TEXT = [20, 24, 31];
const LIGHT_TEXT = [255, 255, 255];

/** Return {r, g, b, a} (a from 0 to 1) of AARRGGBB; of the default head colour if it is none. */
export function parseHead(value) {
  const hex = /^[0-9a-f]{8}$/i.test(value ?? "") ? value : DEFAULT_HEAD;
  const [a, r, g, b] = [0, 2, 4, 6].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return { r, g, b, a: a / 255 };
}

/** Return {background, text} of a head, as CSS, for the surface ([r, g, b]) that shines through it. */
export function headColours(value, surface) {
  const { r, g, b, a } = parseHead(value);
  const shown = [r, g, b].map((part, index) => part * a + surface[index] * (1 - a));
  return {
    background: `rgba(${r}, ${g}, ${b}, ${Math.round(a * 1000) / 1000})`,
    text: `rgb(${readableOn(shown).join(", ")})`,
  };
}

/** Return the text colour [r, g, b], light or dark, that stands out better from `background`. Of two that both do, the light one. */
export function readableOn(background) {
  const light = contrast(LIGHT_TEXT, background);
  return light >= 4.5 || light >= contrast(DARK_TEXT, background) ? LIGHT_TEXT : DARK_TEXT;
}

/** Return the contrast ratio of two opaque colours, from 1 to 21, as WCAG defines it. */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Return [r, g, b] of a computed CSS colour; null if it is given in another form than rgb() or is transparent. */
export function parseComputed(value) {
  const parts = /^rgba?\(([^)]+)\)$/
    .exec(value)?.[1]
    .split(/[\s,/]+/)
    .map(Number);
  if (!parts || parts.length < 3 || parts.some(Number.isNaN) || parts[3] === 0) return null;
  return parts.slice(0, 3);
}

function luminance(colour) {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
