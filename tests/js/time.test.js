import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Asia/Shanghai";
const { textsIn } = await import("../../src/msgcenter/inbox/static/texts.js");
const { Clock } = await import("../../src/msgcenter/inbox/static/time.js");

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const english = new Clock("en", textsIn("en"));
const chinese = new Clock("zh", textsIn("zh"));
/** Tuesday, 24 November 2026, 14:05 in Shanghai. */
const NOW = Date.UTC(2026, 10, 24, 6, 5);

test("within a minute it is just now, also for a clock that is ahead", () => {
  for (const time of [NOW, NOW - MINUTE + 1, NOW + HOUR]) {
    assert.equal(english.short(time, NOW), "just now");
    assert.equal(chinese.short(time, NOW), "刚刚");
  }
});

test("within an hour, the whole minutes are counted", () => {
  assert.match(english.short(NOW - MINUTE, NOW), /^1 min\.? ago$/);
  assert.match(english.short(NOW - 6 * MINUTE + 1, NOW), /^5 min\.? ago$/);
  assert.equal(chinese.short(NOW - 5 * MINUTE, NOW), "5分钟前");
});

test("from an hour on, the time of day is shown, in 24 hours", () => {
  assert.equal(english.short(NOW - HOUR, NOW), "13:05");
  assert.equal(chinese.short(NOW - HOUR, NOW), "13:05");
  assert.equal(english.short(Date.UTC(2026, 10, 23, 16, 0), NOW), "00:00");
});

test("days begin at midnight of the browser's time zone", () => {
  const midnight = Date.UTC(2026, 10, 23, 16, 0);
  assert.equal(english.day(midnight, NOW), "Today");
  assert.equal(english.day(midnight - 1, NOW), "Yesterday");
  assert.equal(english.day(midnight - DAY, NOW), "Yesterday");
  assert.equal(english.day(midnight - DAY - 1, NOW), "22 Nov");
  assert.equal(chinese.day(midnight, NOW), "今天");
  assert.equal(chinese.day(midnight - 1, NOW), "昨天");
  assert.equal(chinese.day(midnight - DAY - 1, NOW), "11月22日");
});

test("a time in the future counts as today", () => {
  assert.equal(english.day(NOW + 3 * DAY, NOW), "Today");
});

test("another year is named", () => {
  assert.equal(english.day(Date.UTC(2024, 10, 3, 4), NOW), "3 Nov 2024");
  assert.equal(chinese.day(Date.UTC(2024, 10, 3, 4), NOW), "2024年11月3日");
  assert.equal(english.day(Date.UTC(2026, 0, 1, 4), NOW), "1 Jan");
});

test("a moment is a time of day today, and a day before", () => {
  assert.equal(english.moment(NOW - 2 * HOUR, NOW), "12:05");
  assert.equal(english.moment(NOW - DAY, NOW), "Yesterday");
  assert.equal(chinese.moment(NOW - 10 * DAY, NOW), "11月14日");
});

test("the full time has the day of the week and the year", () => {
  assert.match(english.full(NOW), /Tuesday.* 24 November 2026.* 14:05/);
  assert.match(chinese.full(NOW), /2026年11月24日星期二.*14:05/);
});

test("a day of 23 or 25 hours is one day", () => {
  process.env.TZ = "Europe/Berlin";
  new Date().getTimezoneOffset();
  const clock = new Clock("en", textsIn("en"));
  const afterSpring = new Date(2026, 2, 29, 12).getTime();
  assert.equal(clock.day(new Date(2026, 2, 28, 12).getTime(), afterSpring), "Yesterday");
  const afterAutumn = new Date(2026, 9, 25, 12).getTime();
  assert.equal(clock.day(new Date(2026, 9, 24, 0).getTime(), afterAutumn), "Yesterday");
  assert.equal(clock.day(new Date(2026, 9, 23, 23, 59).getTime(), afterAutumn), "23 Oct");
});
