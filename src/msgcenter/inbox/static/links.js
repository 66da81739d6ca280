/** Which URLs of a message may be opened, and which of them a click opens. */

/** @import { Target } from "./messages.js" */

const UNSAFE = new Set([
  "javascript:",
  "data:",
  "vbscript:",
  "file:",
  "blob:",
  "filesystem:",
  "about:",
  "view-source:",
]);
const PHONE = "(max-width: 767px), (pointer: coarse) and (max-width: 960px)";

/**
 * Return the URL if it is an absolute http or https one, else null.
 *
 * @param {unknown} value
 */
export function webUrl(value) {
  const url = parse(value);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url.href : null;
}

/**
 * Return the URL if its scheme is http, https or a native app's, else null. The server accepts only the app schemes that
 * its platform has registered.
 *
 * @param {unknown} value
 */
export function appUrl(value) {
  const url = parse(value);
  return url && !UNSAFE.has(url.protocol) ? url.href : null;
}

/**
 * Return the URL that a click on a message opens on this screen, or null. A message with one address opens it on every
 * screen.
 *
 * @param {{body: Target}} message
 * @param {boolean} [isPhone]
 */
export function targetOf({ body }, isPhone = onPhone()) {
  return isPhone ? (appUrl(body.appUrl) ?? webUrl(body.pcUrl)) : (webUrl(body.pcUrl) ?? appUrl(body.appUrl));
}

/** Return whether this screen is a phone's. */
export function onPhone() {
  return matchMedia(PHONE).matches;
}

/**
 * Call `listener` whenever the screen changes to or from a phone's. Return a function that stops this.
 *
 * @param {() => void} listener
 */
export function whenPhoneChanges(listener) {
  const query = matchMedia(PHONE);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** @param {unknown} value */
function parse(value) {
  if (typeof value !== "string" || !/^[a-z][a-z0-9+.-]*:/i.test(value)) return null;
  try {
    return new URL(value);
  } catch {
    return null;
  }
}
