/** What the inbox knows: messages by id, the view that is shown, the counts. Changes show at once and are taken back if refused. */

import { folded } from "./search.js";

const PAGE = 30;
const LARGEST_PAGE = 100;
const MOST_PAGES = 10;
/** So many changed ids at most are told by the server. */
const MOST_TOLD = 1_000;
const WAIT_FOR_STREAM = 800;
const POLL = 30_000;
const LONGEST_TIMER = 2 ** 31 - 1;

/** Compare two ids, the newer first: they are numbers too large for Number. */
export function newerFirst(one, other) {
  return other.length - one.length || (one < other ? 1 : one > other ? -1 : 0);
}

/** Whether an approval is still to be decided. */
export function isTodo(message) {
  return message.approval !== null && message.approval.closedAt === null;
}

/** Return the line by which a message is known: its title, or the beginning of its content. */
export function headline(message) {
  const { body } = message;
  const line =
    message.kind === "text" ? body.content : message.kind === "link" ? body.title : body.body?.title || body.head.text;
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}

/**
 * Dispatches `change` (something to draw), `arrival` (a message came live), `reminder` (its app reminds of one) and `failure` (an ApiError in the background).
 * Actions return promises of what can be undone; they raise ApiError after taking their change back.
 */
export class Store extends EventTarget {
  #api;
  #stream;
  #messages = new Map();
  #listed = new Set();
  #kept = new Set();
  #stamps = new Map();
  #removed = new Map();
  #busy = new Map();
  #echoes = new Map();
  #ticks = 0;
  #countsTold = 0;
  #generation = 0;
  #cancel = null;
  #cursor = null;
  #newest = null;
  #announced = false;
  #isReady = false;
  #startedLoading = false;
  #refreshing = null;
  #refreshAgain = false;
  #poll = 0;
  #expiry = 0;
  #expired = new Set();
  #shown = null;
  #ready;
  #becomeReady;

  /** filter (all, unread, todo, archived), app (an app id or ""), q (a search or ""). */
  view = { filter: "all", app: "", q: "" };
  /** "loading" (nothing to show yet), "shown", "failed". */
  state = "loading";
  /** Of the older messages: "idle", "loading", "failed". */
  more = "idle";
  /** The ApiError of a failed load. */
  error = null;
  /** null until they are known. */
  counts = null;

  constructor(api, stream) {
    super();
    this.#api = api;
    this.#stream = stream;
    this.#ready = new Promise((resolve) => (this.#becomeReady = resolve));
    for (const name of ["ready", "message", "update", "status", "removed", "reminder", "counts", "reload", "state"]) {
      stream.addEventListener(name, (event) => this[`_${name}`](event.detail));
    }
  }

  /** Open the stream. Until `open` is called, only the counts are known. */
  async start() {
    this.#stream.start();
    this.#poll = setInterval(() => this.#askInstead(), POLL);
    await this.#streamOrPatience();
    if (this.counts === null) await this.#loadCounts();
  }

  /** Load the first page unless this has been done: after the stream is open, so that nothing falls between the two. */
  async open() {
    if (this.#startedLoading) return;
    this.#startedLoading = true;
    await this.#streamOrPatience();
    await this.load();
  }

  #streamOrPatience() {
    return Promise.race([this.#ready, new Promise((resolve) => setTimeout(resolve, WAIT_FOR_STREAM))]);
  }

  /** Where no stream gets through or it rests, ask from time to time. */
  #askInstead() {
    const { state } = this.#stream;
    if (state !== "resting" && state !== "connecting") return;
    if (this.#startedLoading && !document.hidden) this.refresh();
    else if (state === "resting" || !this.#startedLoading) this.#loadCounts();
  }

  stop() {
    this.#generation += 1;
    this.#cancel?.abort();
    clearInterval(this.#poll);
    clearTimeout(this.#expiry);
    this.#stream.stop();
  }

  /** The messages of the view, newest first. */
  get messages() {
    this.#shown ??= this.#select();
    return this.#shown;
  }

  #select() {
    const shown = [];
    for (const id of this.#listed) {
      const message = this.#messages.get(id);
      if (message && (this.#kept.has(id) || this.#fits(message))) shown.push(message);
    }
    return shown.sort((one, other) => newerFirst(one.id, other.id));
  }

  get hasMore() {
    return this.#cursor !== null;
  }

  message(id) {
    return this.#messages.get(id) ?? null;
  }

  // --- Loading ------------------------------------------------------------------------------------------------------

  /** Show another view. */
  show(view) {
    const next = { ...this.view, ...view };
    if (Object.keys(next).every((key) => next[key] === this.view[key])) return Promise.resolve();
    this.view = next;
    return this.load();
  }

  /** Load the view from the top, with nothing shown meanwhile. */
  async load() {
    this.#startedLoading = true;
    const generation = ++this.#generation;
    this.#cancel?.abort();
    this.#cancel = new AbortController();
    this.#refreshing = null;
    this.#listed = new Set();
    this.#kept = new Set();
    this.#cursor = null;
    this.more = "idle";
    this.state = "loading";
    this.error = null;
    this.#changed();
    const began = this.#ticks;
    try {
      const page = await this.#api.list(this.view, { limit: PAGE, signal: this.#cancel.signal });
      if (generation !== this.#generation) return;
      this.#take(page.messages, began);
      for (const message of page.messages) this.#listed.add(message.id);
      this.#cursor = page.nextCursor;
      this.state = "shown";
    } catch (error) {
      if (generation !== this.#generation) return;
      this.state = "failed";
      this.#fail(error);
    }
    this.#changed();
  }

  /** Load older messages. */
  async loadMore() {
    if (this.state !== "shown" || this.more === "loading" || this.#cursor === null) return;
    const generation = this.#generation;
    const cursor = this.#cursor;
    const began = this.#ticks;
    this.more = "loading";
    this.#changed();
    try {
      const page = await this.#api.list(this.view, { cursor, limit: PAGE, signal: this.#cancel.signal });
      if (generation !== this.#generation) return;
      this.#take(page.messages, began);
      for (const message of page.messages) this.#listed.add(message.id);
      if (this.#cursor === cursor) this.#cursor = page.nextCursor;
      this.more = "idle";
    } catch (error) {
      if (generation !== this.#generation) return;
      this.more = "failed";
      this.#fail(error);
    }
    this.#changed();
  }

  /** Read again what is shown, from the top and as far as it reached, while it stays on screen. */
  async refresh() {
    if (!this.#startedLoading) return;
    if (this.state !== "shown") return this.state === "failed" ? this.load() : undefined;
    if (this.#refreshing) {
      this.#refreshAgain = true; // it may have passed what has changed since
      return this.#refreshing;
    }
    this.#refreshing = this.#refresh(this.#generation).finally(() => {
      this.#refreshing = null;
      if (!this.#refreshAgain) return;
      this.#refreshAgain = false;
      this.refresh();
    });
    return this.#refreshing;
  }

  async #refresh(generation) {
    const wanted = this.#listed.size;
    const began = this.#ticks;
    const found = [];
    let cursor = null;
    try {
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, wanted - found.length));
        const page = await this.#api.list(this.view, { cursor, limit, signal: this.#cancel.signal });
        if (generation !== this.#generation) return;
        found.push(...page.messages);
        cursor = page.nextCursor;
        if (cursor === null || found.length >= wanted) break;
      }
      await this.#loadCounts();
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
      return;
    }
    if (generation !== this.#generation) return;
    const meanwhile = [...this.#listed].filter((id) => (this.#stamps.get(id) ?? 0) > began);
    this.#take(found, began);
    this.#listed = new Set([...found.map((message) => message.id), ...meanwhile]);
    this.#cursor = cursor;
    this.#changed();
  }

  async #loadCounts() {
    const told = this.#countsTold;
    try {
      this.#takeCounts(await this.#api.counts(), told);
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(messages, began) {
    for (const message of messages) {
      if ((this.#removed.get(message.id) ?? -1) > began) continue;
      const known = this.#messages.get(message.id);
      const isStale = known && ((this.#stamps.get(message.id) ?? -1) > began || this.#busy.has(message.id));
      this.#messages.set(
        message.id,
        isStale ? { ...message, readAt: known.readAt, archived: known.archived, approval: known.approval } : message,
      );
      this.#seen(message.id);
    }
  }

  #fail(error) {
    if (error.name === "AbortError") return;
    this.error = error;
    this.dispatchEvent(new CustomEvent("failure", { detail: error }));
  }

  // --- Actions ------------------------------------------------------------------------------------------------------

  /** Set messages read or unread. */
  async setRead(ids, read) {
    const concerned = ids.filter((id) => this.#messages.has(id) && (this.message(id).readAt !== null) !== read);
    if (concerned.length === 0) return;
    const readAt = read ? Date.now() : null;
    await this.#change(
      concerned,
      () => ({ readAt }),
      () => this.#api.setRead(concerned, read),
    );
  }

  /** Archive messages (which reads them) or take them back. Returns a function that undoes it. */
  async setArchived(ids, archived) {
    const unread = ids.filter((id) => this.message(id)?.readAt === null);
    const patch = (message) => ({ archived, readAt: archived ? (message.readAt ?? Date.now()) : message.readAt });
    await this.#change(ids, patch, () => this.#api.setArchived(ids, archived), false);
    return async () => {
      await this.#change(
        ids,
        () => ({ archived: !archived }),
        () => this.#api.setArchived(ids, !archived),
        false,
      );
      if (archived && unread.length > 0) await this.setRead(unread, false);
    };
  }

  /** Set read what the view shows, on all its pages. Returns {count, isComplete, undo}; `isComplete` tells whether undoing reaches all. */
  async readAll() {
    const upTo = this.#newest;
    if (upTo === null) return { count: 0, isComplete: true, undo: async () => {} };
    const ids = [...this.#messages.values()]
      .filter((message) => message.readAt === null && newerFirst(upTo, message.id) <= 0 && this.#isShown(message))
      .map((message) => message.id);
    this.#kept = new Set();
    const now = Date.now();
    const { changed } = await this.#change(
      ids,
      () => ({ readAt: now }),
      () => this.#api.readAll(upTo, this.view),
    );
    this.#kept = new Set();
    this.#changed();
    return {
      count: changed.length,
      isComplete: changed.length < MOST_TOLD,
      undo: async () => {
        if (changed.length > 0)
          await this.#change(
            changed.filter((id) => this.#messages.has(id)),
            () => ({ readAt: null }),
            () => this.#api.setRead(changed, false),
            false,
          );
      },
    };
  }

  async #change(ids, patch, call, keep = true) {
    const before = new Map();
    const stamp = ++this.#ticks;
    const told = this.#countsTold;
    for (const id of ids) {
      const message = this.#messages.get(id);
      if (!message) continue;
      before.set(id, message);
      this.#busy.set(id, (this.#busy.get(id) ?? 0) + 1);
      if (keep && this.#listed.has(id)) this.#kept.add(id);
      else this.#kept.delete(id);
      this.#apply(id, patch(message), stamp);
    }
    this.#changed();
    try {
      const answer = await call();
      if (answer.counts) this.#takeCounts(answer.counts, told);
      return answer;
    } catch (error) {
      for (const [id, message] of before) {
        if (this.#stamps.get(id) === stamp)
          this.#apply(id, { readAt: message.readAt, archived: message.archived }, ++this.#ticks);
      }
      this.#changed();
      this.#loadCounts();
      throw error;
    } finally {
      for (const id of before.keys()) this.#settle(id);
    }
  }

  /** Apply a change to a message and to the counts. */
  #apply(id, patch, stamp) {
    const old = this.#messages.get(id);
    const message = { ...old, ...patch };
    this.#messages.set(id, message);
    this.#stamps.set(id, stamp);
    const difference = Number(message.readAt === null) - Number(old.readAt === null);
    if (difference === 0 || this.counts === null) return;
    const apps = this.counts.apps.map((app) =>
      app.id === message.app.id ? { ...app, unread: Math.max(0, app.unread + difference) } : app,
    );
    this.counts = { ...this.counts, unread: Math.max(0, this.counts.unread + difference), apps };
  }

  /** A change is through: if the server has told of another state meanwhile, ask which one holds. */
  #settle(id) {
    const left = this.#busy.get(id) - 1;
    if (left > 0) {
      this.#busy.set(id, left);
      return;
    }
    this.#busy.delete(id);
    const echo = this.#echoes.get(id);
    this.#echoes.delete(id);
    const message = this.#messages.get(id);
    if (!echo || !message) return;
    if ((echo.readAt === null) !== (message.readAt === null) || echo.archived !== message.archived) this.#reread(id);
  }

  async #reread(id) {
    const began = this.#ticks;
    try {
      const message = await this.#api.message(id);
      this.#take([message], began);
    } catch (error) {
      if (error.status === 404) this.#forget([id]);
    }
    this.#changed();
  }

  // --- What the stream tells ----------------------------------------------------------------------------------------

  _ready({ counts, newest }) {
    const isFirst = !this.#isReady;
    this.#isReady = true;
    this.#becomeReady();
    this.#setCounts(counts);
    if (newest) this.#seen(newest);
    if (!isFirst || this.#startedLoading) this.refresh();
  }

  _message(message) {
    const isNew = !this.#messages.has(message.id);
    this.#stamps.set(message.id, ++this.#ticks);
    this.#messages.set(message.id, message);
    this.#seen(message.id);
    if (this.#belongs(message)) this.#listed.add(message.id);
    this.#changed();
    if (isNew) this.dispatchEvent(new CustomEvent("arrival", { detail: message }));
  }

  _status({ messages }) {
    for (const { id, ...told } of messages) {
      const message = this.#messages.get(id);
      if (!message) continue;
      if (this.#busy.has(id)) {
        this.#echoes.set(id, told);
        continue;
      }
      const isOther = (told.readAt === null) !== (message.readAt === null) || told.archived !== message.archived;
      if (isOther) this.#kept.delete(id);
      this.#messages.set(id, { ...message, ...told });
      this.#stamps.set(id, ++this.#ticks);
      if (!("approval" in told) && isTodo(message)) this.#reread(id);
      if (!this.#listed.has(id) && this.#belongs(this.#messages.get(id)) && this.#isWithinPage(id))
        this.#listed.add(id);
    }
    this.#changed();
  }

  /** A message says something else. While an own change is under way, its outcome tells the state. */
  _update(message) {
    const { id } = message;
    const known = this.#messages.get(id);
    if (!known && !this.#isWithinPage(id)) return;
    const { readAt, archived } = message;
    const isBusy = known && this.#busy.has(id);
    if (isBusy) this.#echoes.set(id, { readAt, archived });
    else if (known && (readAt === null) !== (known.readAt === null)) this.#kept.delete(id);
    this.#messages.set(id, isBusy ? { ...message, readAt: known.readAt, archived: known.archived } : message);
    this.#stamps.set(id, ++this.#ticks);
    if (this.#belongs(this.#messages.get(id)) && this.#isWithinPage(id)) this.#listed.add(id);
    this.#changed();
  }

  _reminder(message) {
    this._update(message);
    this.dispatchEvent(new CustomEvent("reminder", { detail: message }));
  }

  _removed({ ids }) {
    this.#forget(ids);
    this.#changed();
  }

  _counts(counts) {
    this.#countsTold += 1;
    this.#setCounts(counts);
  }

  _reload() {
    this.refresh();
  }

  _state() {
    this.#changed();
  }

  #forget(ids) {
    const stamp = ++this.#ticks;
    for (const id of ids) {
      this.#messages.delete(id);
      this.#listed.delete(id);
      this.#removed.set(id, stamp);
    }
  }

  /** Take counts from an answer, unless the stream has told of later ones since the question: it follows every change. */
  #takeCounts(counts, told) {
    if (told === this.#countsTold) this.#setCounts(counts);
  }

  #setCounts(counts) {
    this.counts = counts;
    this.#changed();
  }

  #seen(id) {
    if (this.#newest === null || newerFirst(id, this.#newest) < 0) this.#newest = id;
  }

  /** Whether a listed message belongs to the filter; a search has been made by the server. */
  #fits(message) {
    const { filter } = this.view;
    if (filter === "archived") return message.archived;
    if (message.archived) return false;
    if (filter === "unread") return message.readAt === null;
    return filter === "all" || isTodo(message);
  }

  /** Whether a message that no list has brought belongs to the view. */
  #belongs(message) {
    const { app, q } = this.view;
    if (app && message.app.id !== app) return false;
    return this.#fits(message) && (!q || searched(message).some((text) => folded(text).includes(folded(q).trim())));
  }

  /** Whether the view shows a message: of a search, only the server knows what it finds. */
  #isShown(message) {
    return this.view.q ? this.#listed.has(message.id) && this.#fits(message) : this.#belongs(message);
  }

  /** Whether a message lies in the part of the list that has been loaded. */
  #isWithinPage(id) {
    if (this.#cursor === null) return true;
    return [...this.#listed].some((listed) => newerFirst(listed, id) > 0);
  }

  #changed() {
    this.#shown = null;
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      this.#awaitExpiry();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** Read anew when a listed message expires: once for each, as the server's clock is the one that counts. */
  #awaitExpiry() {
    clearTimeout(this.#expiry);
    const waiting = this.messages.filter(({ id, expiresAt }) => expiresAt !== null && !this.#expired.has(id));
    if (waiting.length === 0) return;
    const soonest = Math.min(...waiting.map((message) => message.expiresAt));
    this.#expiry = setTimeout(
      () => {
        for (const { id, expiresAt } of waiting) if (expiresAt <= Date.now()) this.#expired.add(id);
        this.refresh();
      },
      Math.min(Math.max(soonest - Date.now(), 0) + 100, LONGEST_TIMER),
    );
  }
}

/** Return what a search looks through. */
function searched({ kind, body }) {
  if (kind !== "oa") return [body.title, body.content].filter(Boolean);
  const { title, content, author, form = [] } = body.body ?? {};
  return [body.head.text, title, content, author, ...form.flatMap(({ key, value }) => [key, value])].filter(Boolean);
}
