/** The user's changes whose calls are under way: they show already, and may have to be taken back. */

/** @import { Message, ReadState } from "./messages.js" */

/**
 * @typedef {object} OwnChange
 * @property {Map<string, {message: Message, changedAt: number}>} before The messages as they were, and when they had
 *   changed.
 * @property {number} tick
 * @property {number} countsVersion
 */

export class OwnChanges {
  /** @type {Set<OwnChange>} */
  #underWay = new Set();
  /** What the server said of a message while own changes of it were under way. @type {Map<string, ReadState>} */
  #serverStates = new Map();

  /** @param {OwnChange} change */
  add(change) {
    this.#underWay.add(change);
  }

  /**
   * Return whether own changes of a message are under way.
   *
   * @param {string} id
   */
  concern(id) {
    return [...this.#underWay].some(({ before }) => before.has(id));
  }

  /**
   * Note a state that the server has named. Whether it holds is known when the own changes have ended.
   *
   * @param {string} id
   * @param {ReadState} state
   */
  noteServerState(id, state) {
    this.#serverStates.set(id, state);
  }

  /**
   * Let own changes of a message be reverted to another state than the one that they began with.
   *
   * @param {Message} message
   * @param {number} [tick] Only own changes after it.
   */
  rebase(message, tick = 0) {
    for (const change of this.#underWay) {
      const old = change.before.get(message.id);
      if (old && change.tick > tick) old.message = message;
    }
  }

  /**
   * End a change. Return what the server said meanwhile of messages that no other own change concerns.
   *
   * @param {OwnChange} change
   */
  end(change) {
    this.#underWay.delete(change);
    /** @type {Map<string, ReadState>} */
    const serverStates = new Map();
    for (const id of change.before.keys()) {
      const state = this.#serverStates.get(id);
      if (!state || this.concern(id)) continue;
      serverStates.set(id, state);
      this.#serverStates.delete(id);
    }
    return serverStates;
  }
}

/**
 * @param {ReadState} message
 * @returns {ReadState}
 */
export function readStateOf({ readAt, archived }) {
  return { readAt, archived };
}

/**
 * Return whether two read states differ. The time of reading does not count.
 *
 * @param {ReadState} left
 * @param {ReadState} right
 */
export function isOtherState(left, right) {
  return (left.readAt === null) !== (right.readAt === null) || left.archived !== right.archived;
}
