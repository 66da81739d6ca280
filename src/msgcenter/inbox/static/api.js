/** The inbox's API: calls with the user's token, which is renewed once when it has expired. */

/** @import { Counts, Message } from "./messages.js" */

/**
 * @typedef {"all" | "unread" | "todo" | "archived" | "starred" | "snoozed"} Filter
 *
 * @typedef {object} View Which messages a list shows.
 * @property {Filter} filter
 * @property {string} app An appId; "" for all apps.
 * @property {string} q What is searched for; "" for no search.
 *
 * @typedef {object} Page
 * @property {Message[]} messages Newest first.
 * @property {string | null} nextCursor Null on the last page.
 * @property {Counts} [counts] The counts of the same moment, if they were asked for.
 *
 * @typedef {object} ChangeResult
 * @property {string[]} changed The ids that were changed.
 * @property {Counts | null} counts The counts after the change; null when nothing was asked of the server.
 */

const RENEW_AHEAD = 60_000;
const MAX_IDS_PER_CALL = 100;
/** Lists that are kept, so that the server need not send an unchanged one again. */
const KEPT_LISTS = 4;

/** A call that was refused or did not reach the server (`status` 0, `code` "network"). */
export class ApiError extends Error {
  /**
   * @param {number} status The HTTP status.
   * @param {string} code A code of docs/inbox.md.
   * @param {string} [detail] The server's explanation, in the user's language.
   */
  constructor(status, code, detail = "") {
    super(detail || code);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** Whether a new token is needed. */
  get needsToken() {
    return this.status === 401;
  }
}

/** The user's token. `renew` returns a new one, or null when the host page has none. */
export class Session {
  #renew;
  /** @type {Promise<boolean> | null} */
  #renewing = null;
  #token = "";
  /** @type {number | null} */
  #expiresAt = null;

  /**
   * @param {string} token
   * @param {() => Promise<string | null | undefined>} renew
   */
  constructor(token, renew) {
    this.#renew = renew;
    this.token = token;
  }

  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#expiresAt = expiryOf(token);
  }

  /** When the token expires (ms since 1970); null if the token does not tell. */
  get expiresAt() {
    return this.#expiresAt;
  }

  /** Whether the token has expired or does so within a minute. */
  get isEnding() {
    return this.#expiresAt !== null && this.#expiresAt - RENEW_AHEAD < Date.now();
  }

  /** Get a new token and return whether there is one. Calls at the same time share one renewal. */
  renew() {
    this.#renewing ??= this.#fetchToken().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #fetchToken() {
    const oldToken = this.#token;
    let newToken = null;
    try {
      newToken = await this.#renew();
    } catch {
      return false;
    }
    if (this.#token !== oldToken) return true; // the host page has set another one meanwhile
    if (!newToken || newToken === oldToken) return false;
    this.token = newToken;
    return true;
  }
}

/** @typedef {{tag: string, page: Page}} KeptList A list and its entity tag. */

/** The calls of docs/inbox.md. Each throws an ApiError, or an AbortError when its signal is aborted. */
export class Api {
  #server;
  #session;
  #language;
  /**
   * By their paths, the one used last at the end. In memory only: the browser's cache would write them to its disk.
   *
   * @type {Map<string, KeptList>}
   */
  #keptLists = new Map();

  /**
   * @param {string} server The server's URL with its base path, without a slash at the end.
   * @param {Session} session
   * @param {string} language "zh" or "en": the language of the server's explanations.
   */
  constructor(server, session, language) {
    this.#server = server;
    this.#session = session;
    this.#language = language;
  }

  /**
   * Return a page of a list, perhaps with the counts of the same moment. It must not be changed.
   *
   * @param {View} view
   * @param {{cursor?: string | null, limit?: number, withCounts?: boolean, signal?: AbortSignal}} [options]
   * @returns {Promise<Page>}
   */
  list(view, { cursor = null, limit = 30, withCounts = false, signal } = {}) {
    const query = new URLSearchParams({ limit: String(limit), filter: view.filter });
    if (view.app) query.set("app", view.app);
    if (view.q) query.set("q", view.q);
    if (cursor) query.set("cursor", cursor);
    if (withCounts) query.set("counts", "1");
    return this.#call("GET", `messages?${query}`, undefined, signal);
  }

  /**
   * @param {string} id
   * @returns {Promise<Message>}
   */
  message(id) {
    return this.#call("GET", `messages/${encodeURIComponent(id)}`);
  }

  /** @returns {Promise<Counts>} */
  counts() {
    return this.#call("GET", "counts");
  }

  /**
   * Set any number of messages read or unread.
   *
   * @param {string[]} ids
   * @param {boolean} read
   */
  setRead(ids, read) {
    return this.#inChunks(ids, (chunk) => this.#call("POST", "messages/status", { ids: chunk, read }));
  }

  /**
   * Move any number of messages into the archive or out of it.
   *
   * @param {string[]} ids
   * @param {boolean} archived
   */
  setArchived(ids, archived) {
    return this.#inChunks(ids, (chunk) => this.#call("POST", "messages/archive", { ids: chunk, archived }));
  }

  /**
   * Star any number of messages, or take their stars away.
   *
   * @param {string[]} ids
   * @param {boolean} starred
   */
  setStarred(ids, starred) {
    return this.#inChunks(ids, (chunk) => this.#call("POST", "messages/star", { ids: chunk, starred }));
  }

  /**
   * Delete any number of messages, or take that back.
   *
   * @param {string[]} ids
   * @param {boolean} deleted
   */
  setDeleted(ids, deleted) {
    return this.#inChunks(ids, (chunk) => this.#call("POST", "messages/delete", { ids: chunk, deleted }));
  }

  /**
   * Hide any number of messages until a time (ms since 1970), or show them at once (null).
   *
   * @param {string[]} ids
   * @param {number | null} until
   */
  snooze(ids, until) {
    return this.#inChunks(ids, (chunk) => this.#call("POST", "messages/snooze", { ids: chunk, until }));
  }

  /**
   * Mute an app, or end that.
   *
   * @param {string} app
   * @param {boolean} muted
   * @returns {Promise<Counts>}
   */
  setMuted(app, muted) {
    return this.#call("POST", `apps/${encodeURIComponent(app)}/mute`, { muted });
  }

  /**
   * Set all messages of a list read, on all its pages, up to and including the message `upTo`.
   *
   * @param {string} upTo
   * @param {View} view
   * @returns {Promise<ChangeResult>}
   */
  readAll(upTo, { filter, app, q }) {
    return this.#call("POST", "messages/read-all", { upTo, filter, app: app || undefined, q: q || undefined });
  }

  /**
   * Make a call about the user's settings. Returns its answer.
   *
   * @param {"GET" | "POST" | "PUT"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  request(method, path, body) {
    return this.#call(method, path, body);
  }

  /**
   * @param {string[]} ids
   * @param {(chunk: string[]) => Promise<ChangeResult>} call
   * @returns {Promise<ChangeResult>}
   */
  async #inChunks(ids, call) {
    let counts = null;
    const changed = [];
    for (let start = 0; start < ids.length; start += MAX_IDS_PER_CALL) {
      const result = await call(ids.slice(start, start + MAX_IDS_PER_CALL));
      changed.push(...result.changed);
      counts = result.counts;
    }
    return { changed, counts };
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {AbortSignal} [signal]
   */
  async #call(method, path, body, signal) {
    if (this.#session.isEnding) await this.#session.renew();
    const { token } = this.#session;
    try {
      return await this.#attempt(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.needsToken)) throw error;
      // Another call may have renewed the token meanwhile.
      if (this.#session.token === token && !(await this.#session.renew())) throw error;
      return this.#attempt(method, path, body, signal);
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {AbortSignal} [signal]
   */
  async #attempt(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = {
      Authorization: `Bearer ${this.#session.token}`,
      "Accept-Language": this.#language,
      Accept: "application/json",
    };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const kept = this.#keptLists.get(path);
    if (kept) headers["If-None-Match"] = kept.tag;
    let response;
    try {
      response = await fetch(`${this.#server}/inbox/v1/${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        credentials: "omit",
        cache: "no-store",
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError(0, "network");
    }
    if (response.status === 304 && kept) return this.#keep(path, kept);
    const answer = await response.json().catch(() => null);
    const tag = response.headers.get("ETag");
    if (response.ok && answer !== null) return tag ? this.#keep(path, { tag, page: answer }) : answer;
    throw new ApiError(response.status, answer?.code ?? "internal", answer?.detail);
  }

  /**
   * Keep a list instead of the one that has not been used for longest. Returns its page.
   *
   * @param {string} path
   * @param {KeptList} list
   */
  #keep(path, list) {
    this.#keptLists.delete(path);
    this.#keptLists.set(path, list);
    for (const oldest of this.#keptLists.keys()) {
      if (this.#keptLists.size <= KEPT_LISTS) break;
      this.#keptLists.delete(oldest);
    }
    return list.page;
  }
}

/**
 * Return whether an error says that its call was aborted.
 *
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/**
 * Return an error as an ApiError. Another one is a mistake in the code: it is reported to the page as well.
 *
 * @param {unknown} error
 */
export function asApiError(error) {
  if (error instanceof ApiError) return error;
  queueMicrotask(() => {
    throw error;
  });
  return new ApiError(0, "internal");
}

/**
 * Return whether two tokens open the same inbox: all their claims are equal except the times, and the audience, which
 * old tokens lack.
 *
 * @param {string} left
 * @param {string} right
 */
export function openTheSame(left, right) {
  const owner = ownerOf(left);
  return owner === ownerOf(right) && owner !== "[]";
}

/**
 * Return whose inbox a token opens, as a text; "[]" if it does not tell.
 *
 * @param {string} token
 */
export function ownerOf(token) {
  const { exp, iat, nbf, jti, aud, ...owner } = claimsOf(token);
  return JSON.stringify(Object.entries(owner).sort());
}

/**
 * Return when a JWT expires (ms since 1970); null if it does not tell.
 *
 * @param {string} token
 */
function expiryOf(token) {
  const { exp } = claimsOf(token);
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : null;
}

/**
 * Return the claims of a JWT, unchecked: they only time renewals. {} for a token that is no JWT.
 *
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))) ?? {};
  } catch {
    return {};
  }
}
