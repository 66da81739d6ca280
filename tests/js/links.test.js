import assert from "node:assert/strict";
import { test } from "node:test";
import { appUrl, targetOf, webUrl } from "../../src/msgcenter/inbox/static/links.js";

const UNSAFE = [
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://school.example/1",
  "filesystem:https://school.example/1",
  "about:blank",
  "view-source:https://school.example/",
];
const NOT_ABSOLUTE = [
  "",
  " https://school.example/",
  "/path",
  "//school.example/",
  "school.example",
  null,
  undefined,
  5,
  {},
];

for (const address of UNSAFE) {
  test(`${address} is neither a web address nor an app's`, () => {
    assert.equal(webUrl(address), null);
    assert.equal(appUrl(address), null);
  });
}

test("only a string with an absolute URL is an address", () => {
  for (const value of NOT_ABSOLUTE) {
    assert.equal(webUrl(value), null, String(value));
    assert.equal(appUrl(value), null, String(value));
  }
});

test("http and https are web addresses, in the form that the browser gives them", () => {
  assert.equal(webUrl("https://school.example"), "https://school.example/");
  assert.equal(webUrl("HTTP://School.example/A?b=1#c"), "http://school.example/A?b=1#c");
});

test("the scheme of a native app is an app address but no web address", () => {
  assert.equal(webUrl("schoolapp://leave/42"), null);
  assert.equal(appUrl("schoolapp://leave/42"), "schoolapp://leave/42");
});

const body = { pcUrl: "https://school.example/leave", appUrl: "schoolapp://leave" };

test("a phone opens the app's address, another screen the web address", () => {
  assert.equal(targetOf({ body }, true), "schoolapp://leave");
  assert.equal(targetOf({ body }, false), "https://school.example/leave");
});

test("a message with one address opens it on every screen", () => {
  for (const isPhone of [true, false]) {
    assert.equal(targetOf({ body: { pcUrl: body.pcUrl } }, isPhone), body.pcUrl);
    assert.equal(targetOf({ body: { appUrl: body.appUrl } }, isPhone), body.appUrl);
  }
});

test("an unsafe address is passed over for the other one, and without any there is no target", () => {
  assert.equal(targetOf({ body: { pcUrl: "javascript:x", appUrl: body.appUrl } }, false), body.appUrl);
  assert.equal(targetOf({ body: { pcUrl: "javascript:x", appUrl: "data:,x" } }, true), null);
  assert.equal(targetOf({ body: {} }, true), null);
});
