/** The inbox's API: calls with the user's token, which is renewed once if it has ended. */

/** A call that was refused or did not get through (`status` 0, code `network`). */
export class ApiError extends Error {
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

const RENEW_AHEAD = 60_000;

/** Holds the token. `renew` is an async function that returns a new one, or null if the host page has none to give. */
export class Session {
  #renew;
  #renewing = null;
  #token;
  #expiresAt;

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

  /** When the token ends (ms since 1970); null if it does not say. */
  get expiresAt() {
    return this.#expiresAt;
  }

  /** Whether the token ends within a minute, or has ended. */
  get isEnding() {
    return this.#expiresAt !== null && this.#expiresAt - RENEW_AHEAD < Date.now();
  }

  /** Get a new token; callers at the same time share one renewal. Returns whether there is one. */
  renew() {
    this.#renewing ??= this.#renewed().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewed() {
    const old = this.#token;
    let fresh = null;
    try {
      fresh = await this.#renew();
    } catch {
      return false;
    }
    if (this.#token !== old) return true; // the host page has set another one meanwhile
    if (!fresh || fresh === old) return false;
    this.token = fresh;
    return true;
  }
}

/** Makes the calls of docs/inbox.md. Each raises ApiError. */
export class Api {
  #server;
  #session;
  #language;

  constructor(server, session, language) {
    this.#server = server;
    this.#session = session;
    this.#language = language;
  }

  /** List messages; `view` has filter, app and q. */
  list(view, { cursor = null, limit = 30, signal } = {}) {
    const query = new URLSearchParams({ limit, filter: view.filter });
    if (view.app) query.set("app", view.app);
    if (view.q) query.set("q", view.q);
    if (cursor) query.set("cursor", cursor);
    return this.#call("GET", `messages?${query}`, undefined, signal);
  }

  /** Return one message. */
  message(id) {
    return this.#call("GET", `messages/${encodeURIComponent(id)}`);
  }

  counts() {
    return this.#call("GET", "counts");
  }

  setRead(ids, read) {
    return this.#inChunks(ids, (some) => this.#call("POST", "messages/status", { ids: some, read }));
  }

  setArchived(ids, archived) {
    return this.#inChunks(ids, (some) => this.#call("POST", "messages/archive", { ids: some, archived }));
  }

  /** Set read what all pages of a list show, up to a message; `view` as in `list`. */
  readAll(upTo, { filter, app, q }) {
    return this.#call("POST", "messages/read-all", { upTo, filter, app: app || undefined, q: q || undefined });
  }

  async #inChunks(ids, call) {
    let counts = null;
    const changed = [];
    for (let at = 0; at < ids.length; at += 100) {
      const answer = await call(ids.slice(at, at + 100));
      changed.push(...answer.changed);
      counts = answer.counts;
    }
    return { changed, counts };
  }

  async #call(method, path, body, signal) {
    if (this.#session.isEnding) await this.#session.renew();
    try {
      return await this.#attempt(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.needsToken && (await this.#session.renew()))) throw error;
      return this.#attempt(method, path, body, signal);
    }
  }

  async #attempt(method, path, body, signal) {
    const headers = {
      Authorization: `Bearer ${this.#session.token}`,
      "Accept-Language": this.#language,
      Accept: "application/json",
    };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const content = body === undefined ? undefined : JSON.stringify(body);
    let response;
    try {
      response = await fetch(`${this.#server}/inbox/v1/${path}`, {
        method,
        headers,
        body: content,
        signal,
        credentials: "omit",
        cache: "no-store",
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, "network");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer;
    throw new ApiError(response.status, answer?.code ?? "internal", answer?.detail);
  }
}

/** Tell whether two tokens open the same inbox: all that they say is equal but their times and their audience, which old ones lack. */
export function openTheSame(one, other) {
  const [ours, theirs] = [one, other].map((token) => {
    const { exp, iat, nbf, jti, aud, ...owner } = payloadOf(token);
    return JSON.stringify(Object.entries(owner).sort());
  });
  return ours === theirs && ours !== "[]";
}

/** Return when a JWT ends (ms since 1970); null if it does not say. */
function expiryOf(token) {
  const { exp } = payloadOf(token);
  return Number.isFinite(exp) ? exp * 1000 : null;
}

/** Return what a JWT says, unchecked: it serves to time renewals only. {} of what is no JWT. */
function payloadOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))) ?? {};
  } catch {
    return {};
  }
}
