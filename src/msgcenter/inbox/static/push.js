/** Push messages to this browser: whether it can get them, and turning them on and off. */

import { browserName } from "./browser-name.js";

/** @import { Api } from "./api.js" */
/** @import { Device } from "./device.js" */

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
 */

export class Push {
  #api;
  #device;
  #key = "";

  /**
   * @param {Api} api
   * @param {Device} device
   */
  constructor(api, device) {
    this.#api = api;
    this.#device = device;
  }

  /** @returns {Promise<PushReport>} */
  async read() {
    /** @type {{key: string | null, subscriptions: Subscription[]}} */
    const { key, subscriptions } = await this.#api.request("GET", "push");
    const own = await this.#own();
    const ownId = own && (await idOf(own));
    const others = subscriptions.filter(({ id }) => id !== ownId);
    if (key === null) return { state: "unavailable", others };
    this.#key = key;
    if (!(await this.#manager())) return { state: "unsupported", others };
    if (Notification.permission === "denied") return { state: "blocked", others };
    return { state: subscriptions.some(({ id }) => id === ownId) ? "on" : "off", others };
  }

  /** Ask for the permission, which browsers allow in a click only, and subscribe. */
  async turnOn() {
    if ((await Notification.requestPermission()) !== "granted") return;
    const manager = await this.#manager();
    if (!manager) return;
    // A subscription with the key of another gateway is of no use.
    await (await manager.getSubscription())?.unsubscribe();
    const applicationServerKey = bytesOf(this.#key);
    const subscription = await manager.subscribe({ userVisibleOnly: true, applicationServerKey });
    const { endpoint, keys } = subscription.toJSON();
    await this.#api.request("POST", "push/subscriptions", { endpoint, keys, label: browserName() });
  }

  async turnOff() {
    const own = await this.#own();
    if (!own) return;
    await this.remove(await idOf(own));
    await own.unsubscribe();
  }

  /**
   * Send no more push messages to a browser.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#api.request("POST", "push/subscriptions/remove", { id });
  }

  async #manager() {
    if (!("Notification" in window)) return null;
    return (await this.#device.worker())?.pushManager ?? null;
  }

  async #own() {
    return (await (await this.#manager())?.getSubscription()) ?? null;
  }
}

/**
 * Return the id by which the server knows a subscription.
 *
 * @param {PushSubscription} subscription
 */
async function idOf({ endpoint }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint)));
  const base64 = btoa(String.fromCharCode(...digest));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Return the bytes of a text in base64url.
 *
 * @param {string} text
 */
function bytesOf(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
