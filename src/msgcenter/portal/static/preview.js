/** A message as it looks in the inbox, drawn with the inbox's own code. */

import { Card } from "../../inbox/card.js";
import { parseComputed } from "../../inbox/colour.js";
import { el } from "../../inbox/dom.js";
import { sheet } from "../../inbox/styles.js";
import { textsIn } from "../../inbox/texts.js";
import { Clock } from "../../inbox/time.js";

/** @import { CardContext } from "../../inbox/card.js" */
/** @import { Rgb } from "../../inbox/colour.js" */
/** @import { Message } from "../../inbox/messages.js" */
/** @import { Language } from "./texts.js" */

/**
 * @typedef {{[field: string]: any}} MessageRequest A sendMsg or updateMsg request, whole or not.
 */

const KINDS = ["text", "link", "oa"];
/** @type {Rgb} */
const WHITE = [255, 255, 255];

export class Preview {
  #language;
  #place;
  #root;
  #frame = el("div");

  /**
   * @param {HTMLElement} place Has the class "shown" while there is something to see.
   * @param {Language} language
   */
  constructor(place, language) {
    this.#language = language;
    this.#place = place;
    this.#root = place.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [sheet];
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#applyTheme());
  }

  #applyTheme() {
    const { theme } = document.documentElement.dataset;
    const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.#frame.dataset.theme = isDark ? "dark" : "light";
  }

  /**
   * Show the message of a request; nothing while it is incomplete.
   *
   * @param {MessageRequest} request
   * @param {string} appName
   * @param {string} appId
   * @param {Partial<Message>} [facts] What is known of a message that was sent.
   */
  show(request, appName, appId, facts = {}) {
    const probe = el("span", { class: "probe" });
    this.#frame = el("div", { class: "root", "data-mode": "panel", inert: true }, probe);
    this.#applyTheme();
    this.#root.replaceChildren(this.#frame);
    this.#place.classList.remove("shown");
    const message = messageOf(request, { id: appId, name: appName }, facts);
    if (message === null) return;
    try {
      const { element } = new Card(message, this.#context(probe));
      for (const part of element.querySelectorAll(".day, .quick-actions")) part.setAttribute("hidden", "");
      this.#frame.append(element);
      this.#place.classList.add("shown");
    } catch {
      // The card needs a part that is still missing: the next key draws it again.
    }
  }

  /**
   * @param {HTMLElement} probe
   * @returns {CardContext}
   */
  #context(probe) {
    const texts = textsIn(this.#language);
    return {
      texts,
      clock: new Clock(this.#language, texts),
      query: "",
      surface: () => parseComputed(getComputedStyle(probe).backgroundColor) ?? WHITE,
      open() {},
      menu() {},
      toggleRead() {},
      toggleArchived() {},
      clamp() {},
    };
  }
}

/**
 * Return the message that the inbox's API would send for a request; null for a request without a body.
 *
 * @param {MessageRequest} request
 * @param {{id: string, name: string}} app
 * @param {Partial<Message>} facts
 * @returns {Message | null}
 */
function messageOf(request, app, facts) {
  const kind = request.msgtype ?? request.msgType;
  const body = bodyOf(request, kind);
  if (body === null) return null;
  const message = {
    id: "0",
    kind,
    app,
    senderName: nameIn(request.senderName) ?? nameIn(request.publisherName),
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
  // The fields are those of a message if the request is complete; `show` catches what follows from an incomplete one.
  return /** @type {Message} */ (message);
}

/** @param {unknown} value */
function nameIn(value) {
  return typeof value === "string" && value ? value : null;
}

/**
 * @param {MessageRequest} request
 * @param {string} kind
 */
function bodyOf(request, kind) {
  if (!KINDS.includes(kind) || typeof request[kind] !== "object" || request[kind] === null) return null;
  const body = withoutNulls(request[kind]);
  if (kind !== "oa") return body;
  // The addresses of an oa message are accepted next to its body as well.
  const { busiId, pcUrl, appUrl } = request;
  return {
    ...body,
    busiId: busiId || body.busiId,
    pcUrl: pcUrl || body.pcUrl,
    appUrl: appUrl || body.appUrl,
  };
}

/**
 * Return a JSON value without its fields that are null: they count as left out.
 *
 * @param {any} value
 * @returns {any}
 */
function withoutNulls(value) {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(fields.map(([name, item]) => [name, withoutNulls(item)]));
}
