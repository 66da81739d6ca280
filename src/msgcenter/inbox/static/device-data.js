/**
 * What the page /inbox and its service worker keep on this device: a few values in one store of IndexedDB.
 *
 * Both may use it at the same time; `change` is one transaction. A browser may deny the storage: reading then finds
 * nothing, and nothing is kept.
 */

/** @import { Counts, Message } from "./messages.js" */

/**
 * @typedef {object} KeptList The newest messages of the inbox, as they were when the page was open last.
 * @property {Message[]} messages Newest first.
 * @property {Counts | null} counts
 * @property {boolean} hasMore Whether there are older ones.
 * @property {number} savedAt Times are ms since 1970.
 *
 * @typedef {Record<string, {read: boolean, at: number}>} ReadMarks By message id.
 *
 * @typedef {object} PushChoice
 * @property {string} owner Whose messages they are, as `ownerOf` of the token says it.
 * @property {string} key The platform's public key that the browser has subscribed with.
 * @property {string} id The id of the subscription that the server has.
 * @property {string} renewal Lets a new subscription take its place without a token.
 *
 * @typedef {object} DeviceValues
 * @property {string} token The user's token.
 * @property {boolean} choice Whether the user wants messages to be kept; without it, an installed app keeps them.
 * @property {KeptList} list
 * @property {ReadMarks} marks Read marks that the server does not have yet.
 * @property {PushChoice} push Set while the user wants push messages to this browser.
 */

const STORE = "values";

export class DeviceData {
  #name;
  /** @type {Promise<IDBDatabase> | null} */
  #database = null;

  /** @param {string} server The server's URL with its base path: each has its own database. */
  constructor(server) {
    this.#name = `msg-inbox ${server}`;
  }

  /**
   * Return a value; null if there is none.
   *
   * @template {keyof DeviceValues} Name
   * @param {Name} name
   * @returns {Promise<DeviceValues[Name] | null>}
   */
  async get(name) {
    try {
      return (await this.#run("readonly", (store) => store.get(name))) ?? null;
    } catch {
      return null;
    }
  }

  /**
   * Set a value; null removes it.
   *
   * @template {keyof DeviceValues} Name
   * @param {Name} name
   * @param {DeviceValues[Name] | null} value
   */
  async set(name, value) {
    try {
      await this.#run("readwrite", (store) => (value === null ? store.delete(name) : store.put(value, name)));
    } catch {
      // Denied, or the disk is full: the page works without it.
    }
  }

  /**
   * Change a value in one transaction. Throws if the browser does not keep it.
   *
   * @template {keyof DeviceValues} Name
   * @param {Name} name
   * @param {(value: DeviceValues[Name] | null) => DeviceValues[Name]} change
   */
  async change(name, change) {
    await this.#run("readwrite", (store) => {
      const reading = store.get(name);
      reading.addEventListener("success", () => store.put(change(reading.result ?? null), name));
      return reading;
    });
  }

  /**
   * Run a transaction, and return the result of its first request when it has ended.
   *
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest} begin
   * @returns {Promise<any>}
   */
  async #run(mode, begin) {
    this.#database ??= opened(this.#name);
    this.#database.catch(() => {
      this.#database = null;
    });
    const transaction = (await this.#database).transaction(STORE, mode);
    const request = begin(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve(request.result));
      transaction.addEventListener("abort", () => reject(transaction.error));
    });
  }
}

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function opened(name) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(STORE));
    opening.addEventListener("success", () => resolve(opening.result));
    opening.addEventListener("error", () => reject(opening.error));
  });
}
