/** The service worker of the page /inbox, as the page sees it (inbox/worker): its registration and its upgrades. */

const CHECK_EVERY = 3_600_000;

export class DeviceWorker {
  #scope;
  /** @type {Promise<ServiceWorkerRegistration> | null} */
  #registering = null;
  #checkedAt = 0;

  /** @param {string} server The server's URL with its base path. */
  constructor(server) {
    this.#scope = `${server}/inbox`;
  }

  /** Return the registration; undefined if the worker is not used. */
  registration() {
    return navigator.serviceWorker.getRegistration(this.#scope);
  }

  /** Register the worker. Throws if the browser refuses it. */
  register() {
    this.#checkedAt = Date.now();
    this.#registering ??= navigator.serviceWorker.register(`${this.#scope}/service-worker.js`, { scope: this.#scope });
    this.#registering.catch(() => {
      this.#registering = null;
    });
    return this.#registering;
  }

  /** Register the worker, and return its registration when it works. */
  async ready() {
    await this.register();
    return navigator.serviceWorker.ready;
  }

  async unregister() {
    this.#registering = null;
    await (await this.registration())?.unregister();
  }

  /** Load the page again after an upgrade, while it is hidden, and look for upgrades when it is shown. */
  followUpgrades() {
    let isOutdated = false;
    let hadWorker = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      isOutdated = hadWorker;
      hadWorker = true;
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#checkUpgrade();
      else if (isOutdated) location.reload();
    });
  }

  /** Look for a newer version of the page, at most once an hour. */
  async #checkUpgrade() {
    if (Date.now() - this.#checkedAt < CHECK_EVERY) return;
    this.#checkedAt = Date.now();
    await (await this.registration())?.update().catch(() => {});
  }
}
