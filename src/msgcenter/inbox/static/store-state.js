/**
 * What the inbox knows: the messages by id, which of them the view lists, and the counts. No calls, no timers.
 *
 * Answers of the server, live events and the user's own changes arrive in any order. Every change gets a tick, so an
 * answer to a question that was asked before a change does not undo it.
 */

import { isCounted, newerFirst } from "./messages.js";
import { isOtherState, OwnChanges, readStateOf } from "./own-changes.js";
import { belongsTo, fitsFilter, wokenFirst } from "./view.js";

/** @import { Page, View } from "./api.js" */
/** @import { Counts, Message, ReadState } from "./messages.js" */
/** @import { OwnChange } from "./own-changes.js" */

const NEVER = -1;

export class StoreState {
  /** @type {View} */
  view = { filter: "all", app: "", q: "" };
  /** @type {Counts | null} Null until the first counts arrive. */
  counts = null;
  /** @type {string | null} Where the older messages of the list begin; null at its end. */
  cursor = null;
  /** @type {string | null} The newest message id that the server has named. */
  newest = null;

  /** @type {Map<string, Message>} */
  #messages = new Map();
  /** The ids of the view's list, as far as it is loaded. */
  #listed = /** @type {Set<string>} */ (new Set());
  /** Listed ids of messages that have come back: they come first until the list is loaded again. */
  #first = /** @type {Set<string>} */ (new Set());
  /** Listed ids that stay visible though they no longer fit the filter, because the user has just read them there. */
  #kept = /** @type {Set<string>} */ (new Set());
  /** When a message was changed by a live event or by the user. @type {Map<string, number>} */
  #changedAt = new Map();
  /** @type {Map<string, number>} */
  #removedAt = new Map();
  #ownChanges = new OwnChanges();
  /** Changes of messages that no list has brought yet: an answer under way may be older. */
  #unknownChanges = /** @type {Map<string, {tick: number, change: Partial<Message>}>} */ (new Map());
  #tick = 0;
  /** Changes up to this tick may have been missed: an answer to an earlier question may lack them. */
  #missedAt = NEVER;
  #countsVersion = 0;
  /** @type {Message[] | null} */
  #visible = null;

  /** The messages of the view, newest first; before them, those that have come back. */
  get messages() {
    this.#visible ??= this.#select();
    return this.#visible;
  }

  #select() {
    const visible = [];
    for (const id of this.#listed) {
      const message = this.#messages.get(id);
      if (message && (this.#kept.has(id) || fitsFilter(this.view, message))) visible.push(message);
    }
    const isFirst = (/** @type {Message} */ { id }) => Number(this.#first.has(id));
    return visible.sort((left, right) => isFirst(right) - isFirst(left) || newerFirst(left.id, right.id));
  }

  /** @param {string} id */
  message(id) {
    return this.#messages.get(id) ?? null;
  }

  get listedCount() {
    return this.#listed.size;
  }

  /** The tick of the latest change. Ask for it before a call, and hand it over with the call's answer. */
  get tick() {
    return this.#tick;
  }

  /** The version of the counts. Ask for it before a call, and hand it over with the call's counts. */
  get countsVersion() {
    return this.#countsVersion;
  }

  // --- Lists --------------------------------------------------------------------------------------------------------

  /** Empty the list. */
  clearList() {
    this.#listed = new Set();
    this.#first = new Set();
    this.#kept = new Set();
    this.cursor = null;
    this.#visible = null;
  }

  /**
   * Add a page to the end of the list. Return whether it is up to date, as `take` does.
   *
   * @param {Page} page
   * @param {number} askedAt The tick before the call.
   */
  addPage({ messages }, askedAt) {
    const isUpToDate = this.take(messages, askedAt);
    for (const { id } of messages) this.#listed.add(id);
    this.#noteFirst(messages);
    this.#visible = null;
    return isUpToDate;
  }

  /** @param {Message[]} messages */
  #noteFirst(messages) {
    if (wokenFirst(this.view)) for (const { id, woken } of messages) if (woken) this.#first.add(id);
  }

  /**
   * Replace the list by a newer one, and keep what live events have added since it was asked for. Return whether it is up
   * to date, as `take` does.
   *
   * @param {Message[]} messages
   * @param {string | null} cursor
   * @param {number} askedAt
   */
  replaceList(messages, cursor, askedAt) {
    const changedSince = [...this.#listed].filter((id) => (this.#changedAt.get(id) ?? NEVER) > askedAt);
    const isUpToDate = this.take(messages, askedAt);
    this.#listed = new Set(messages.map(({ id }) => id));
    const isComplete = changedSince.every((id) => this.#listed.has(id));
    for (const id of changedSince) this.#listed.add(id);
    this.#first = new Set(changedSince.filter((id) => this.#first.has(id) && this.#messages.get(id)?.woken));
    this.#noteFirst(messages);
    this.#visible = null;
    this.cursor = cursor;
    return isUpToDate && isComplete;
  }

  /**
   * Take messages from an answer. Whatever was changed after the question keeps its read state. Return whether the answer
   * agrees with all such changes, and no change after the question may have been missed; if not, only another question can
   * tell the state.
   *
   * @param {Message[]} messages
   * @param {number} askedAt
   */
  take(messages, askedAt) {
    let isUpToDate = askedAt >= this.#missedAt;
    for (const message of messages) {
      const { id } = message;
      if ((this.#removedAt.get(id) ?? NEVER) > askedAt) continue;
      const known = this.#messages.get(id);
      if (!known) this.#set(this.#withUnknownChange(message, askedAt));
      else if (!this.#merge(message, known, askedAt)) isUpToDate = false;
      this.noteNewest(id);
    }
    return isUpToDate;
  }

  /**
   * Replace a known message by the one of an answer. Whatever has changed since the question stays. Return false if that
   * contradicts the answer.
   *
   * @param {Message} message
   * @param {Message} known
   * @param {number} askedAt
   */
  #merge(message, known, askedAt) {
    const { id } = message;
    const isOutdated = (this.#changedAt.get(id) ?? NEVER) > askedAt;
    const isUnderWay = this.isUnderWay(id);
    if (isUnderWay) this.#noteAnswer(message, isOutdated, askedAt);
    this.#ownChanges.rebase(message);
    const keep = isOutdated || isUnderWay;
    this.#set(keep ? { ...message, ...readStateOf(known), approval: known.approval } : message);
    return isUnderWay || !isOutdated || !isOtherState(message, known);
  }

  /**
   * Note what an answer says of a message whose own changes are under way. An answer from before a change is expected to
   * have the state that the change began with. If it has another one, that change did not begin with the server's state:
   * it may leave the message in a state that the server does not have.
   *
   * @param {Message} message
   * @param {boolean} isOutdated
   * @param {number} askedAt
   */
  #noteAnswer(message, isOutdated, askedAt) {
    if (!isOutdated) this.#ownChanges.noteServerState(message.id, readStateOf(message), askedAt);
    else if (!this.#ownChanges.hasBegunWith(message)) this.#ownChanges.noteServerState(message.id, null, askedAt);
  }

  /**
   * @param {Message} message
   * @param {number} askedAt
   * @returns {Message}
   */
  #withUnknownChange(message, askedAt) {
    const { id } = message;
    const later = this.#unknownChanges.get(id);
    this.#unknownChanges.delete(id);
    if (!later || later.tick <= askedAt) return message;
    this.#changedAt.set(id, later.tick);
    return /** @type {Message} */ ({ ...message, ...later.change });
  }

  /**
   * Note a change of a message that is not known.
   *
   * @param {string} id
   * @param {Partial<Message>} change
   */
  noteUnknownChange(id, change) {
    this.#tick += 1;
    const earlier = this.#unknownChanges.get(id)?.change;
    this.#unknownChanges.set(id, {
      tick: this.#tick,
      change: /** @type {Partial<Message>} */ ({ ...earlier, ...change }),
    });
  }

  /** Note that changes may have been missed: the answers under way may lack them, and no event will bring them. */
  noteMissedChanges() {
    this.#tick += 1;
    this.#missedAt = this.#tick;
  }

  /** @param {string} id */
  noteNewest(id) {
    if (this.newest === null || newerFirst(id, this.newest) < 0) this.newest = id;
  }

  /**
   * Add a message to the list if it belongs there. Without `isNew`, only where the list is loaded.
   *
   * @param {string} id
   * @param {{isNew?: boolean}} [options]
   */
  list(id, { isNew = false } = {}) {
    const message = this.#messages.get(id);
    if (!message || !belongsTo(this.view, message)) return;
    this.#noteFirst([message]);
    if (!(isNew || this.#first.has(id) || this.isInLoadedPart(id))) return;
    this.#listed.add(id);
    this.#visible = null;
  }

  /**
   * Return whether an id lies in the loaded part of the list.
   *
   * @param {string} id
   */
  isInLoadedPart(id) {
    if (this.cursor === null) return true;
    return [...this.#listed].some((listed) => newerFirst(listed, id) > 0 && !this.#first.has(listed));
  }

  /**
   * Return the ids of the unread messages that the view shows, down from the message `newest`. Where the list is loaded, these are the
   * listed messages only: another known message may have been recalled unnoticed. What a search finds further down, only
   * the server knows.
   *
   * @param {string} newest
   */
  unreadIds(newest) {
    const isShown = (/** @type {Message} */ message) =>
      this.view.q || this.isInLoadedPart(message.id)
        ? this.#listed.has(message.id) && fitsFilter(this.view, message)
        : belongsTo(this.view, message);
    return [...this.#messages.values()]
      .filter((message) => message.readAt === null && newerFirst(newest, message.id) <= 0 && isShown(message))
      .map(({ id }) => id);
  }

  // --- Changes ------------------------------------------------------------------------------------------------------

  /**
   * Show a message in a newer form.
   *
   * @param {Message} message
   */
  put(message) {
    this.#set(message);
    this.#tick += 1;
    this.#changedAt.set(message.id, this.#tick);
  }

  /** @param {string[]} ids */
  remove(ids) {
    this.#tick += 1;
    for (const id of ids) {
      this.#messages.delete(id);
      this.#listed.delete(id);
      this.#removedAt.set(id, this.#tick);
    }
    this.#visible = null;
  }

  /**
   * Hide a message that no longer fits the filter; null for all messages.
   *
   * @param {string | null} id
   */
  stopKeeping(id) {
    if (id === null) this.#kept.clear();
    else this.#kept.delete(id);
    this.#visible = null;
  }

  /**
   * Take counts that the stream has sent. They are newer than those of any answer under way.
   *
   * @param {Counts} counts
   */
  receiveCounts(counts) {
    this.#countsVersion += 1;
    this.counts = counts;
  }

  /**
   * Take counts from an answer, unless the stream has sent some since the question.
   *
   * @param {Counts} counts
   * @param {number} version The version before the call.
   */
  takeCounts(counts, version) {
    if (version === this.#countsVersion) this.counts = counts;
  }

  // --- Own changes --------------------------------------------------------------------------------------------------

  /**
   * Show a change of the user's while its call is under way. `keep` leaves the messages in the list though they may no
   * longer fit the filter.
   *
   * @param {string[]} ids
   * @param {(message: Message) => Partial<ReadState>} patch
   * @param {boolean} keep
   * @returns {OwnChange}
   */
  begin(ids, patch, keep) {
    this.#tick += 1;
    /** @type {OwnChange} */
    const change = { before: new Map(), tick: this.#tick, countsVersion: this.#countsVersion };
    this.#ownChanges.add(change);
    for (const id of ids) {
      const message = this.#messages.get(id);
      if (!message) continue;
      change.before.set(id, { message, changedAt: this.#changedAt.get(id) ?? NEVER });
      if (keep && this.#listed.has(id)) this.#kept.add(id);
      else this.#kept.delete(id);
      this.#patch(id, patch(message), change.tick);
    }
    this.#visible = null;
    return change;
  }

  /**
   * Keep a change that has succeeded. Answers to questions from before this moment may not have it yet.
   *
   * @param {OwnChange} change
   */
  confirm({ before }) {
    this.#tick += 1;
    for (const id of before.keys()) this.#changedAt.set(id, this.#tick);
  }

  /**
   * Take back a change that was refused, except where something else has changed since.
   *
   * @param {OwnChange} change
   */
  revert({ before, tick }) {
    for (const [id, { message, changedAt }] of before) {
      // With the old tick, so that an answer from before the revert still counts.
      if (this.#changedAt.get(id) === tick) this.#patch(id, readStateOf(message), changedAt);
      else this.#ownChanges.rebase(message, tick);
    }
  }

  /**
   * End a change, whatever came of it. Return the ids whose state the server has to tell: it has named another state
   * meanwhile.
   *
   * @param {OwnChange} change
   * @returns {string[]}
   */
  settle(change) {
    const ids = [];
    for (const [id, serverState] of this.#ownChanges.end(change)) {
      const message = this.#messages.get(id);
      if (!message || (serverState && !isOtherState(serverState, message))) continue;
      this.stopKeeping(id);
      ids.push(id);
    }
    return ids;
  }

  /**
   * Return whether own changes of a message are under way.
   *
   * @param {string} id
   */
  isUnderWay(id) {
    return this.#ownChanges.concern(id);
  }

  /**
   * Note a state that an event has named while own changes are under way.
   *
   * @param {string} id
   * @param {ReadState} state
   */
  noteServerState(id, state) {
    this.#tick += 1;
    this.#ownChanges.noteServerState(id, state, this.#tick);
  }

  /**
   * Change a message, and the counts with it.
   *
   * @param {string} id
   * @param {Partial<ReadState>} patch
   * @param {number} tick
   */
  #patch(id, patch, tick) {
    const old = this.#messages.get(id);
    if (!old) return;
    const message = { ...old, ...patch };
    this.#set(message);
    this.#changedAt.set(id, tick);
    const difference = Number(isCounted(message)) - Number(isCounted(old));
    if (difference === 0 || this.counts === null) return;
    const add = (/** @type {number} */ unread) => Math.max(0, unread + difference);
    const isMuted = this.counts.apps.some(({ id, muted }) => muted && id === message.app.id);
    this.counts = {
      ...this.counts,
      unread: isMuted ? this.counts.unread : add(this.counts.unread),
      apps: this.counts.apps.map((app) => (app.id === message.app.id ? { ...app, unread: add(app.unread) } : app)),
    };
  }

  /** @param {Message} message */
  #set(message) {
    this.#messages.set(message.id, message);
    this.#visible = null;
  }
}
