/** Loads the script of what is seldom needed. */

/**
 * Return the module `later.js`. Throws if it cannot be loaded.
 *
 * @param {string} server The server's URL with its base path.
 * @returns {Promise<typeof import("./later.js")>}
 */
export function loadLater(server) {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ `${server}/inbox/later.js`);
}
