/**
 * A live stream that the page /inbox opens before its script has come, and that the script then takes over.
 *
 * It brings the first page of the list, so the messages are on their way while the code still loads.
 */

/** How many messages a page of the list has. */
export const PAGE = 30;

/** The readyState of an EventSource that has given up. */
const CLOSED = 2;
/** The events of a stream (docs/inbox.md). */
const EVENTS = ["ready", "list", "message", "update", "status", "removed", "reminder", "counts", "reload", "replaced"];

/**
 * @typedef {object} EarlyStream
 * @property {string} address
 * @property {EventSource} source
 * @property {MessageEvent<string>[]} events What has come so far.
 * @property {AbortController} listening Aborted when the stream is taken over.
 */

const place = /** @type {{msgInboxEarlyStream?: EarlyStream}} */ (globalThis);

/**
 * Return the address of a stream.
 *
 * @param {string} server The server's URL with its base path, without a slash at the end.
 * @param {string} token
 * @param {number} listLength How many messages of the list come with it; 0 for none.
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
 * Take over the stream that is open early, with the events that have come. Return null if there is none at this
 * address; one at another address is closed.
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

/** Close the stream that is open early, if there is one. */
export function closeEarlyStream() {
  takeEarlyStream("")?.source.close();
}
