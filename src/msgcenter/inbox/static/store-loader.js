/** Loads the view's list: its first page, older pages, and all of it again. */

import { asApiError, isAbort } from "./api.js";
import { PAGE } from "./early-stream.js";

/** @import { Api, ApiError, Page } from "./api.js" */
/** @import { Message } from "./messages.js" */
/** @import { StoreState } from "./store-state.js" */

/**
 * @typedef {object} LoaderEvents
 * @property {() => void} changed Called when there is something to draw.
 * @property {(error: ApiError) => void} failed Called with the error of a call in the background.
 */

const LARGEST_PAGE = 100;
const MAX_PAGES_PER_REFRESH = 10;

export class Loader {
  #api;
  #state;
  #events;
  /** Counts the loads from the top: the answers of earlier ones are ignored. */
  #generation = 0;
  #cancel = new AbortController();
  /** @type {Promise<void> | null} */
  #refreshing = null;
  #refreshAgain = false;
  /** Whether a page may be older than a change that it lacks: only a refresh can tell. */
  #isOutdated = false;

  /** Whether the list has been asked for. Before that, only the counts are loaded. */
  hasStarted = false;
  /** @type {"loading" | "shown" | "failed"} "loading" and "failed": there is nothing to show. */
  phase = "loading";
  /** @type {"idle" | "loading" | "failed"} The state of the older messages. */
  olderPhase = "idle";
  /** @type {ApiError | null} The error of the last call that failed. */
  error = null;

  /**
   * @param {Api} api
   * @param {StoreState} state
   * @param {LoaderEvents} events
   */
  constructor(api, state, events) {
    this.#api = api;
    this.#state = state;
    this.#events = events;
  }

  /** Ignore the answers of all calls under way. */
  stop() {
    this.#generation += 1;
    this.#cancel.abort();
  }

  /** Load the list from the top; it is empty meanwhile. */
  async load() {
    this.stop();
    this.hasStarted = true;
    this.#cancel = new AbortController();
    this.#refreshing = null;
    this.#refreshAgain = false;
    this.#isOutdated = false;
    this.#state.clearList();
    this.olderPhase = "idle";
    this.phase = "loading";
    this.error = null;
    this.#events.changed();
    const generation = this.#generation;
    const error = await this.#addPage(generation);
    if (generation !== this.#generation) return;
    this.phase = error ? "failed" : "shown";
    if (error) this.#fail(error);
    this.#events.changed();
    if (this.#isOutdated && !error) this.refresh();
  }

  /**
   * Show the first page of all messages, which the stream has brought, unless there is a list already or the user has
   * chosen another view.
   *
   * @param {Page} page
   */
  receiveFirstPage(page) {
    const { filter, app, q } = this.#state.view;
    if (!this.hasStarted || this.phase !== "loading" || filter !== "all" || app || q) return;
    this.stop(); // its own call for the same page, if the stream was late
    this.#cancel = new AbortController();
    this.#isOutdated = false;
    this.#state.addPage(page, this.#state.tick);
    this.#state.cursor = page.nextCursor;
    this.phase = "shown";
    this.#events.changed();
  }

  /** Load older messages. */
  async loadMore() {
    if (this.phase !== "shown" || this.olderPhase === "loading" || this.#state.cursor === null) return;
    const generation = this.#generation;
    this.olderPhase = "loading";
    this.#events.changed();
    const error = await this.#addPage(generation);
    if (generation !== this.#generation) return;
    this.olderPhase = error ? "failed" : "idle";
    if (error) this.#fail(error);
    this.#events.changed();
    if (this.#isOutdated) this.refresh();
  }

  /**
   * Add the next page to the list, unless another load has begun. Return the error of the call, if there is one.
   *
   * @param {number} generation
   */
  async #addPage(generation) {
    const { view, cursor, tick, countsVersion } = this.#state;
    const withCounts = cursor === null;
    try {
      const page = await this.#api.list(view, { cursor, limit: PAGE, withCounts, signal: this.#cancel.signal });
      if (generation !== this.#generation) return;
      this.#takeCounts(page, countsVersion);
      const isUpToDate = this.#state.addPage(page, tick);
      // A refresh meanwhile has set another cursor, which counts from its own last page.
      if (this.#state.cursor === cursor) this.#state.cursor = page.nextCursor;
      this.#isOutdated ||= !isUpToDate;
    } catch (error) {
      return error;
    }
  }

  /** Load the list again, from the top and as far as it is loaded. It stays on screen meanwhile. */
  async refresh() {
    if (!this.hasStarted) return;
    if (this.phase === "failed") return this.load();
    if (this.phase === "loading") return;
    if (this.#refreshing) {
      this.#refreshAgain = true; // the one under way may have passed what has changed since
      return this.#refreshing;
    }
    const refreshing = this.#refresh(this.#generation).finally(() => {
      if (this.#refreshing !== refreshing) return; // a load has replaced it
      this.#refreshing = null;
      if (!this.#refreshAgain) return;
      this.#refreshAgain = false;
      this.refresh();
    });
    this.#refreshing = refreshing;
    return refreshing;
  }

  /** @param {number} generation */
  async #refresh(generation) {
    this.#isOutdated = false;
    const length = this.#state.listedCount;
    const { tick: askedAt, countsVersion } = this.#state;
    /** @type {Message[]} */
    const messages = [];
    /** @type {string | null} */
    let cursor = null;
    try {
      for (let pages = 0; pages < MAX_PAGES_PER_REFRESH; pages += 1) {
        const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, length - messages.length));
        const withCounts = cursor === null;
        const page = await this.#api.list(this.#state.view, { cursor, limit, withCounts, signal: this.#cancel.signal });
        if (generation !== this.#generation) return;
        this.#takeCounts(page, countsVersion);
        messages.push(...page.messages);
        cursor = page.nextCursor;
        if (cursor === null || messages.length >= length) break;
      }
    } catch (error) {
      if (generation === this.#generation) this.#fail(error);
      return;
    }
    if (generation !== this.#generation) return;
    if (!this.#state.replaceList(messages, cursor, askedAt)) this.#refreshAgain = true;
    this.#events.changed();
  }

  /**
   * Show the counts that came with a page, unless others have come since it was asked for.
   *
   * @param {Page} page
   * @param {number} version The version of the counts when the page was asked for.
   */
  #takeCounts({ counts }, version) {
    if (counts) this.#state.takeCounts(counts, version);
  }

  async loadCounts() {
    const version = this.#state.countsVersion;
    try {
      this.#state.takeCounts(await this.#api.counts(), version);
      this.#events.changed();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (isAbort(error)) return;
    this.error = asApiError(error);
    this.#events.failed(this.error);
  }
}
