import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, placesOf } from "../../src/msgcenter/inbox/static/search.js";

/**
 * @param {string} query
 * @param {string} text
 */
const marked = (query, text) => placesOf(query, text).map(([start, end]) => text.slice(start, end));

test("every place is found, without regard to case", () => {
  assert.deepEqual(marked("no", "No, NOT now"), ["No", "NO", "no"]);
  assert.deepEqual(marked("x", "abc"), []);
});

test("an empty query matches nothing", () => {
  assert.deepEqual(marked("", "abc"), []);
  assert.deepEqual(marked("  ", "a  b"), []);
});

test("places do not overlap", () => {
  assert.deepEqual(placesOf("aa", "aaaaa"), [
    [0, 2],
    [2, 4],
  ]);
});

for (const [query, text, place] of [
  ["app", "ＡＰＰ下载", "ＡＰＰ"],
  ["ガ", "ｶﾞﾗｽ", "ｶﾞ"],
  ["é", "cafe\u0301!", "e\u0301"],
  ["ss", "Straße", "ß"],
  ["1", "第①条", "①"],
  ["σ", "ΛΟΓΟΣ", "Σ"],
]) {
  test(`${query} finds ${place} in ${text}`, () => {
    assert.deepEqual(marked(query, text), [place]);
    assert.ok(matches(query, ["other", text]));
  });
}

test("a letter is marked as a whole, and once", () => {
  assert.deepEqual(marked("s", "ß"), ["ß"]);
});

test("a text without the query does not match", () => {
  assert.ok(!matches("leave", ["Holiday", "Class 3"]));
});
