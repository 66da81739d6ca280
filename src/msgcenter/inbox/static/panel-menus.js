/** The items of the panel's menus. */

import { targetOf } from "./links.js";
import { askPermission, permission } from "./notifications.js";

/** @import { View } from "./api.js" */
/** @import { MenuItem } from "./menu.js" */
/** @import { MessageActions } from "./message-actions.js" */
/** @import { AppCount, Message } from "./messages.js" */
/** @import { Texts } from "./texts.js" */

/**
 * Return the items of a message's menu.
 *
 * @param {Message} message
 * @param {object} options
 * @param {Texts} options.texts
 * @param {MessageActions} options.actions
 * @param {() => void} options.open
 * @returns {MenuItem[]}
 */
export function messageItems(message, { texts, actions, open }) {
  const isUnread = message.readAt === null;
  /** @type {MenuItem[]} */
  const items = [
    {
      icon: isUnread ? "check" : "mail",
      label: isUnread ? texts.markRead : texts.markUnread,
      run: () => actions.toggleRead(message),
    },
    {
      icon: message.archived ? "restore" : "archive",
      label: message.archived ? texts.unarchive : texts.archive,
      run: () => actions.toggleArchived(message),
    },
  ];
  return targetOf(message) ? [{ icon: "open", label: texts.open, run: open }, ...items] : items;
}

/**
 * Return the item that moves between the inbox and the archive.
 *
 * @param {Texts} texts
 * @param {View} view
 * @param {(view: Partial<View>) => void} show
 * @returns {MenuItem}
 */
export function archiveItem(texts, { filter }, show) {
  if (filter === "archived") {
    return { icon: "inbox", label: texts.backToInbox, run: () => show({ filter: "all" }) };
  }
  return { icon: "archive", label: texts.archived, run: () => show({ filter: "archived" }) };
}

/**
 * Return the items that choose one app or all, after a separator; none if there is one app only.
 *
 * @param {Texts} texts
 * @param {AppCount[]} apps
 * @param {View} view
 * @param {(view: Partial<View>) => void} show
 * @returns {(MenuItem | null)[]}
 */
export function appItems(texts, apps, view, show) {
  if (apps.length < 2) return [];
  /** @type {(id: string, label: string) => MenuItem} */
  const item = (id, label) => ({ icon: "app", label, checked: id === view.app, run: () => show({ app: id }) });
  return [null, item("", texts.allSources), ...apps.map(({ id, name }) => item(id, name))];
}

/**
 * Return the item that turns desktop notifications on, where the browser has them.
 *
 * @param {Texts} texts
 * @returns {MenuItem[]}
 */
export function notificationItems(texts) {
  const state = permission();
  if (state === "none") return [];
  const labels = { default: texts.notifyOn, granted: texts.notifyIsOn, denied: texts.notifyBlocked };
  return [{ icon: "bell", label: labels[state], run: askPermission, disabled: state !== "default" }];
}
