/** What tells of messages outside the inbox: desktop notifications and the page's icon. */

import { headline } from "./store.js";

const SIZE = 64;

/** Return "granted", "denied", "default", or "none" where there are no desktop notifications. */
export function permission() {
  return "Notification" in window && isSecureContext ? Notification.permission : "none";
}

/** Ask for permission; to be called from a click only. */
export async function askPermission() {
  return permission() === "none" ? "none" : Notification.requestPermission();
}

/** Show a message on the desktop, once however many windows know of it; `onClick` is called when it is clicked. */
export function notify(message, onClick) {
  if (permission() !== "granted") return;
  try {
    const note = new Notification(message.app.name, { body: headline(message), tag: `msg-inbox-${message.id}` });
    note.addEventListener("click", () => {
      focus();
      note.close();
      onClick();
    });
  } catch {
    // Some phones have the name but want a service worker: the inbox itself is what they get.
  }
}

/** Draw the number of unread messages onto the page's icon (a link element with rel "icon"). */
export function drawFavicon(link, unread) {
  link.dataset.plain ??= link.href;
  if (!unread) {
    link.type = "image/svg+xml";
    link.href = link.dataset.plain;
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#2f63d8";
  pen.beginPath();
  pen.roundRect(2, 2, 60, 60, 16);
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 4.5;
  pen.lineJoin = pen.lineCap = "round";
  pen.stroke(new Path2D("M19 27a13 13 0 0 1 26 0c0 11 4.5 14 4.5 14H14.5S19 38 19 27Z M27.5 49a5 5 0 0 0 9 0"));
  const text = unread > 99 ? "99+" : String(unread);
  pen.font = `700 ${text.length > 2 ? 21 : 27}px system-ui, sans-serif`;
  const width = Math.max(36, pen.measureText(text).width + 14);
  pen.fillStyle = "#d3312f";
  pen.beginPath();
  pen.roundRect(SIZE - width, 0, width, 36, 18);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, SIZE - width / 2, 19);
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}
