/** Whether the page /inbox may keep something on its device, and whether it does. */

/** Whether it may: not in a frame, and only over an encrypted connection. */
export function mayUseDevice() {
  return parent === window && isSecureContext && "serviceWorker" in navigator && "locks" in navigator;
}

/** Return whether the page runs as an installed app. */
export function isInstalled() {
  const { standalone } = /** @type {{standalone?: boolean}} */ (navigator);
  return standalone === true || matchMedia("(display-mode: standalone)").matches;
}

/**
 * Return whether the page uses its device: as an installed app, or because its user has chosen so, here or before. A service
 * worker is registered as long as something is kept.
 *
 * @param {string} server The server's URL with its base path.
 */
export async function usesDevice(server) {
  if (!mayUseDevice()) return false;
  return isInstalled() || Boolean(await navigator.serviceWorker.getRegistration(`${server}/inbox`));
}
