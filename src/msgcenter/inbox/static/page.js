/**
 * The page /inbox. Its address takes, after "#": token, lang (zh, en), theme (light, dark); msg, a message to open; and
 * link, a signed link that gives a token and opens a message.
 */

import { closeEarlyStream } from "./early-stream.js";
import { drawFavicon } from "./favicon.js";
import { HOME, InboxElement } from "./inbox-element.js";
import { mayUseDevice, usesDevice } from "./installed.js";
import { languageFor, textsIn } from "./texts.js";

/** @import { Device } from "./device.js" */

/**
 * @typedef {"token" | "lang" | "theme"} SettingName
 * @typedef {Record<SettingName, string | null>} Settings
 *
 * @typedef {object} Target What the address asks for once.
 * @property {string | null} link A signed link.
 * @property {string | null} msg The id of a message to open.
 */

const ASK_AGAIN = 5_000;
const MAX_COUNT = 99;
/** @type {SettingName[]} */
const SETTINGS = ["token", "lang", "theme"];
const TARGETS = ["link", "msg"];
/** What this page keeps on the device, once it is loaded. @type {Device | null} */
let device = null;
/** The component, once it is on the page. @type {InboxElement | null} */
let shown = null;

// --- Settings of this tab -------------------------------------------------------------------------------------------

/** The settings for as long as the page is open: a browser may deny its storage to a frame of another website. */
const memory = /** @type {Map<string, string | null>} */ (new Map());

/**
 * Keep a setting for this tab; null removes it.
 *
 * @param {SettingName} name
 * @param {string | null} value
 */
function keepSetting(name, value) {
  memory.set(name, value);
  try {
    if (value === null) sessionStorage.removeItem(`msg-inbox-${name}`);
    else sessionStorage.setItem(`msg-inbox-${name}`, value);
  } catch {
    // Denied: `memory` has it.
  }
}

/** @param {SettingName} name */
function keptSetting(name) {
  try {
    return sessionStorage.getItem(`msg-inbox-${name}`);
  } catch {
    return memory.get(name) ?? null;
  }
}

/**
 * Move the settings from the address, where they are visible and stay in the history, into this tab's memory.
 *
 * @returns {Target}
 */
function takeAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  for (const name of SETTINGS) {
    const value = fragment.get(name);
    if (value) keepSetting(name, value);
  }
  if ([...SETTINGS, ...TARGETS].some((name) => fragment.has(name))) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return { link: fragment.get("link"), msg: fragment.get("msg") };
}

/** @returns {Settings} */
function settingsOfThisTab() {
  return { token: keptSetting("token"), lang: keptSetting("lang"), theme: keptSetting("theme") };
}

/**
 * Exchange a signed link for a token of this tab. Return the message that it leads to; null if the link has ended.
 *
 * @param {string} link
 * @returns {Promise<string | null>}
 */
async function follow(link) {
  try {
    const response = await fetch(`${HOME}/inbox/v1/link`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
      credentials: "omit",
    });
    if (!response.ok) return null;
    const { token, msgId } = await response.json();
    keepSetting("token", token);
    return msgId;
  } catch {
    return null;
  }
}

// --- Frames ---------------------------------------------------------------------------------------------------------

/** Return the origins of the websites around this page, if it is in a frame and the browser names them. */
function embedders() {
  if (parent === window) return [];
  const origins = location.ancestorOrigins
    ? [...location.ancestorOrigins]
    : [document.referrer && new URL(document.referrer).origin];
  return [...new Set(origins)].filter((origin) => origin && origin !== location.origin);
}

/**
 * Return whether the websites around this page may show the inbox of a token. Asks the server until it answers.
 *
 * @param {string | null} token
 * @returns {Promise<boolean>}
 */
async function mayBeShown(token) {
  const origins = embedders();
  if (!token || !origins.length) return true;
  const query = new URLSearchParams(origins.map((origin) => ["in", origin]));
  const options = { headers: { Authorization: `Bearer ${token}` }, credentials: /** @type {const} */ ("omit") };
  for (;;) {
    try {
      const response = await fetch(`${HOME}/inbox/v1/framing?${query}`, options);
      if (response.ok) return (await response.json()).allowed;
      if (response.status === 401) return true; // the token opens nothing, and the component says so
    } catch {
      // The server cannot be reached: ask again below.
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
  }
}

// --- The page -------------------------------------------------------------------------------------------------------

async function start() {
  const { link, msg } = takeAddress();
  const target = link ? await follow(link) : msg;
  const settings = settingsOfThisTab();
  if (!device && (await usesDevice(HOME))) await loadDevice(null).catch(() => {}); // without its script this is a tab
  if (device) {
    settings.token ??= await device.keptToken();
    if (settings.token) await device.begin(settings.token);
  }
  if (!(await mayBeShown(settings.token))) {
    showRefusal(settings);
    return;
  }
  showInbox(settings);
  if (settings.token) afterLoad(() => device?.settle().catch(() => {}));
  if (target) shown?.showMessage(target);
}

/** @param {Settings} settings */
function languageOf({ lang }) {
  return languageFor(lang || navigator.language);
}

/** @param {Settings} settings */
function showRefusal(settings) {
  closeEarlyStream();
  const text = document.createElement("h1");
  text.className = "said";
  text.textContent = textsIn(languageOf(settings)).notHere;
  const main = document.createElement("main");
  main.className = "error";
  main.append(text);
  document.body.replaceChildren(main);
}

/** @param {Settings} settings */
function showInbox(settings) {
  const language = languageOf(settings);
  const { title } = textsIn(language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = settings.theme ?? "";
  document.title = title;
  const inbox = new InboxElement();
  const attributes = { mode: "panel", notifications: "on", server: HOME, ...settings, lang: language };
  for (const [name, value] of Object.entries(attributes)) if (value) inbox.setAttribute(name, value);
  inbox.addEventListener("msg-inbox:counts", (event) => {
    const { unread } = /** @type {CustomEvent<{unread: number, todo: number}>} */ (event).detail;
    showCount(title, unread);
  });
  inbox.addEventListener("msg-inbox:token-expired", () => {
    keepSetting("token", null);
    device?.end();
  });
  inbox.device = device;
  if (mayUseDevice()) inbox.loadDevice = () => loadDevice(settings.token);
  shown = inbox;
  document.addEventListener("keydown", (event) => {
    if (event.target === document.body && inbox.handleKey(event)) event.preventDefault();
  });
  const heading = document.createElement("h1");
  heading.textContent = "MsgCenter";
  const main = document.createElement("main");
  main.append(heading, inbox);
  document.body.replaceChildren(main);
}

/**
 * Show the number of unread messages in the title, on the icon of the page and on that of an installed app.
 *
 * @param {string} title
 * @param {number} unread
 */
function showCount(title, unread) {
  document.title = unread ? `(${unread > MAX_COUNT ? `${MAX_COUNT}+` : unread}) ${title}` : title;
  const icon = document.querySelector("link[rel=icon]");
  if (icon instanceof HTMLLinkElement) drawFavicon(icon, unread);
  navigator.setAppBadge?.(unread).catch(() => {});
}

// --- The device -----------------------------------------------------------------------------------------------------

/**
 * Load the script that keeps things on the device, whose address is in the document, and begin with a token, if there is one.
 *
 * @param {string | null} token
 * @returns {Promise<Device>}
 */
async function loadDevice(token) {
  const name = document.querySelector("meta[name=device-script]")?.getAttribute("content");
  /** @type {typeof import("./device.js")} */
  const { Device } = await import(`${HOME}/${name}`);
  if (!device) {
    device = new Device(HOME);
    device.worker.followUpgrades();
  }
  if (token) await device.begin(token);
  return device;
}

/** @param {() => void} work */
function afterLoad(work) {
  if (document.readyState === "complete") work();
  else addEventListener("load", work);
}

/**
 * Open what a notification leads to: in the inbox that is shown, or with the notification's link.
 *
 * @param {{msgId?: string | null, url?: string | null}} target
 */
function openTarget({ msgId, url }) {
  if (keptSetting("token") && shown && msgId) shown.showMessage(msgId);
  else if (url) location.hash = new URL(url).hash;
}

customElements.define("msg-inbox", InboxElement);
// The worker may be used by another window.
if (mayUseDevice()) {
  navigator.serviceWorker.addEventListener(
    "message",
    ({ data }) => data?.type === "msg-inbox:open" && openTarget(data),
  );
  navigator.serviceWorker.startMessages();
}
addEventListener("hashchange", start);
start();
