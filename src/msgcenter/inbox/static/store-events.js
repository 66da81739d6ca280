/** What each live event changes in the store's state (docs/inbox.md lists the events). */

import { isTodo } from "./messages.js";
import { isOtherState, readStateOf } from "./own-changes.js";

/** @import { Counts, Message } from "./messages.js" */
/** @import { StoreState } from "./store-state.js" */
/** @import { LiveEvents } from "./stream.js" */

/**
 * @typedef {object} Consequences What the store has to do after an event.
 * @property {string[]} reread Ids of messages to read again.
 * @property {boolean} refresh Whether to read the list again.
 * @property {Message} [message] A message that has arrived.
 * @property {Message} [reminder] A message that its app reminds of, or that has come back.
 */

/** @type {{[Name in keyof LiveEvents]: (state: StoreState, data: LiveEvents[Name]) => Partial<Consequences>}} */
const REDUCERS = { ready, message, update, status, removed, reminder, woken: reminder, counts, reload };

/**
 * Apply a live event to the state. Return what the store has to do then.
 *
 * @template {keyof LiveEvents} Name
 * @param {StoreState} state
 * @param {Name} name
 * @param {LiveEvents[Name]} data
 * @returns {Consequences}
 */
export function reduce(state, name, data) {
  return { reread: [], refresh: false, ...REDUCERS[name](state, data) };
}

/**
 * A stream begins: events before it may have been missed.
 *
 * @param {StoreState} state
 * @param {LiveEvents["ready"]} data
 */
function ready(state, { counts, newest }) {
  state.noteMissedChanges();
  state.receiveCounts(counts);
  if (newest) state.noteNewest(newest);
  return { refresh: true };
}

/**
 * @param {StoreState} state
 * @param {Message} message
 */
function message(state, message) {
  const { id } = message;
  const isNew = state.message(id) === null;
  state.put(message);
  state.noteNewest(id);
  state.list(id, { isNew: true });
  return isNew ? { message } : {};
}

/**
 * The content of a message has changed. While own changes of it are under way, it keeps the read state that they show.
 *
 * @param {StoreState} state
 * @param {Message} message
 */
function update(state, message) {
  const { id } = message;
  const known = state.message(id);
  if (!known && !message.woken && !state.isInLoadedPart(id)) {
    state.noteUnknownChange(id, message);
    return {};
  }
  const isUnderWay = known !== null && state.isUnderWay(id);
  if (isUnderWay) state.noteServerState(id, readStateOf(message));
  else if (known && (message.readAt === null) !== (known.readAt === null)) state.stopKeeping(id);
  state.put(isUnderWay ? { ...message, ...readStateOf(known) } : message);
  state.list(id);
  return {};
}

/**
 * @param {StoreState} state
 * @param {LiveEvents["status"]} data
 */
function status(state, { messages }) {
  const reread = [];
  for (const { id, ...change } of messages) {
    const message = state.message(id);
    if (!message) {
      state.noteUnknownChange(id, change);
      continue;
    }
    if (state.isUnderWay(id)) {
      state.noteServerState(id, change);
      continue;
    }
    if (isOtherState(change, message)) state.stopKeeping(id);
    state.put({ ...message, ...change });
    if (!("approval" in change) && isTodo(message)) reread.push(id);
    state.list(id);
  }
  return { reread };
}

/**
 * @param {StoreState} state
 * @param {LiveEvents["removed"]} data
 */
function removed(state, { ids }) {
  state.remove(ids);
  return {};
}

/**
 * @param {StoreState} state
 * @param {Message} message
 */
function reminder(state, message) {
  return { ...update(state, message), reminder: message };
}

/**
 * @param {StoreState} state
 * @param {Counts} counts
 */
function counts(state, counts) {
  state.receiveCounts(counts);
  return {};
}

/**
 * Too much has changed for one event each.
 *
 * @param {StoreState} state
 */
function reload(state) {
  state.noteMissedChanges();
  return { refresh: true };
}
