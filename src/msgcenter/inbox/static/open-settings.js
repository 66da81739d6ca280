/** Opens the settings, whose script comes from the server when it is needed. */

/** @import { SettingsOptions } from "./settings.js" */

/**
 * Show the settings. Throws if their script cannot be loaded.
 *
 * @param {string} server The server's URL with its base path.
 * @param {SettingsOptions} options
 */
export async function openSettings(server, options) {
  const { showSettings } = await import(/* webpackIgnore: true */ /* @vite-ignore */ `${server}/inbox/settings.js`);
  showSettings(options);
}
