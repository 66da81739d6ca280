/** The page /inbox. Its address takes, after "#": token, and if wanted lang (zh, en) and theme (light, dark). */

import { drawFavicon } from "./badge.js";
import { HOME } from "./msg-inbox.js";
import { languageFor, textsIn } from "./texts.js";

const ASK_AGAIN = 5_000;
const KEPT = ["token", "lang", "theme"];

const memory = new Map();

/** Keep a setting for this tab (null: forget it); in a frame of another website, where a browser may deny its storage, for as long as the page is open. */
function keep(name, value) {
  memory.set(name, value);
  try {
    if (value === null) sessionStorage.removeItem(`msg-inbox-${name}`);
    else sessionStorage.setItem(`msg-inbox-${name}`, value);
  } catch {
    // denied: `memory` has it
  }
}

function kept(name) {
  try {
    return sessionStorage.getItem(`msg-inbox-${name}`);
  } catch {
    return memory.get(name) ?? null;
  }
}

/** Take what stands after "#" out of the address, where it would be seen, shared and kept in the history, into this tab's memory. */
function takeSettings() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of KEPT) if (given.get(name)) keep(name, given.get(name));
  if (KEPT.some((name) => given.has(name))) history.replaceState(null, "", location.pathname + location.search);
  return Object.fromEntries(KEPT.map((name) => [name, kept(name)]));
}

/** Return the origins of the websites around this page, if it is in a frame, as far as the browser tells. */
function embedders() {
  if (parent === window) return [];
  const known = location.ancestorOrigins
    ? [...location.ancestorOrigins]
    : [document.referrer && new URL(document.referrer).origin];
  return [...new Set(known)].filter((origin) => origin && origin !== location.origin);
}

/** Tell whether the websites around this page may show the inbox of a token; asks the server until it answers. */
async function mayBeShown(token) {
  const websites = embedders();
  if (!token || !websites.length) return true;
  const query = new URLSearchParams(websites.map((origin) => ["in", origin]));
  for (;;) {
    try {
      const response = await fetch(`${HOME}/inbox/v1/framing?${query}`, {
        headers: { Authorization: `Bearer ${token}` },
        credentials: "omit",
      });
      if (response.ok) return (await response.json()).allowed;
      if (response.status === 401) return true; // it opens nothing, and the component says so
    } catch {
      // not reached: asked again below
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
  }
}

async function start() {
  const settings = takeSettings();
  if (await mayBeShown(settings.token)) return build(settings);
  const refused = document.createElement("main");
  refused.className = "error";
  const said = document.createElement("h1");
  said.className = "said";
  said.textContent = textsIn(languageFor(settings.lang || navigator.language)).notHere;
  refused.append(said);
  document.body.replaceChildren(refused);
}

function build(settings) {
  const language = languageFor(settings.lang || navigator.language);
  const { title } = textsIn(language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = settings.theme ?? "";
  document.title = title;
  const inbox = document.createElement("msg-inbox");
  const attributes = { mode: "panel", notifications: "on", server: HOME, lang: language, ...settings };
  for (const [name, value] of Object.entries({ ...attributes, lang: language }))
    if (value) inbox.setAttribute(name, value);
  const favicon = document.querySelector("link[rel=icon]");
  inbox.addEventListener("msg-inbox:counts", ({ detail: { unread } }) => {
    document.title = unread ? `(${unread > 99 ? "99+" : unread}) ${title}` : title;
    drawFavicon(favicon, unread);
    navigator.setAppBadge?.(unread).catch(() => {});
  });
  inbox.addEventListener("msg-inbox:token-expired", () => keep("token", null));
  document.addEventListener("keydown", (event) => {
    if (event.target === document.body && inbox.handleKey(event)) event.preventDefault();
  });
  const heading = document.createElement("h1");
  heading.textContent = "MsgCenter";
  const main = document.createElement("main");
  main.append(heading, inbox);
  document.body.replaceChildren(main);
}

addEventListener("hashchange", start);
start();
