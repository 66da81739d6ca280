/** The name of this browser, for the list of a user's devices. */

/** The first that fits: each later one is in the names of earlier ones. */
const BROWSERS = [
  ["MicroMessenger", /MicroMessenger/],
  ["DingTalk", /DingTalk/],
  ["Edge", /Edg(?:A|iOS)?\//],
  ["Samsung Internet", /SamsungBrowser/],
  ["Firefox", /Firefox|FxiOS/],
  ["Chrome", /Chrom(?:e|ium)|CriOS/],
  ["Safari", /Safari/],
];
const SYSTEMS = [
  ["Android", /Android/],
  ["HarmonyOS", /HarmonyOS|OpenHarmony/],
  ["iPhone", /iPhone/],
  ["iPad", /iPad/],
  ["Windows", /Windows/],
  ["macOS", /Mac OS X/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/**
 * Return a name such as "Chrome · Android".
 *
 * @param {string} [agent]
 */
export function browserName(agent = navigator.userAgent) {
  return [BROWSERS, SYSTEMS].flatMap((names) => nameIn(/** @type {[string, RegExp][]} */ (names), agent)).join(" · ");
}

/**
 * @param {[string, RegExp][]} names
 * @param {string} agent
 */
function nameIn(names, agent) {
  const found = names.find(([, pattern]) => pattern.test(agent));
  return found ? [found[0]] : [];
}
