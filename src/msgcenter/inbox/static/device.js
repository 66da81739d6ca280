/**
 * The device on which the page /inbox runs: what is kept there, for whom, and until when (docs/inbox.md).
 *
 * A tab keeps nothing on the device: it may be a shared computer. An installed app keeps the token and the newest
 * messages, and so does a browser whose user has chosen it.
 */

import { openTheSame } from "./api.js";
import { DeviceData } from "./device-data.js";
import { OfflineApi } from "./offline-api.js";
import { addMarks, SENDING, sendMarks } from "./read-marks.js";

/** @import { Session } from "./api.js" */
/** @import { KeptList, ReadMarks } from "./device-data.js" */
/** @import { Message } from "./messages.js" */
/** @import { Store } from "./store.js" */

/** So many messages are kept, and so many characters of them. */
const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 500_000;
const MAX_AGE = 7 * 86_400_000;
/** The list is written so long (ms) after a change. */
const SAVE_AFTER = 500;
const CHECK_EVERY = 3_600_000;
const EVERYTHING = JSON.stringify({ filter: "all", app: "", q: "" });

export class Device {
  #server;
  #data;
  #token = "";
  #isKept = false;
  #hasMarks = false;
  /** @type {KeptList | null} */
  #list = null;
  /** The store whose messages are kept. @type {Store | null} */
  #store = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saveTimer;
  /** @type {Promise<ServiceWorkerRegistration> | null} */
  #registration = null;
  #checkedAt = 0;

  /** @param {string} server The server's URL with its base path. */
  constructor(server) {
    this.#server = server;
    this.#data = new DeviceData(server);
  }

  /** Whether a page can use the device: not in a frame, and only over an encrypted connection. */
  static get isPossible() {
    return parent === window && isSecureContext && "serviceWorker" in navigator && "locks" in navigator;
  }

  /** Whether the token and the newest messages are kept on the device. */
  get isKept() {
    return this.#isKept;
  }

  /** Return the kept token of the user who was here last; null if there is none. */
  keptToken() {
    return this.#data.get("token");
  }

  /**
   * Begin with a user's token. What the device keeps of another user is erased.
   *
   * @param {string} token
   */
  async begin(token) {
    const kept = await this.#data.get("token");
    if (kept && !openTheSame(kept, token)) await this.forget();
    this.#token = token;
    this.#isKept = (await this.#data.get("choice")) ?? isInstalled();
    const marks = (await this.#data.get("marks")) ?? {};
    this.#hasMarks = Object.keys(marks).length > 0;
    this.#list = marked(await this.#data.get("list"), marks);
    if (this.#isKept) await this.#data.set("token", token);
  }

  /**
   * Keep the token and the newest messages on this device from now on, or no longer.
   *
   * @param {boolean} isKept
   */
  async keep(isKept) {
    this.#isKept = isKept;
    if (!isKept) await this.#erase();
    await this.#data.set("choice", isKept);
    if (!isKept) return;
    await this.#data.set("token", this.#token);
    if (this.#store) await this.#save(this.#store);
  }

  /** Erase everything that is kept, and end this browser's push messages. */
  async forget() {
    await this.#erase();
    const registration = await navigator.serviceWorker.getRegistration(this.#scope);
    const subscription = await registration?.pushManager?.getSubscription();
    await subscription?.unsubscribe().catch(() => {});
    for (const notification of (await registration?.getNotifications?.()) ?? []) notification.close();
    await navigator.clearAppBadge?.().catch(() => {});
  }

  /** The session has ended: erase the messages. Marks wait for a new token of the user whom the old one names. */
  async end() {
    clearTimeout(this.#saveTimer);
    this.#list = null;
    await this.#data.set("list", null);
  }

  async #erase() {
    clearTimeout(this.#saveTimer);
    this.#list = null;
    this.#hasMarks = false;
    await this.#data.clear();
  }

  // --- The inbox without a network ----------------------------------------------------------------------------------

  /**
   * Return the API for a component on this device.
   *
   * @param {string} server
   * @param {Session} session
   * @param {string} language
   */
  api(server, session, language) {
    return new OfflineApi(server, session, language, this);
  }

  /** Return the kept messages; null if there are none, or if they are older than a week. */
  async keptList() {
    const list = this.#list;
    if (!this.#isKept || !list || list.savedAt < Date.now() - MAX_AGE) return null;
    const now = Date.now();
    return { ...list, messages: list.messages.filter(({ expiresAt }) => expiresAt === null || expiresAt > now) };
  }

  /**
   * Keep read marks that could not be sent. Return false if this device keeps nothing.
   *
   * @param {string[]} ids
   * @param {boolean} read
   */
  async keepMarks(ids, read) {
    if (!this.#isKept) return false;
    try {
      await addMarks(this.#data, ids, read);
    } catch {
      return false;
    }
    this.#hasMarks = true;
    const registration = await this.#registration;
    // Only some browsers have it; the others send the marks when the inbox is open again.
    const { sync } = /** @type {{sync?: {register: (tag: string) => Promise<void>}}} */ (registration ?? {});
    await sync?.register(SENDING).catch(() => {});
    return true;
  }

  /** Send the read marks that are kept, if there are any. */
  async sendMarks() {
    if (this.#hasMarks) this.#hasMarks = !(await sendMarks(this.#data, this.#server, this.#token));
  }

  /**
   * Keep the newest messages of a store from now on.
   *
   * @param {Store} store
   */
  follow(store) {
    this.#store = store;
    store.on("change", () => {
      if (!this.#isKept) return;
      clearTimeout(this.#saveTimer);
      this.#saveTimer = setTimeout(() => this.#save(store), SAVE_AFTER);
    });
  }

  /** @param {Store} store */
  async #save(store) {
    const isWhole = JSON.stringify(store.view) === EVERYTHING;
    if (store.phase !== "shown" || (!isWhole && !this.#list)) return;
    const messages = isWhole ? store.messages : (this.#list?.messages ?? []).map((it) => store.message(it.id) ?? it);
    const kept = bounded(messages);
    const hasMore = isWhole ? store.hasMore || kept.length < messages.length : Boolean(this.#list?.hasMore);
    const savedAt = navigator.onLine || !this.#list ? Date.now() : this.#list.savedAt;
    this.#list = { messages: kept, counts: store.counts, hasMore, savedAt };
    await this.#data.set("list", this.#list);
  }

  // --- The service worker -------------------------------------------------------------------------------------------

  get #scope() {
    return `${this.#server}/inbox`;
  }

  /** Register the service worker. */
  register() {
    this.#checkedAt = Date.now();
    this.#registration ??= navigator.serviceWorker.register(`${this.#scope}/service-worker.js`, { scope: this.#scope });
    return this.#registration;
  }

  /** Look for a newer version of the page, at most once an hour. */
  async checkUpdate() {
    if (Date.now() - this.#checkedAt < CHECK_EVERY) return;
    this.#checkedAt = Date.now();
    await (await this.#registration)?.update().catch(() => {});
  }

  /** The registration of the service worker when it works; null where there is none. */
  async worker() {
    try {
      await this.#registration;
      return this.#registration && (await navigator.serviceWorker.ready);
    } catch {
      return null;
    }
  }
}

/** Return whether the page runs as an installed app. */
export function isInstalled() {
  const { standalone } = /** @type {{standalone?: boolean}} */ (navigator);
  return standalone === true || matchMedia("(display-mode: standalone)").matches;
}

/**
 * Return a list with the read marks that the server does not have yet.
 *
 * @param {KeptList | null} list
 * @param {ReadMarks} marks
 */
function marked(list, marks) {
  if (!list) return null;
  const messages = list.messages.map((message) => {
    const mark = marks[message.id];
    return mark && (message.readAt !== null) !== mark.read
      ? { ...message, readAt: mark.read ? mark.at : null }
      : message;
  });
  return { ...list, messages };
}

/**
 * Return the newest messages that may be kept.
 *
 * @param {Message[]} messages
 */
function bounded(messages) {
  let left = MAX_CHARACTERS;
  const tooLong = messages.slice(0, MAX_MESSAGES).findIndex((message) => {
    left -= JSON.stringify(message).length;
    return left < 0;
  });
  return messages.slice(0, tooLong < 0 ? MAX_MESSAGES : tooLong);
}
