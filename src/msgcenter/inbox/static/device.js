/**
 * The device on which the page /inbox runs: what is kept there, for whom, and until when (docs/inbox.md).
 *
 * A tab keeps nothing on the device: it may be a shared computer. An installed app keeps the token and the newest
 * messages, and so does a browser whose user has chosen it. So the page loads this script only there, and for the settings.
 */

import { openTheSame, ownerOf } from "./api.js";
import { DeviceData } from "./device-data.js";
import { DeviceWorker } from "./device-worker.js";
import { isInstalled } from "./installed.js";
import { answerOffline } from "./offline-api.js";
import { Push } from "./push.js";
import { addMarks, SENDING, sendMarks } from "./read-marks.js";

/** @import { Api } from "./api.js" */
/** @import { DeviceValues, KeptList, ReadMarks } from "./device-data.js" */
/** @import { Message } from "./messages.js" */
/** @import { Store } from "./store.js" */

/** So many messages are kept, and so many characters of them. */
const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 500_000;
const MAX_AGE = 7 * 86_400_000;
/** The list is written so long (ms) after a change. */
const SAVE_AFTER = 500;
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
  /** The push messages to this browser, once a component follows. @type {Push | null} */
  push = null;

  /** @param {string} server The server's URL with its base path. */
  constructor(server) {
    this.#server = server;
    this.#data = new DeviceData(server);
    this.worker = new DeviceWorker(server);
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
    const push = await this.#data.get("push");
    if ((kept && !openTheSame(kept, token)) || (push && push.owner !== ownerOf(token))) await this.forget();
    this.#token = token;
    this.#isKept = (await this.#data.get("choice")) ?? isInstalled();
    const marks = (await this.#data.get("marks")) ?? {};
    this.#hasMarks = Object.keys(marks).length > 0;
    this.#list = marked(await this.#data.get("list"), marks);
    if (this.#isKept) await this.#data.set("token", token);
  }

  /**
   * Keep the token and the newest messages on this device from now on, or no longer. Throws if the browser does not allow it.
   *
   * @param {boolean} isKept
   */
  async keep(isKept) {
    if (isKept) await this.worker.register();
    this.#isKept = isKept;
    if (!isKept) await this.#erase(["token", "list", "marks"]);
    await this.#data.set("choice", isKept);
    if (!isKept) {
      await this.settle();
      return;
    }
    await this.#data.set("token", this.#token);
    if (this.#store) await this.#save(this.#store);
  }

  /** Erase everything that is kept, and end this browser's push messages. */
  async forget() {
    await this.#erase(["token", "list", "marks", "push", "choice"]);
    const registration = await this.worker.registration();
    const subscription = await registration?.pushManager?.getSubscription();
    await subscription?.unsubscribe().catch(() => {});
    for (const notification of (await registration?.getNotifications?.()) ?? []) notification.close();
    await navigator.clearAppBadge?.().catch(() => {});
  }

  /**
   * Have the service worker as long as something is kept, or there are push messages, and keep these on. Without it, this is
   * a tab like any other.
   */
  async settle() {
    if (await this.#isUsed()) {
      await this.worker.register();
      await this.push?.renew();
    } else await this.worker.unregister();
  }

  async #isUsed() {
    if (this.#isKept || isInstalled() || (await this.#data.get("push"))) return true;
    const { pushManager } = (await this.worker.registration()) ?? {};
    return Boolean(await pushManager?.getSubscription());
  }

  /** The session has ended: erase the messages. Marks wait for a new token of the user whom the old one names. */
  async end() {
    clearTimeout(this.#saveTimer);
    this.#list = null;
    await this.#data.set("list", null);
  }

  /** @param {(keyof DeviceValues)[]} names */
  async #erase(names) {
    clearTimeout(this.#saveTimer);
    this.#list = null;
    this.#hasMarks = false;
    for (const name of names) await this.#data.set(name, null);
  }

  // --- The inbox without a network ----------------------------------------------------------------------------------

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
    const registration = await this.worker.registration();
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
   * Keep the newest messages of a component's store from now on, and let its API answer from them without a network.
   *
   * @param {Api} api
   * @param {Store} store
   */
  follow(api, store) {
    if (this.#store === store) return;
    this.#store = store;
    this.push = new Push(api, this.worker, this.#data, {
      owner: () => ownerOf(this.#token),
      ended: () => this.settle(),
    });
    answerOffline(api, this);
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
