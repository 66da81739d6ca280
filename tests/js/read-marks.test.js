import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { addMarks, sendMarks } from "../../src/msgcenter/inbox/static/read-marks.js";
import { settle } from "./support/clock.js";
import { fakeData, fakeLocks } from "./support/device.js";

const SERVER = "https://msg.example/base";
/** @type {{body: {ids: string[], read: boolean}, answer: (status: number) => void, fail: () => void}[]} */
let calls = [];

globalThis.fetch = (_url, options = {}) =>
  new Promise((resolve, reject) => {
    calls.push({
      body: JSON.parse(String(options.body)),
      answer: (status) => resolve(new Response("{}", { status })),
      fail: () => reject(new TypeError("no network")),
    });
  });

beforeEach(() => {
  calls = [];
  fakeLocks();
});

test("marks are sent once, though two ask for it at the same time", async () => {
  const data = fakeData();
  await addMarks(data, ["1", "2"], true);
  await addMarks(data, ["3"], false);
  const both = [sendMarks(data, SERVER, "token"), sendMarks(data, SERVER, "token")];
  await settle();
  calls[0].answer(200);
  await settle();
  calls[1].answer(200);
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.deepEqual(
    calls.map(({ body }) => body),
    [
      { ids: ["1", "2"], read: true },
      { ids: ["3"], read: false },
    ],
  );
  assert.deepEqual(await data.get("marks"), {});
});

test("the latest mark of a message counts", async () => {
  const data = fakeData();
  await addMarks(data, ["1"], true);
  await addMarks(data, ["1"], false);
  const sending = sendMarks(data, SERVER, "token");
  await settle();
  calls[0].answer(200);
  assert.equal(await sending, true);
  assert.deepEqual(
    calls.map(({ body }) => body),
    [{ ids: ["1"], read: false }],
  );
});

test("a mark that changes while it is sent stays for the next time", async (context) => {
  let now = 1;
  context.mock.method(Date, "now", () => now);
  const data = fakeData();
  await addMarks(data, ["1", "2"], true);
  const sending = sendMarks(data, SERVER, "token");
  await settle();
  now += 1;
  await addMarks(data, ["2"], false);
  calls[0].answer(200);
  await sending;
  assert.deepEqual(Object.keys((await data.get("marks")) ?? {}), ["2"]);
});

for (const [name, end] of /** @type {[string, (call: typeof calls[number]) => void][]} */ ([
  ["the server is out of reach", ({ fail }) => fail()],
  ["the server is busy", ({ answer }) => answer(503)],
  ["the session has ended", ({ answer }) => answer(401)],
])) {
  test(`marks stay if ${name}`, async () => {
    const data = fakeData();
    await addMarks(data, ["1"], true);
    const sending = sendMarks(data, SERVER, "token");
    await settle();
    end(calls[0]);
    assert.equal(await sending, false);
    assert.deepEqual(Object.keys((await data.get("marks")) ?? {}), ["1"]);
  });
}

test("the newest thousand marks are kept", async () => {
  const data = fakeData();
  const ids = Array.from({ length: 1_100 }, (_, index) => `m${index}`);
  await addMarks(data, ids, true);
  assert.equal(Object.keys((await data.get("marks")) ?? {}).length, 1_000);
});
