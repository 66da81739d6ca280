import assert from "node:assert/strict";
import { test } from "node:test";
import { Choices } from "../../src/msgcenter/inbox/static/preference-choices.js";

/** @import { Preferences } from "../../src/msgcenter/inbox/static/preference-choices.js" */

/** @type {Preferences} */
const SHOWN = {
  whole: true,
  channels: ["email", "sms"],
  off: ["sms"],
  quietFrom: 60,
  quietUntil: 120,
  digest: null,
  language: null,
  timeZone: null,
  defaults: { quietFrom: null, quietUntil: null, timeZone: null },
  types: [],
  apps: [],
  contacts: [
    { kind: "mobile", value: "+86138****8000", disabledAt: null, disabledReason: null },
    { kind: "email", value: "w***@school.example", disabledAt: 1, disabledReason: "550" },
  ],
};

/** @param {(body: any) => void} [check] Throws to refuse. */
function choicesOf(check = () => {}) {
  /** @type {any[]} */
  const calls = [];
  let stored = SHOWN;
  const request = async (/** @type {string} */ method, /** @type {string} */ path, /** @type {any} */ body) => {
    await null;
    check(body);
    calls.push([method, path, body]);
    stored = { ...stored, ...body };
    return stored;
  };
  return { choices: new Choices(/** @type {any} */ ({ request }), SHOWN), calls };
}

test("a change is saved with all other choices", async () => {
  const { choices, calls } = choicesOf();
  await choices.turn("type:news:email", false);
  assert.deepEqual(calls, [
    [
      "PUT",
      "preferences",
      { off: ["sms", "type:news:email"], quietFrom: 60, quietUntil: 120, digest: null, language: null, timeZone: null },
    ],
  ]);
  assert.equal(choices.isOn("type:news:email"), false);
  await choices.turn("sms", true);
  assert.equal(choices.isOn("sms"), true);
});

test("changes at the same time do not undo one another", async () => {
  const { choices } = choicesOf();
  await Promise.all([choices.turn("email", false), choices.set({ digest: "daily" }), choices.turn("sms", true)]);
  assert.deepEqual([choices.shown.off, choices.shown.digest], [["email"], "daily"]);
});

test("a refused change leaves what is shown, and later ones are saved", async () => {
  const { choices } = choicesOf(({ digest }) => {
    if (digest) throw new Error("refused");
  });
  const refused = choices.set({ digest: "daily" });
  const saved = choices.turn("email", false);
  await assert.rejects(refused);
  await saved;
  assert.deepEqual([choices.shown.off, choices.shown.digest], [["sms", "email"], null]);
});

test("a channel knows where it leads, and forgets it when it is removed", async () => {
  const { choices, calls } = choicesOf();
  assert.equal(choices.contactOf("sms")?.value, "+86138****8000");
  assert.equal(choices.contactOf("email")?.disabledReason, "550");
  assert.equal(choices.contactOf("wecom"), null);
  await choices.removeContact("mobile");
  assert.equal(choices.contactOf("sms"), null);
  assert.deepEqual(calls, [["POST", "preferences/contacts/remove", { kind: "mobile" }]]);
});
