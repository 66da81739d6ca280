/** Desktop notifications. */

import { headline, sourceOf } from "./messages.js";

/** @import { Message } from "./messages.js" */

/**
 * Return the browser's permission for desktop notifications; "none" where there are none.
 *
 * @returns {NotificationPermission | "none"}
 */
export function permission() {
  return "Notification" in window && isSecureContext ? Notification.permission : "none";
}

/** Ask for the permission. Browsers allow this in a click only. */
export async function askPermission() {
  return permission() === "none" ? "none" : Notification.requestPermission();
}

/**
 * Show a message on the desktop, once for all windows that receive it. `onClick` is called when it is clicked.
 *
 * @param {Message} message
 * @param {() => void} onClick
 */
export function notify(message, onClick) {
  if (permission() !== "granted") return;
  try {
    const tag = `msg-inbox-${message.id}`;
    const notification = new Notification(sourceOf(message), { body: headline(message), tag });
    notification.addEventListener("click", () => {
      focus();
      notification.close();
      onClick();
    });
  } catch {
    // Some phones have the class and require a service worker: their users have the inbox alone.
  }
}
