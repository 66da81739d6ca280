import assert from "node:assert/strict";
import { test } from "node:test";
import {
  contrast,
  headColours,
  hueOf,
  parseComputed,
  parseHead,
  readableOn,
} from "../../src/msgcenter/inbox/static/colour.js";
import { randomOf } from "./support/random.js";

/** @import { Rgb } from "../../src/msgcenter/inbox/static/colour.js" */

/** @type {Rgb} */
const WHITE = [255, 255, 255];
/** @type {Rgb} */
const BLACK = [0, 0, 0];

test("contrast is that of WCAG, from 1 to 21, in both directions", () => {
  assert.equal(contrast(WHITE, BLACK), 21);
  assert.equal(contrast(BLACK, WHITE), 21);
  assert.equal(contrast(WHITE, WHITE), 1);
  assert.equal(contrast([119, 119, 119], WHITE).toFixed(2), "4.48");
  assert.equal(contrast([255, 0, 0], WHITE).toFixed(2), "4.00");
});

test("the text on every opaque head has a contrast of 4.2 at least", () => {
  const random = randomOf(1);
  for (let run = 0; run < 2_000; run += 1) {
    /** @type {Rgb} */
    const colour = [random.below(256), random.below(256), random.below(256)];
    assert.ok(contrast(readableOn(colour), colour) >= 4.2, colour.join());
  }
});

test("dark colours get light text, and light ones dark text", () => {
  assert.deepEqual(readableOn(BLACK), WHITE);
  assert.deepEqual(readableOn([204, 0, 0]), WHITE);
  assert.notDeepEqual(readableOn(WHITE), WHITE);
  assert.notDeepEqual(readableOn([255, 204, 0]), WHITE);
});

test("AARRGGBB has the opacity first", () => {
  assert.deepEqual(parseHead("80102030"), { r: 16, g: 32, b: 48, a: 128 / 255 });
  assert.deepEqual(parseHead("ffABCDEF"), { r: 171, g: 205, b: 239, a: 1 });
});

for (const value of [undefined, null, "", "red", "#FFCC0000", "CC0000", "FFCC00000", "GGCC0000", "FFCC0000;"]) {
  test(`the head colour ${JSON.stringify(value)} is invalid: the default one is used`, () => {
    assert.deepEqual(parseHead(value), { r: 204, g: 0, b: 0, a: 1 });
  });
}

test("a translucent head takes the text colour for what is visible through it", () => {
  assert.deepEqual(headColours("FF000000", WHITE), { background: "rgba(0, 0, 0, 1)", text: "rgb(255, 255, 255)" });
  assert.equal(headColours("10000000", WHITE).text, "rgb(20, 24, 31)");
  assert.equal(headColours("10000000", BLACK).text, "rgb(255, 255, 255)");
  assert.equal(headColours("80000000", WHITE).background, "rgba(0, 0, 0, 0.502)");
});

test("computed colours are read in the forms of rgb()", () => {
  assert.deepEqual(parseComputed("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.deepEqual(parseComputed("rgba(1, 2, 3, 0.5)"), [1, 2, 3]);
  assert.deepEqual(parseComputed("rgb(1 2 3 / 0.5)"), [1, 2, 3]);
});

for (const value of ["", "transparent", "rgba(0, 0, 0, 0)", "red", "color(srgb 1 0 0)", "rgb(1, 2)", "rgb(a, b, c)"]) {
  test(`the computed colour "${value}" is unknown`, () => {
    assert.equal(parseComputed(value), null);
  });
}

test("an app always has the same hue, and apps have different ones", () => {
  assert.equal(hueOf("demo"), hueOf("demo"));
  const hues = new Set(Array.from({ length: 100 }, (_, number) => hueOf(`app-${number}`)));
  assert.ok(hues.size > 60);
  for (const hue of hues) assert.ok(Number.isInteger(hue) && hue >= 0 && hue < 360);
});
