/** A message as it will look in the inbox, drawn by the inbox's own code while it is typed. */

import { Card } from "../../inbox/cards.js";
import { parseComputed } from "../../inbox/colour.js";
import { el } from "../../inbox/dom.js";
import { sheet } from "../../inbox/styles.js";
import { textsIn } from "../../inbox/texts.js";
import { Clock } from "../../inbox/time.js";

const KINDS = ["text", "link", "oa"];

export class Preview {
  #language;
  #place;
  #root;
  #frame;

  constructor(place, language) {
    this.#language = language;
    this.#place = place;
    this.#root = place.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [sheet];
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
  }

  #paint() {
    const { theme } = document.documentElement.dataset;
    const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    if (this.#frame) this.#frame.dataset.theme = dark ? "dark" : "light";
  }

  /** Show a sendMsg or updateMsg request; nothing while it is not whole. `facts` are what is known of a message that was sent. */
  show(request, name, appId, facts = {}) {
    const texts = textsIn(this.#language);
    const probe = el("span", { class: "probe" });
    this.#frame = el("div", { class: "root", "data-mode": "panel", inert: true }, probe);
    this.#paint();
    this.#root.replaceChildren(this.#frame);
    this.#place.classList.remove("shown");
    const body = bodyOf(request);
    if (body === null) return;
    const context = {
      texts,
      clock: new Clock(this.#language, texts),
      query: "",
      surface: () => parseComputed(getComputedStyle(probe).backgroundColor),
      open() {},
      menu() {},
      toggleRead() {},
      toggleArchived() {},
      clamp() {},
    };
    const message = {
      id: "0",
      kind: request.msgtype ?? request.msgType,
      app: { id: appId, name },
      announcement: false,
      createdAt: Date.now(),
      readAt: null,
      archived: false,
      approval: request.approval === true ? { closedAt: null, closedBy: null } : null,
      body,
      updatedAt: null,
      remindedAt: null,
      expiresAt: null,
      ...facts,
    };
    try {
      const { element } = new Card(message, context);
      for (const part of element.querySelectorAll(".day, .quick-actions")) part.hidden = true;
      this.#frame.append(element);
      this.#place.classList.add("shown");
    } catch {
      // A part that the card needs is still missing: it is drawn with the next letter.
    }
  }
}

function bodyOf(request) {
  const kind = request.msgtype ?? request.msgType;
  if (!KINDS.includes(kind) || typeof request[kind] !== "object" || request[kind] === null) return null;
  const said = withoutNulls(request[kind]);
  if (kind !== "oa") return said;
  const places = ["busiId", "pcUrl", "appUrl"].map((name) => [name, request[name] || said[name]]);
  return { ...said, ...Object.fromEntries(places) };
}

/** Return a value without its fields that are null: they count as left out. */
function withoutNulls(value) {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const given = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(given.map(([name, item]) => [name, withoutNulls(item)]));
}
