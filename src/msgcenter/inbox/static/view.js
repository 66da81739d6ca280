/** Which messages a view shows. */

import { isTodo, searchableTexts } from "./messages.js";
import { matches } from "./search.js";

/** @import { View } from "./api.js" */
/** @import { Message } from "./messages.js" */

/**
 * Return whether a listed message fits the filter of a view. Its app and its search were applied by the server.
 *
 * @param {View} view
 * @param {Message} message
 */
export function fitsFilter({ filter }, message) {
  if (message.deleted) return false;
  if (filter === "snoozed") return Boolean(message.snoozedUntil);
  if (message.snoozedUntil) return false;
  if (filter === "starred") return message.starred;
  if (filter === "archived") return message.archived;
  if (message.archived) return false;
  if (filter === "unread") return message.readAt === null;
  return filter === "all" || isTodo(message);
}

/**
 * Return whether a view begins with the messages that have come back.
 *
 * @param {View} view
 */
export function wokenFirst({ filter }) {
  return filter === "all" || filter === "unread";
}

/**
 * Return whether a message that no list has brought belongs to a view.
 *
 * @param {View} view
 * @param {Message} message
 */
export function belongsTo(view, message) {
  const { app, q } = view;
  if (app && message.app.id !== app) return false;
  return fitsFilter(view, message) && (!q || matches(q, searchableTexts(message)));
}
