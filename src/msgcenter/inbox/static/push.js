/** Push messages to this browser: whether it can get them, turning them on and off, and keeping them on. */

import { browserName } from "./browser-name.js";
import { hasKey, idOf, subscribe } from "./push-subscription.js";

/** @import { Api } from "./api.js" */
/** @import { DeviceData } from "./device-data.js" */
/** @import { DeviceWorker } from "./device-worker.js" */

/**
 * @typedef {"unsupported" | "unavailable" | "blocked" | "off" | "on"} PushState
 *   "unsupported": this browser has no push. "unavailable": the platform has none.
 *
 * @typedef {object} Subscription A browser that gets push messages.
 * @property {string} id
 * @property {string} label
 * @property {number} createdAt Times are ms since 1970.
 * @property {number | null} succeededAt
 *
 * @typedef {object} PushReport
 * @property {PushState} state
 * @property {Subscription[]} others The other browsers of the user that get push messages.
 *
 * @typedef {object} PushUser
 * @property {() => string} owner Return whose messages they are.
 * @property {() => Promise<void>} ended Called when this browser gets none any more.
 */

export class Push {
  #api;
  #worker;
  #data;
  #user;

  /**
   * @param {Api} api
   * @param {DeviceWorker} worker
   * @param {DeviceData} data
   * @param {PushUser} user
   */
  constructor(api, worker, data, user) {
    this.#api = api;
    this.#worker = worker;
    this.#data = data;
    this.#user = user;
  }

  /** @returns {Promise<PushReport>} */
  async read() {
    const { key, subscriptions } = await this.#ask();
    const own = await this.#own();
    const ownId = own && (await idOf(own));
    const others = subscriptions.filter(({ id }) => id !== ownId);
    if (key === null) return { state: "unavailable", others };
    if (!isSupported()) return { state: "unsupported", others };
    if (Notification.permission === "denied") return { state: "blocked", others };
    return { state: subscriptions.some(({ id }) => id === ownId) ? "on" : "off", others };
  }

  /** Ask for the permission, which browsers allow in a click only, and subscribe. */
  async turnOn() {
    if ((await Notification.requestPermission()) !== "granted") return;
    const { key } = await this.#ask();
    if (key !== null) await this.#subscribe(key);
  }

  async turnOff() {
    const own = await this.#own();
    if (own) await this.remove(await idOf(own));
    await this.#end(own);
  }

  /**
   * Subscribe again if the browser has ended its subscription, or the platform has another key, while push messages are
   * wanted here. They no longer are if the user has removed this browser in another.
   */
  async renew() {
    const choice = await this.#data.get("push");
    const own = await this.#own();
    if ((!choice && !own) || !isSupported() || Notification.permission !== "granted") return;
    const { key, subscriptions } = await this.#ask();
    if (key === null) return;
    if (!own || !hasKey(own, key)) {
      await this.#subscribe(key);
      return;
    }
    const ownId = await idOf(own);
    const isKnown = subscriptions.some(({ id }) => id === ownId);
    // The worker may have subscribed again without reaching the server.
    const isNew = choice?.id !== ownId;
    if (isNew && (isKnown || choice)) await this.#subscribe(key);
    else if (!isKnown) await this.#end(own);
  }

  /**
   * Send no more push messages to a browser.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#api.request("POST", "push/subscriptions/remove", { id });
  }

  /** @returns {Promise<{key: string | null, subscriptions: Subscription[]}>} */
  #ask() {
    return this.#api.request("GET", "push");
  }

  /** @param {string} key */
  async #subscribe(key) {
    const { pushManager } = await this.#worker.ready();
    const former = (await this.#data.get("push"))?.id ?? (await this.#formerId(pushManager));
    const subscription = await subscribe(pushManager, key);
    const { endpoint, keys } = subscription.toJSON();
    const replaces = former === (await idOf(subscription)) ? null : former;
    /** @type {{id: string, renewal: string}} */
    const { id, renewal } = await this.#api.request("POST", "push/subscriptions", {
      endpoint,
      keys,
      label: browserName(),
      ...(replaces && { replaces }),
    });
    await this.#data.set("push", { owner: this.#user.owner(), key, id, renewal });
  }

  /** @param {PushManager} manager */
  async #formerId(manager) {
    const former = await manager.getSubscription();
    return former && idOf(former);
  }

  /** @param {PushSubscription | null} subscription */
  async #end(subscription) {
    await this.#data.set("push", null);
    await subscription?.unsubscribe();
    await this.#user.ended();
  }

  async #own() {
    return (await (await this.#worker.registration())?.pushManager?.getSubscription()) ?? null;
  }
}

/** Whether this browser has push; on an iPhone, only an installed app does. */
function isSupported() {
  return "Notification" in window && "PushManager" in window;
}
