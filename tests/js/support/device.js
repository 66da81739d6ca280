/** A device for tests: values in memory, and locks. */

/** @import { DeviceData } from "../../../src/msgcenter/inbox/static/device-data.js" */

/** Return values that are kept in memory, as copies. */
export function fakeData() {
  /** @type {Map<string, string>} */
  const values = new Map();
  const get = (/** @type {string} */ name) => JSON.parse(values.get(name) ?? "null");
  const data = {
    get: async (/** @type {string} */ name) => get(name),
    set: async (/** @type {string} */ name, /** @type {unknown} */ value) => {
      values.set(name, JSON.stringify(value));
    },
    change: async (/** @type {string} */ name, /** @type {(value: unknown) => unknown} */ change) => {
      values.set(name, JSON.stringify(change(get(name))));
    },
  };
  return /** @type {DeviceData} */ (/** @type {unknown} */ (data));
}

/** Let `navigator.locks` give each lock to one holder at a time. */
export function fakeLocks() {
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();
  const request = (/** @type {string} */ _name, /** @type {() => Promise<unknown>} */ work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
}
