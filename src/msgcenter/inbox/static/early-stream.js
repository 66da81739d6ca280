/**
 * A live stream that the page /inbox opens before its script is loaded; the script takes it over.
 *
 * The stream brings the first page of the list, so the messages load at the same time as the code.
 */

/** Messages on a page of the list. */
export const PAGE = 30;

/** The readyState of an EventSource that has given up. */
const CLOSED = 2;
/** The events of a stream (docs/inbox.md). */
const EVENTS = ["ready", "list", "message", "update", "status", "removed", "reminder", "counts", "reload", "replaced"];

/**
 * @typedef {object} EarlyStream
 * @property {string} address
 * @property {EventSource} source
 * @property {MessageEvent<string>[]} events The events so far.
 * @property {AbortController} listening Aborted when the stream is taken over.
 */

const place = /** @type {{msgInboxEarlyStream?: EarlyStream}} */ (globalThis);

/**
 * Return the address of a stream.
 *
 * @param {string} server The server's URL with its base path, without a slash at the end.
 * @param {string} token
 * @param {number} listLength How many messages of the list the stream brings; 0 for none.
 */
export function streamAddress(server, token, listLength) {
  const list = listLength > 0 ? `&list=${listLength}` : "";
  return `${server}/inbox/v1/stream?token=${encodeURIComponent(token)}${list}`;
}

/**
 * Open a stream for a script that is still loading.
 *
 * @param {string} address
 */
export function openEarlyStream(address) {
  const source = new EventSource(address);
  const listening = new AbortController();
  /** @type {MessageEvent<string>[]} */
  const events = [];
  for (const name of EVENTS) source.addEventListener(name, (event) => events.push(event), listening);
  place.msgInboxEarlyStream = { address, source, events, listening };
}

/**
 * Return the early stream with the events so far, and leave it to the caller. Return null without one; one of another
 * address is closed.
 *
 * @param {string} address
 */
export function takeEarlyStream(address) {
  const early = place.msgInboxEarlyStream;
  if (!early) return null;
  delete place.msgInboxEarlyStream;
  early.listening.abort();
  const { source } = early;
  if (early.address === address && source.readyState !== CLOSED) return early;
  source.close();
  return null;
}

/** Close the early stream, if there is one. */
export function closeEarlyStream() {
  takeEarlyStream("")?.source.close();
}
