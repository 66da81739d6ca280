/** How messages look. All that comes from a message is set as text; its addresses go through links.js. */

import { headColours } from "./colour.js";
import { el, icon, iconButton } from "./dom.js";
import { targetOf, webUrl } from "./links.js";
import { placesOf } from "./search.js";
import { headline, isTodo } from "./store.js";

const WIDE_ENOUGH = 300;
const WIDE_RATIO = 1.35;
const MOST_HUES = 360;

/** Pictures whose size is known: by URL, "wide", "small" or "broken", so that drawing them again moves nothing. */
const pictures = new Map();

/**
 * One message on screen. `context` gives texts, clock, query, surface() and the callbacks open(message, event), menu(message, button),
 * toggleRead(message), toggleArchived(message) and clamp(element), which watches for text that does not fit.
 */
export class Card {
  #context;
  #message;
  #parts = {};
  #decision = null;
  #isCurrent = null;

  constructor(message, context) {
    this.#context = context;
    this.#message = message;
    this.element = this.#build();
    this.update(message);
  }

  get message() {
    return this.#message;
  }

  /** Whether the message can be shown by changing this card. */
  shows(message) {
    return message === this.#message || JSON.stringify(message.body) === JSON.stringify(this.#message.body);
  }

  /** Show the message's present state. */
  update(message) {
    this.#message = message;
    const { texts, clock } = this.#context;
    const { element } = this;
    const isUnread = message.readAt === null;
    element.classList.toggle("unread", isUnread);
    element.classList.toggle("archived", message.archived);
    const state = isTodo(message) ? "todo" : message.approval ? "closed" : "none";
    const decision = JSON.stringify(message.approval);
    if (this.#decision !== decision) {
      this.#decision = decision;
      element.dataset.approval = state;
      this.#parts.approval.replaceChildren(...approvalParts(message, texts, clock));
      this.#parts.closed.hidden = !message.approval?.closedBy;
    }
    this.#parts.reminder.hidden = !isUnread || message.remindedAt === null;
    this.#parts.reminder.title = message.remindedAt === null ? "" : texts.remindedAt(clock.full(message.remindedAt));
    this.#parts.updated.hidden = message.updatedAt === null;
    this.#parts.read.replaceChildren(icon(isUnread ? "check" : "mail"));
    relabel(this.#parts.read, isUnread ? texts.markRead : texts.markUnread);
    this.#parts.archive.replaceChildren(icon(message.archived ? "restore" : "archive"));
    relabel(this.#parts.archive, message.archived ? texts.unarchive : texts.archive);
    this.tell();
  }

  /** Say the time and the name anew. */
  tell() {
    const { texts, clock } = this.#context;
    const message = this.#message;
    this.#parts.time.textContent = clock.short(message.createdAt);
    if (message.updatedAt !== null) {
      this.#parts.updated.textContent = texts.updated(clock.moment(message.updatedAt));
      this.#parts.updated.title = clock.full(message.updatedAt);
    }
    if (message.approval?.closedBy) {
      this.#parts.closed.textContent = texts.closedBy(
        message.approval.closedBy,
        clock.moment(message.approval.closedAt),
      );
      this.#parts.closed.title = clock.full(message.approval.closedAt);
    }
    const marks = [
      message.announcement && texts.announcement,
      message.readAt === null && texts.unread,
      isTodo(message) && texts.pending,
    ].filter(Boolean);
    this.element.setAttribute(
      "aria-label",
      [
        ...marks,
        message.app.name,
        headline(message),
        clock.day(message.createdAt),
        clock.short(message.createdAt),
      ].join(", "),
    );
  }

  /** Show the day above the card, or nothing. */
  setDay(day) {
    if (this.#parts.day.textContent !== day) this.#parts.day.textContent = day;
    this.#parts.day.hidden = !day;
  }

  /** Let the tab key reach what is in the card, or pass over it. */
  setCurrent(isCurrent) {
    if (this.#isCurrent === isCurrent) return;
    this.#isCurrent = isCurrent;
    this.element.tabIndex = isCurrent ? 0 : -1;
    for (const control of this.element.querySelectorAll("a, button")) control.tabIndex = isCurrent ? 0 : -1;
  }

  /** Point the links to where a click leads on this screen. */
  aim() {
    const target = targetOf(this.#message);
    for (const anchor of this.element.querySelectorAll("a.target")) aimAt(anchor, target);
  }

  /** Open the message as a click does. */
  activate() {
    const anchor = this.element.querySelector("a.target[href]");
    if (anchor) {
      anchor.click();
      return;
    }
    this.#unfold();
    this.#context.open(this.#message, null);
  }

  #unfold() {
    const more = this.element.querySelector(".expand[aria-expanded=false]:not([hidden])");
    more?.click();
  }

  #build() {
    const { texts, clock } = this.#context;
    const message = this.#message;
    const parts = this.#parts;
    parts.day = el("div", { class: "day" });
    parts.time = el("time", {
      datetime: new Date(message.createdAt).toISOString(),
      title: clock.full(message.createdAt),
    });
    parts.approval = el("span", { class: "approval" });
    parts.reminder = el("span", { class: "reminder", hidden: true }, icon("bell"), texts.reminded);
    parts.closed = el("p", { class: "closed", dir: "auto", hidden: true });
    parts.updated = el("p", { class: "updated", hidden: true });
    parts.read = iconButton("check", texts.markRead, () => this.#context.toggleRead(this.#message), {
      class: "icon-button quick",
    });
    parts.archive = iconButton("archive", texts.archive, () => this.#context.toggleArchived(this.#message), {
      class: "icon-button quick",
    });
    const menu = iconButton(
      "more",
      texts.messageMenu(message.app.name),
      () => this.#context.menu(this.#message, menu),
      { "aria-haspopup": "menu" },
    );
    menu.classList.add("card-menu");
    // From the message's own field: nothing that an app can choose looks like it.
    const official = message.announcement
      ? el("span", { class: "official" }, icon("official"), texts.announcement)
      : null;
    const tile = el(
      "div",
      { class: "tile", "aria-hidden": "true" },
      icon(message.announcement ? "official" : message.kind),
    );
    tile.style.setProperty("--hue", hueOf(message.app.id));
    const card = el(
      "div",
      { class: `card kind-${message.kind}${message.announcement ? " of-platform" : ""}` },
      tile,
      el(
        "div",
        { class: "main" },
        el(
          "div",
          { class: "meta" },
          el("span", { class: "from", dir: "auto", title: message.app.name }, message.app.name),
          official,
          parts.approval,
          parts.reminder,
          el("span", { class: "spring" }),
          parts.time,
          el("span", { class: "dot", title: texts.unreadMark }),
          el("div", { class: "quick-actions" }, parts.read, parts.archive, menu),
        ),
        ...this.#body(),
        parts.closed,
        parts.updated,
      ),
    );
    card.addEventListener("click", (event) => this.#clicked(event));
    return el("article", { class: "item", tabindex: "-1", "data-id": message.id }, parts.day, card);
  }

  #body() {
    const { kind, body } = this.#message;
    if (kind === "text") return this.#clamped(body.content, "text", true);
    if (kind === "link") return this.#link(body);
    return [this.#oa(body)];
  }

  #link(body) {
    const words = el(
      "div",
      { class: "words" },
      el("h3", { class: "headline", dir: "auto" }, this.#anchor("to", ...this.#marked(body.title))),
      ...this.#clamped(body.content, "soft"),
    );
    const picture = this.#picture(body.picUrl);
    return [el("div", { class: "linked" }, words, picture)];
  }

  #oa(body) {
    const { texts } = this.#context;
    const { title, content, form = [], imageUrl, fileCount, author } = body.body ?? {};
    const head = el("div", { class: "oa-head", dir: "auto" }, ...this.#marked(body.head.text));
    const colours = headColours(body.head.bgColor, this.#context.surface());
    head.style.setProperty("background-color", colours.background);
    head.style.setProperty("color", colours.text);
    const rows = form.filter((row) => row.key || row.value);
    const count = fileCount === undefined || fileCount === "" || String(fileCount) === "0" ? "" : String(fileCount);
    return el(
      "div",
      { class: "oa" },
      head,
      el(
        "div",
        { class: "oa-body" },
        title ? el("h3", { class: "headline", dir: "auto" }, ...this.#marked(title)) : null,
        rows.length
          ? el(
              "dl",
              { class: "form" },
              ...rows.map((row) =>
                el("div", {}, el("dt", { dir: "auto" }, row.key ?? ""), el("dd", { dir: "auto" }, row.value ?? "")),
              ),
            )
          : null,
        ...(content ? this.#clamped(content, "soft") : []),
        this.#picture(imageUrl),
      ),
      el(
        "div",
        { class: "oa-foot" },
        author ? el("span", { class: "fact", title: texts.author }, icon("person"), el("bdi", {}, author)) : null,
        count ? el("span", { class: "fact" }, icon("clip"), texts.attachments(count)) : null,
        this.#anchor("details", texts.details, icon("next")),
      ),
    );
  }

  #anchor(name, ...children) {
    const anchor = el("a", { class: `target ${name}` }, ...children);
    aimAt(anchor, targetOf(this.#message));
    return anchor;
  }

  #clamped(content, look, withLinks = false) {
    const { texts } = this.#context;
    const id = `content-${this.#message.id}`;
    const text = el(
      "p",
      { class: `content ${look}`, id, dir: "auto" },
      ...(withLinks ? this.#linked(content) : this.#marked(content)),
    );
    const more = el(
      "button",
      { type: "button", class: "expand", hidden: true, "aria-expanded": "false", "aria-controls": id },
      texts.expand,
    );
    more.addEventListener("click", () => {
      const isOpen = text.classList.toggle("open");
      more.setAttribute("aria-expanded", String(isOpen));
      more.textContent = isOpen ? texts.collapse : texts.expand;
    });
    this.#context.clamp(text, more);
    return [text, more];
  }

  /** Return the text as nodes, with what was searched for marked. */
  #marked(text) {
    const { query } = this.#context;
    if (!query) return [text];
    const nodes = [];
    let after = 0;
    for (const [from, to] of placesOf(query, text)) {
      nodes.push(text.slice(after, from), el("mark", {}, text.slice(from, to)));
      after = to;
    }
    return [...nodes, text.slice(after)];
  }

  /** Return the text as nodes, with the web addresses in it as links. */
  #linked(text) {
    const nodes = [];
    let from = 0;
    for (const match of text.matchAll(/https?:\/\/[\w.~:/?#@!$&*+,;=%-]*[\w/#=&-]/gi)) {
      const url = webUrl(match[0]);
      if (!url) continue;
      nodes.push(...this.#marked(text.slice(from, match.index)));
      nodes.push(
        el(
          "a",
          { class: "inline", href: url, target: "_blank", rel: "noopener noreferrer nofollow" },
          ...this.#marked(match[0]),
        ),
      );
      from = match.index + match[0].length;
    }
    return [...nodes, ...this.#marked(text.slice(from))];
  }

  /** Return the picture: a wide one below the text or a small one beside it; nothing once it turns out to be broken. */
  #picture(address) {
    const url = address ? webUrl(address) : null;
    if (!url || pictures.get(url) === "broken") return null;
    const image = el("img", { alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
    const frame = el("div", { class: `picture ${pictures.get(url) ?? "waiting"}` }, image);
    image.addEventListener("load", () => {
      const { naturalWidth: width, naturalHeight: height } = image;
      const size = width >= WIDE_ENOUGH && width / height >= WIDE_RATIO ? "wide" : "small";
      pictures.set(url, size);
      frame.className = `picture ${size}`;
    });
    image.addEventListener("error", () => {
      if (navigator.onLine) pictures.set(url, "broken");
      frame.remove();
    });
    image.src = url;
    return frame;
  }

  #clicked(event) {
    const anchor = event.target.closest("a");
    if (anchor?.classList.contains("target")) {
      this.#context.open(this.#message, event);
      return;
    }
    if (anchor || event.target.closest("button") || hasSelection(this.element)) return;
    this.activate();
  }
}

/** Make the cards' stand-ins for the time of loading. */
export function skeleton() {
  return el(
    "div",
    { class: "item skeleton" },
    el(
      "div",
      { class: "card" },
      el("div", { class: "tile bone" }),
      el(
        "div",
        { class: "main" },
        el("div", { class: "bone line short" }),
        el("div", { class: "bone line" }),
        el("div", { class: "bone line long" }),
      ),
    ),
  );
}

function aimAt(anchor, target) {
  if (!target) {
    anchor.removeAttribute("href");
    return;
  }
  anchor.href = target;
  const isWeb = webUrl(target) !== null;
  if (isWeb) anchor.target = "_blank";
  else anchor.removeAttribute("target"); // a native app opens beside the browser: no empty tab is left behind
  anchor.rel = "noopener noreferrer";
}

function approvalParts(message, texts, clock) {
  if (message.approval === null) return [];
  if (isTodo(message)) return [icon("todo"), texts.pending];
  return [icon("check"), texts.closed(clock.day(message.approval.closedAt))];
}

function relabel(button, label) {
  button.setAttribute("aria-label", label);
  button.title = label;
}

function hasSelection(element) {
  const selection = element.getRootNode().getSelection?.() ?? document.getSelection();
  return Boolean(selection && !selection.isCollapsed && String(selection));
}

/** Return the hue (0 to 359) that stands for an app. */
export function hueOf(id) {
  let hue = 7;
  for (const letter of id) hue = (hue * 31 + letter.codePointAt(0)) % 100_003;
  return hue % MOST_HUES;
}
