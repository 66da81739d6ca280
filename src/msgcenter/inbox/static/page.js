/** The page /inbox. Its address takes, after "#": token, and if wanted lang (zh, en) and theme (light, dark). */

import { drawFavicon } from "./badge.js";
import { HOME } from "./msg-inbox.js";
import { languageFor, textsIn } from "./texts.js";

const KEPT = ["token", "lang", "theme"];

/** Take what stands after "#" out of the address, where it would be seen, shared and kept in the history, into this tab's memory. */
function takeSettings() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of KEPT) if (given.get(name)) sessionStorage.setItem(`msg-inbox-${name}`, given.get(name));
  if (KEPT.some((name) => given.has(name))) history.replaceState(null, "", location.pathname + location.search);
  return Object.fromEntries(KEPT.map((name) => [name, sessionStorage.getItem(`msg-inbox-${name}`)]));
}

function build() {
  const settings = takeSettings();
  const language = languageFor(settings.lang || navigator.language);
  const { title } = textsIn(language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = settings.theme ?? "";
  document.title = title;
  const inbox = document.createElement("msg-inbox");
  const attributes = { mode: "panel", notifications: "on", server: HOME, lang: language, ...settings };
  for (const [name, value] of Object.entries({ ...attributes, lang: language })) if (value) inbox.setAttribute(name, value);
  const favicon = document.querySelector("link[rel=icon]");
  inbox.addEventListener("msg-inbox:counts", ({ detail: { unread } }) => {
    document.title = unread ? `(${unread > 99 ? "99+" : unread}) ${title}` : title;
    drawFavicon(favicon, unread);
    navigator.setAppBadge?.(unread).catch(() => {});
  });
  inbox.addEventListener("msg-inbox:token-expired", () => sessionStorage.removeItem("msg-inbox-token"));
  document.addEventListener("keydown", (event) => {
    if (event.target === document.body && inbox.handleKey(event)) event.preventDefault();
  });
  const heading = document.createElement("h1");
  heading.textContent = "MsgCenter";
  const main = document.createElement("main");
  main.append(heading, inbox);
  document.body.replaceChildren(main);
}

addEventListener("hashchange", build);
build();
