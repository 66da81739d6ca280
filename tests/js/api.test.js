import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Api, ApiError, openTheSame, Session } from "../../src/msgcenter/inbox/static/api.js";
import { settle } from "./support/clock.js";

/** @typedef {{url: URL, method: string, headers: Record<string, string>, body: any, answer: (status: number, body?: unknown, headers?: Record<string, string>) => void, fail: (error: unknown) => void}} Request */

/** @type {Request[]} */
let requests = [];

globalThis.fetch = (url, options = {}) =>
  new Promise((resolve, reject) => {
    const { method = "GET", headers, body, signal } = options;
    signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    requests.push({
      url: new URL(String(url)),
      method,
      headers: /** @type {Record<string, string>} */ (headers),
      body: body ? JSON.parse(String(body)) : undefined,
      answer: (status, answer = {}, headers = {}) =>
        resolve(new Response(status === 304 ? null : JSON.stringify(answer), { status, headers })),
      fail: reject,
    });
  });

/** @param {object} claims */
function tokenOf(claims) {
  return `header.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
}

const inSeconds = (/** @type {number} */ seconds) => Math.floor(Date.now() / 1000) + seconds;
const LONG = tokenOf({ sub: "parent", exp: inSeconds(3_600) });
const FRESH = tokenOf({ sub: "parent", exp: inSeconds(7_200) });
const VIEW = { filter: /** @type {const} */ ("all"), app: "", q: "" };

/**
 * @param {string} token
 * @param {() => Promise<string | null>} [renew]
 */
function apiWith(token, renew = async () => null) {
  const session = new Session(token, renew);
  return { session, api: new Api("https://msg.example/base", session, "zh") };
}

beforeEach(() => {
  requests = [];
});

test("a call carries the token and the language, and returns the answer", async () => {
  const { api } = apiWith(LONG);
  const counts = api.counts();
  await settle();
  const [{ url, method, headers, answer }] = requests;
  assert.deepEqual([method, url.href], ["GET", "https://msg.example/base/inbox/v1/counts"]);
  assert.equal(headers.Authorization, `Bearer ${LONG}`);
  assert.equal(headers["Accept-Language"], "zh");
  answer(200, { unread: 3 });
  assert.deepEqual(await counts, { unread: 3 });
});

test("a list asks for its view, its page and its limit", async () => {
  const { api } = apiWith(LONG);
  api.list({ filter: "unread", app: "a b", q: "请假&" }, { cursor: "c1", limit: 50 });
  api.list(VIEW);
  await settle();
  const query = "limit=50&filter=unread&app=a+b&q=%E8%AF%B7%E5%81%87%26&cursor=c1";
  assert.deepEqual(
    requests.map(({ url }) => url.search.slice(1)),
    [query, "limit=30&filter=all"],
  );
});

test("an unchanged list is not sent again", async () => {
  const { api } = apiWith(LONG);
  const options = { withCounts: true };
  /** @param {number} status @param {object} body @param {string} tag */
  const answer = async (status, body, tag) => {
    await settle();
    requests[requests.length - 1].answer(status, body, { ETag: tag });
  };
  const first = api.list(VIEW, options);
  await answer(200, { messages: [], nextCursor: null, counts: { unread: 0 } }, '"a"');
  const page = await first;
  assert.equal(requests[0].url.search, "?limit=30&filter=all&counts=1");
  assert.equal(requests[0].headers["If-None-Match"], undefined);
  const again = api.list(VIEW, options);
  await answer(304, {}, '"a"');
  assert.equal(requests[1].headers["If-None-Match"], '"a"');
  assert.equal(await again, page);
  const changed = api.list(VIEW, options);
  await answer(200, { messages: [], nextCursor: null, counts: { unread: 1 } }, '"b"');
  assert.deepEqual((await changed).counts, { unread: 1 });
  api.list(VIEW, options);
  await settle();
  assert.equal(requests[3].headers["If-None-Match"], '"b"');
});

test("only the lists that were used last are kept", async () => {
  const { api } = apiWith(LONG);
  for (const app of ["1", "2", "1", "3", "4", "5", "1", "2"]) {
    const list = api.list({ ...VIEW, app });
    await settle();
    requests[requests.length - 1].answer(200, { messages: [], nextCursor: null }, { ETag: app });
    await list;
  }
  assert.deepEqual(
    requests.map(({ headers }) => headers["If-None-Match"]),
    [undefined, undefined, "1", undefined, undefined, undefined, "1", undefined],
  );
});

test("more than 100 ids go in several calls, whose outcomes are added up", async () => {
  const { api } = apiWith(LONG);
  const ids = Array.from({ length: 250 }, (_, number) => String(number));
  const changing = api.setRead(ids, true);
  for (const [index, size] of [100, 100, 50].entries()) {
    await settle();
    assert.deepEqual([requests.length, requests[index].body.ids.length], [index + 1, size]);
    requests[index].answer(200, { changed: requests[index].body.ids, counts: { unread: 250 - index } });
  }
  assert.deepEqual(await changing, { changed: ids, counts: { unread: 248 } });
});

test("a refusal is an ApiError with the server's code and explanation", async () => {
  const { api } = apiWith(LONG);
  const counts = api.counts();
  await settle();
  requests[0].answer(429, { code: "rate_exceeded", detail: "请稍后再试" });
  await assert.rejects(counts, { name: "ApiError", status: 429, code: "rate_exceeded", detail: "请稍后再试" });
});

test("a call that does not reach the server is an ApiError too", async () => {
  const { api } = apiWith(LONG);
  const counts = api.counts();
  await settle();
  requests[0].fail(new TypeError("Failed to fetch"));
  await assert.rejects(counts, { name: "ApiError", status: 0, code: "network" });
});

test("a page that is no JSON, as a proxy may send it, is an ApiError", async () => {
  const { api } = apiWith(LONG);
  globalThis.fetch = wrap(globalThis.fetch, async () => new Response("<html>", { status: 502 }));
  await assert.rejects(api.counts(), { status: 502, code: "internal" });
});

/**
 * Return a fetch that answers the next request with `once`, and all others with `fetch`.
 *
 * @param {typeof fetch} original
 * @param {typeof fetch} once
 */
function wrap(original, once) {
  return (/** @type {any} */ url, /** @type {any} */ options) => {
    globalThis.fetch = original;
    return once(url, options);
  };
}

test("an aborted call is an AbortError", async () => {
  const { api } = apiWith(LONG);
  const cancel = new AbortController();
  const list = api.list(VIEW, { signal: cancel.signal });
  await settle();
  cancel.abort();
  await assert.rejects(list, { name: "AbortError" });
});

test("an expired token is renewed and the call repeated, once", async () => {
  let renewals = 0;
  const { api } = apiWith(LONG, async () => {
    renewals += 1;
    return FRESH;
  });
  const counts = api.counts();
  await settle();
  requests[0].answer(401, { code: "token_expired" });
  await settle();
  assert.equal(requests[1].headers.Authorization, `Bearer ${FRESH}`);
  requests[1].answer(401, { code: "token_expired" });
  await assert.rejects(counts, { status: 401 });
  assert.deepEqual([requests.length, renewals], [2, 1]);
});

test("a call that is refused after another has renewed the token is repeated without a second renewal", async () => {
  let renewals = 0;
  const { api } = apiWith(LONG, async () => {
    renewals += 1;
    return FRESH;
  });
  const calls = [api.counts(), api.counts()];
  await settle();
  requests[0].answer(401);
  await settle();
  requests[2].answer(200, { unread: 1 });
  await settle();
  requests[1].answer(401);
  await settle();
  requests[3].answer(200, { unread: 2 });
  assert.deepEqual(await Promise.all(calls), [{ unread: 1 }, { unread: 2 }]);
  assert.equal(renewals, 1);
});

test("without a new token the refusal stays", async () => {
  for (const renew of [async () => null, async () => LONG, () => Promise.reject(new Error("host page"))]) {
    requests = [];
    const { api } = apiWith(LONG, renew);
    const counts = api.counts();
    await settle();
    requests[0].answer(401, { code: "token_expired" });
    await assert.rejects(counts, { status: 401 });
    assert.equal(requests.length, 1);
  }
});

test("a token that ends within a minute is renewed ahead, once for all calls", async () => {
  let renewals = 0;
  const { api } = apiWith(tokenOf({ exp: inSeconds(30) }), async () => {
    renewals += 1;
    return FRESH;
  });
  api.counts();
  api.list(VIEW);
  await settle();
  assert.deepEqual([requests.length, renewals], [2, 1]);
  for (const { headers } of requests) assert.equal(headers.Authorization, `Bearer ${FRESH}`);
});

test("a token that the host page sets during a renewal stays", async () => {
  /** @type {(token: string) => void} */
  let answer = () => {};
  const { session } = apiWith(LONG, () => new Promise((resolve) => (answer = resolve)));
  const renewing = session.renew();
  session.token = FRESH;
  answer(tokenOf({ sub: "late" }));
  assert.equal(await renewing, true);
  assert.equal(session.token, FRESH);
});

test("what is no JWT has no end", () => {
  for (const token of ["", "abc", "a.b.c", "a.e30.c"]) {
    const { session } = apiWith(token);
    assert.equal(session.expiresAt, null);
    assert.equal(session.isEnding, false);
  }
});

test("tokens open the same inbox if they differ in times and audience only", () => {
  const old = tokenOf({ sub: "wang", app: "demo", exp: 1, iat: 1 });
  assert.ok(openTheSame(old, tokenOf({ app: "demo", sub: "wang", exp: 2, iat: 2, aud: "msgcenter inbox", jti: "x" })));
  assert.ok(!openTheSame(old, tokenOf({ sub: "li", app: "demo", exp: 1 })));
  assert.ok(!openTheSame("no token", "no token"));
});

test("an ApiError without an explanation has its code as the message", () => {
  assert.equal(new ApiError(0, "network").message, "network");
});
