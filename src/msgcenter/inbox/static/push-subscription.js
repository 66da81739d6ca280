/** A browser's push subscription: making one, and telling the server that it takes the place of an earlier one. */

/** @import { DeviceData } from "./device-data.js" */

/**
 * Subscribe with a platform's public key. A subscription with the key of another gateway is of no use and ends.
 *
 * @param {PushManager} manager
 * @param {string} key
 */
export async function subscribe(manager, key) {
  const former = await manager.getSubscription();
  if (former && hasKey(former, key)) return former;
  await former?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
}

/**
 * Return whether a browser has subscribed with this key.
 *
 * @param {PushSubscription} subscription
 * @param {string} key
 */
export function hasKey({ options }, key) {
  const own = options?.applicationServerKey;
  return !own || String(new Uint8Array(own)) === String(bytesOf(key));
}

/**
 * Return the id by which the server knows a subscription.
 *
 * @param {PushSubscription} subscription
 */
export async function idOf({ endpoint }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint)));
  const base64 = btoa(String.fromCharCode(...digest));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Subscribe again after the browser has ended its subscription, without a token; if push messages are wanted here. What does
 * not succeed, the page does when it is opened next.
 *
 * @param {DeviceData} data
 * @param {string} server The server's URL with its base path.
 * @param {PushManager} manager
 */
export async function renewSubscription(data, server, manager) {
  const choice = await data.get("push");
  if (!choice) return;
  let { key, renewal } = choice;
  // Once more if the platform has another key by now.
  for (let tries = 0; tries < 2; tries += 1) {
    const { endpoint, keys } = (await subscribe(manager, key)).toJSON();
    const answer = await fetch(`${server}/inbox/v1/push/subscriptions/renew`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ renewal, endpoint, keys }),
      credentials: "omit",
      cache: "no-store",
    });
    if (!answer.ok) return;
    const renewed = await answer.json();
    await data.set("push", { ...choice, id: renewed.id, renewal: renewed.renewal, key });
    if (renewed.key === null || renewed.key === key) return;
    ({ key, renewal } = renewed);
  }
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
