import assert from "node:assert/strict";
import { test } from "node:test";
import { languageFor, textsIn } from "../../src/msgcenter/inbox/static/texts.js";
import { Browser } from "./support/browser.js";

const LANGUAGES = /** @type {const} */ (["zh", "en"]);

for (const language of LANGUAGES) {
  test(`every text of "${language}" has words, and those with parameters contain them`, () => {
    for (const [name, text] of Object.entries(textsIn(language))) {
      if (typeof text === "string") assert.notEqual(text.trim(), "", name);
      if (typeof text !== "function") continue;
      const values = Array.from({ length: text.length }, (_, index) => String(71 + index));
      const filled = String(/** @type {(...values: string[]) => string | string[]} */ (text)(...values));
      for (const value of values) assert.ok(filled.includes(value), `${name}: ${filled}`);
    }
  });
}

test("a count of one needs no other words in English", () => {
  const { newMessages, attachments, didMarkAll } = textsIn("en");
  assert.equal(newMessages(1), newMessages(2).replace("2", "1"));
  assert.equal(attachments("1"), attachments("2").replace("2", "1"));
  assert.equal(didMarkAll(1), didMarkAll(2).replace("2", "1"));
});

test("the texts of both languages are different", () => {
  const [chinese, english] = LANGUAGES.map(textsIn);
  for (const [name, text] of Object.entries(chinese)) {
    if (typeof text === "string") assert.notEqual(text, english[/** @type {keyof typeof english} */ (name)], name);
  }
});

for (const [attribute, page, browser, language] of [
  ["zh-CN", "en", "en", "zh"],
  ["en", "zh-CN", "zh-CN", "en"],
  [null, "en", "zh-CN", "en"],
  [null, "", "zh-TW", "zh"],
  [null, "", "fr", "en"],
  ["de", "zh", "zh", "en"],
  [null, "", "", "zh"],
]) {
  test(`the language is ${language} for attribute ${attribute}, page "${page}" and browser "${browser}"`, () => {
    const { document, navigator } = new Browser().install();
    Object.assign(document, { documentElement: { lang: page } });
    Object.assign(navigator, { language: browser });
    assert.equal(languageFor(attribute), language);
  });
}
