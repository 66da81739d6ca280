/** Which URLs of a message may be opened, and where a click on it leads. */

const NEVER = new Set(["javascript:", "data:", "vbscript:", "file:", "blob:", "filesystem:", "about:", "view-source:"]);
const PHONE = "(max-width: 767px), (pointer: coarse) and (max-width: 960px)";

/** Return the URL if it is an absolute http or https one, else null. */
export function webUrl(value) {
  const url = parsed(value);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url.href : null;
}

/** Return the URL if it is http, https or of a native app, else null. The server lets only the platform's app schemes pass. */
export function appUrl(value) {
  const url = parsed(value);
  return url && !NEVER.has(url.protocol) ? url.href : null;
}

/** Return where a click on the message leads on this screen, or null. With one address alone, every screen opens it. */
export function targetOf(message, phone = onPhone()) {
  const { pcUrl, appUrl: mobile } = message.body;
  return phone ? (appUrl(mobile) ?? webUrl(pcUrl)) : (webUrl(pcUrl) ?? appUrl(mobile));
}

/** Tell whether this screen is a phone's. */
export function onPhone() {
  return matchMedia(PHONE).matches;
}

/** Call `listener` whenever the screen becomes a phone's or ceases to be; returns a function that ends this. */
export function whenPhoneChanges(listener) {
  const query = matchMedia(PHONE);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

function parsed(value) {
  if (typeof value !== "string" || !/^[a-z][a-z0-9+.-]*:/i.test(value)) return null;
  try {
    return new URL(value);
  } catch {
    return null;
  }
}
