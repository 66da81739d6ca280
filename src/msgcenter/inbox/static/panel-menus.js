/** The items of the panel's menus. */

import { FOLDERS } from "./folders.js";
import { targetOf } from "./links.js";
import { askPermission, permission } from "./notifications.js";

/** @import { View } from "./api.js" */
/** @import { MenuItem } from "./menu.js" */
/** @import { MessageActions } from "./message-actions.js" */
/** @import { App, AppCount, Message } from "./messages.js" */
/** @import { IconName } from "./dom.js" */
/** @import { Texts } from "./texts.js" */

/**
 * Return the items of a message's menu.
 *
 * @param {Message} message
 * @param {object} options
 * @param {Texts} options.texts
 * @param {MessageActions} options.actions
 * @param {() => void} options.open
 * @param {() => void} options.snooze Asks until when.
 * @returns {(MenuItem | null)[]}
 */
export function messageItems(message, { texts, actions, open, snooze }) {
  const isUnread = message.readAt === null;
  const isAsleep = Boolean(message.snoozedUntil);
  return [
    ...(targetOf(message) ? [item("open", texts.open, open)] : []),
    item(isUnread ? "check" : "mail", isUnread ? texts.markRead : texts.markUnread, () => actions.toggleRead(message)),
    ...(isAsleep ? [] : [item("checks", texts.readOlder, () => actions.readAll(message))]),
    item("star", message.starred ? texts.unstar : texts.star, () => actions.toggleStarred(message)),
    ...(isAsleep ? [item("inbox", texts.unsnooze, () => actions.snooze(message, null))] : []),
    item("moon", texts.snooze, snooze),
    item(message.archived ? "restore" : "archive", message.archived ? texts.unarchive : texts.archive, () =>
      actions.toggleArchived(message),
    ),
    item("delete", texts.delete, () => actions.delete(message)),
    null,
    muteItem(texts, message.app, message.silent, actions),
  ];
}

/**
 * Return the item that mutes an app, or ends that.
 *
 * @param {Texts} texts
 * @param {App} app
 * @param {boolean} muted
 * @param {MessageActions} actions
 */
function muteItem(texts, app, muted, actions) {
  const label = muted ? texts.unmute(app.name) : texts.mute(app.name);
  return item(muted ? "bell" : "mute", label, () => actions.setMuted(app, !muted));
}

/**
 * Return the items that move between the inbox and the folders beside it.
 *
 * @param {Texts} texts
 * @param {View} view
 * @param {(view: Partial<View>) => void} show
 * @returns {MenuItem[]}
 */
export function folderItems(texts, { filter }, show) {
  const others = FOLDERS.filter((folder) => folder.filter !== filter);
  return [
    ...(others.length < FOLDERS.length ? [item("inbox", texts.backToInbox, () => show({ filter: "all" }))] : []),
    ...others.map((folder) => item(folder.icon, texts[folder.filter], () => show({ filter: folder.filter }))),
  ];
}

/**
 * @param {IconName} icon
 * @param {string} label
 * @param {() => unknown} run
 * @returns {MenuItem}
 */
function item(icon, label, run) {
  return { icon, label, run };
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
  const choice = (id, label) => ({ icon: "app", label, checked: id === view.app, run: () => show({ app: id }) });
  return [null, choice("", texts.allSources), ...apps.map(({ id, name }) => choice(id, name))];
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
