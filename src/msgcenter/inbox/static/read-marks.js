/** Read marks that were made without a network: kept on the device, and sent once by the page or the service worker. */

/** @import { DeviceData, ReadMarks } from "./device-data.js" */

/** The name of the lock under which they are sent, and of the event on which the service worker sends them. */
export const SENDING = "msg-inbox-read-marks";
const MAX_IDS_PER_CALL = 100;
/** So many are kept; the oldest over that are forgotten. */
const MAX_MARKS = 1_000;

/**
 * Keep marks until they can be sent. A later mark of a message replaces an earlier one.
 *
 * @param {DeviceData} data
 * @param {string[]} ids
 * @param {boolean} read
 */
export function addMarks(data, ids, read) {
  const at = Date.now();
  return data.change("marks", (marks) =>
    newest({ ...marks, ...Object.fromEntries(ids.map((id) => [id, { read, at }])) }),
  );
}

/**
 * Send the marks. Return whether none is left. Only one page or worker sends at a time, and a mark is forgotten when the
 * server has it; a mark that changed meanwhile stays.
 *
 * @param {DeviceData} data
 * @param {string} server The server's URL with its base path.
 * @param {string} token
 * @returns {Promise<boolean>}
 */
export function sendMarks(data, server, token) {
  return navigator.locks.request(SENDING, async () => {
    const marks = await data.get("marks");
    for (const read of [true, false]) {
      const ids = Object.keys(marks ?? {}).filter((id) => marks?.[id].read === read);
      for (let start = 0; start < ids.length; start += MAX_IDS_PER_CALL) {
        const chunk = ids.slice(start, start + MAX_IDS_PER_CALL);
        if (!(await send(server, token, chunk, read))) return false;
        await data.change("marks", (now) => without(now ?? {}, marks ?? {}, chunk));
      }
    }
    return true;
  });
}

/**
 * Return whether the server has taken the marks, or never will.
 *
 * @param {string} server
 * @param {string} token
 * @param {string[]} ids
 * @param {boolean} read
 */
async function send(server, token, ids, read) {
  try {
    const { status } = await fetch(`${server}/inbox/v1/messages/status`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ids, read }),
      credentials: "omit",
      cache: "no-store",
    });
    return status === 200 || status === 400;
  } catch {
    return false;
  }
}

/** @param {ReadMarks} marks */
function newest(marks) {
  const sorted = Object.entries(marks).sort(([, left], [, right]) => right.at - left.at);
  return Object.fromEntries(sorted.slice(0, MAX_MARKS));
}

/**
 * Return the marks without those that were sent, unless they have changed since.
 *
 * @param {ReadMarks} marks
 * @param {ReadMarks} sent
 * @param {string[]} ids
 */
function without(marks, sent, ids) {
  const isSent = (/** @type {string} */ id) => ids.includes(id) && marks[id].at === sent[id].at;
  return Object.fromEntries(Object.entries(marks).filter(([id]) => !isSent(id)));
}
