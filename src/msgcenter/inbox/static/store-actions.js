/** What the user changes. A change shows at once, and is taken back when its call fails. */

import { ApiError } from "./api.js";

/** @import { Api, ChangeResult } from "./api.js" */
/** @import { Message, ReadState } from "./messages.js" */
/** @import { Loader } from "./store-loader.js" */
/** @import { StoreState } from "./store-state.js" */

/** @typedef {() => Promise<void>} Undo */

/** The server lists at most so many changed ids. */
const MAX_LISTED_CHANGES = 1_000;
/** Messages that come back within this time (ms) are not hidden again by an undo. */
const SOON = 5_000;

/** Each action throws the ApiError of its call, after taking the change back. */
export class Actions {
  #api;
  #state;
  #loader;
  #changed;

  /**
   * @param {Api} api
   * @param {StoreState} state
   * @param {Loader} loader
   * @param {() => void} changed Called when there is something to draw.
   */
  constructor(api, state, loader, changed) {
    this.#api = api;
    this.#state = state;
    this.#loader = loader;
    this.#changed = changed;
  }

  /**
   * Set messages read or unread.
   *
   * @param {string[]} ids
   * @param {boolean} read
   */
  async setRead(ids, read) {
    const changing = ids.filter((id) => {
      const message = this.#state.message(id);
      return message !== null && (message.readAt !== null) !== read;
    });
    if (changing.length === 0) return;
    const readAt = read ? Date.now() : null;
    await this.#change(
      changing,
      () => ({ readAt }),
      () => this.#api.setRead(changing, read),
    );
  }

  /**
   * Move messages into the archive, which sets them read, or out of it. Returns a function that undoes it.
   *
   * @param {string[]} ids
   * @param {boolean} archived
   * @returns {Promise<Undo>}
   */
  async setArchived(ids, archived) {
    const unreadIds = ids.filter((id) => this.#state.message(id)?.readAt === null);
    const now = Date.now();
    await this.#change(
      ids,
      ({ readAt }) => ({ archived, readAt: archived ? (readAt ?? now) : readAt }),
      () => this.#api.setArchived(ids, archived),
      { keep: false },
    );
    return async () => {
      await this.#change(
        ids,
        () => ({ archived: !archived }),
        () => this.#api.setArchived(ids, !archived),
        { keep: false },
      );
      if (archived && unreadIds.length > 0) await this.setRead(unreadIds, false);
    };
  }

  /**
   * Star messages, or take their stars away.
   *
   * @param {string[]} ids
   * @param {boolean} starred
   */
  async setStarred(ids, starred) {
    await this.#change(
      ids,
      () => ({ starred }),
      () => this.#api.setStarred(ids, starred),
    );
  }

  /**
   * Delete messages. Returns a function that undoes it.
   *
   * @param {string[]} ids
   * @returns {Promise<Undo>}
   */
  async delete(ids) {
    const asleep = this.#asleep(ids);
    await this.#change(
      ids,
      () => ({ deleted: true, snoozedUntil: null }),
      () => this.#api.setDeleted(ids, true),
      { keep: false },
    );
    return async () => {
      const { changed } = await this.#change(
        ids,
        () => ({ deleted: false }),
        () => this.#api.setDeleted(ids, false),
        { keep: false },
      );
      // An event has removed those that are not known any more.
      for (const id of changed) if (!this.#state.message(id)) await this.reread(id);
      await this.#snoozeAgain(asleep);
    };
  }

  /**
   * Hide messages until a time (ms since 1970), or show them at once (null). Returns a function that undoes it.
   *
   * @param {string[]} ids
   * @param {number | null} until
   * @returns {Promise<Undo>}
   */
  async snooze(ids, until) {
    const asleep = this.#asleep(ids);
    const readIds = ids.filter((id) => (this.#state.message(id)?.readAt ?? null) !== null);
    const archivedIds = ids.filter((id) => this.#state.message(id)?.archived);
    await this.#snooze(ids, until);
    return async () => {
      if (until !== null) await this.#snooze(ids, null);
      await this.#snoozeAgain(asleep);
      if (readIds.length > 0) await this.setRead(readIds, true);
      if (archivedIds.length > 0) await this.setArchived(archivedIds, true);
    };
  }

  /**
   * @param {string[]} ids
   * @param {number | null} until
   */
  async #snooze(ids, until) {
    await this.#change(
      ids,
      () =>
        until === null ? { snoozedUntil: null } : { snoozedUntil: until, readAt: null, archived: false, woken: false },
      () => this.#api.snooze(ids, until),
      { keep: false },
    );
  }

  /**
   * Return those of the messages that are hidden until a time, with that time.
   *
   * @param {string[]} ids
   * @returns {Map<string, number>}
   */
  #asleep(ids) {
    return new Map(
      ids.flatMap((id) => {
        const until = this.#state.message(id)?.snoozedUntil ?? null;
        return until === null ? [] : [/** @type {[string, number]} */ ([id, until])];
      }),
    );
  }

  /** @param {Map<string, number>} asleep */
  async #snoozeAgain(asleep) {
    for (const [id, until] of asleep) if (until > Date.now() + SOON) await this.#snooze([id], until);
  }

  /**
   * Mute an app, or end that.
   *
   * @param {string} app
   * @param {boolean} muted
   */
  async setMuted(app, muted) {
    const version = this.#state.countsVersion;
    const counts = await this.#api.setMuted(app, muted);
    this.#state.takeCounts(counts, version);
    this.#changed();
    await this.#loader.refresh();
  }

  /**
   * Set all messages of the view read, on all its pages; with `upTo`, that message and older ones. Returns how many were unread, a function that undoes it, and
   * whether that reaches all of them.
   *
   * @param {string | null} [upTo]
   * @returns {Promise<{count: number, isComplete: boolean, undo: Undo}>}
   */
  async readAll(upTo = null) {
    const { view } = this.#state;
    const newest = upTo ?? this.#state.newest;
    if (newest === null) return { count: 0, isComplete: true, undo: async () => {} };
    const ids = this.#state.unreadIds(newest);
    this.#state.stopKeeping(null);
    const now = Date.now();
    const { changed } = await this.#change(
      ids,
      () => ({ readAt: now }),
      () => this.#api.readAll(newest, view),
    );
    this.#state.stopKeeping(null);
    this.#changed();
    return {
      count: changed.length,
      isComplete: changed.length < MAX_LISTED_CHANGES,
      undo: () => this.#unread(changed),
    };
  }

  /** @param {string[]} ids */
  async #unread(ids) {
    if (ids.length === 0) return;
    await this.#change(
      ids,
      () => ({ readAt: null }),
      () => this.#api.setRead(ids, false),
      { keep: false },
    );
  }

  /**
   * @param {string[]} ids
   * @param {(message: Message) => Partial<ReadState>} patch
   * @param {() => Promise<ChangeResult>} call
   * @param {{keep: boolean}} [options]
   */
  async #change(ids, patch, call, { keep } = { keep: true }) {
    const change = this.#state.begin(ids, patch, keep);
    this.#changed();
    try {
      const result = await call();
      this.#state.confirm(change);
      if (result.counts) this.#state.takeCounts(result.counts, change.countsVersion);
      this.#changed();
      return result;
    } catch (error) {
      this.#state.revert(change);
      this.#changed();
      this.#loader.loadCounts();
      throw error;
    } finally {
      for (const id of this.#state.settle(change)) this.reread(id);
    }
  }

  /**
   * Read one message again.
   *
   * @param {string} id
   */
  async reread(id) {
    const askedAt = this.#state.tick;
    try {
      if (!this.#state.take([await this.#api.message(id)], askedAt)) this.reread(id);
      this.#state.list(id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.#state.remove([id]);
    }
    this.#changed();
  }
}
