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
  /**
   * The newest state that the server has named of a message while own changes of it were under way, and its tick. The
   * state is null if it is not known.
   *
   * @type {Map<string, {state: ReadState | null, tick: number}>}
   */
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
   * @param {ReadState | null} state Null if only another question can tell.
   * @param {number} tick The tick of the event, or the tick before the call.
   */
  noteServerState(id, state, tick) {
    const noted = this.#serverStates.get(id);
    if (!noted || noted.tick <= tick) this.#serverStates.set(id, { state, tick });
  }

  /**
   * Return whether an own change of a message under way began with a read state.
   *
   * @param {Message} message
   */
  hasBegunWith(message) {
    return [...this.#underWay].some(({ before }) => {
      const old = before.get(message.id);
      return old !== undefined && !isOtherState(old.message, message);
    });
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
   * End a change. Return what the server has named meanwhile, for messages that no other own change concerns.
   *
   * @param {OwnChange} change
   */
  end(change) {
    this.#underWay.delete(change);
    /** @type {Map<string, ReadState | null>} */
    const serverStates = new Map();
    for (const id of change.before.keys()) {
      const noted = this.#serverStates.get(id);
      if (!noted || this.concern(id)) continue;
      serverStates.set(id, noted.state);
      this.#serverStates.delete(id);
    }
    return serverStates;
  }
}

/**
 * @param {ReadState} message
 * @returns {ReadState}
 */
export function readStateOf({ readAt, archived, starred, snoozedUntil, woken, deleted }) {
  return { readAt, archived, starred, snoozedUntil, woken, deleted };
}

/**
 * Return whether two read states differ. The time of reading does not count, nor does what follows from the others.
 *
 * @param {ReadState} left
 * @param {ReadState} right
 */
export function isOtherState(left, right) {
  return (
    (left.readAt === null) !== (right.readAt === null) ||
    left.archived !== right.archived ||
    left.starred !== right.starred ||
    left.snoozedUntil !== right.snoozedUntil ||
    Boolean(left.deleted) !== Boolean(right.deleted)
  );
}
