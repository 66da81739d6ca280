/** One message on screen: its frame, its state, and what a click does. */

import { bodyParts, marked, setTarget } from "./card-body.js";
import { hueOf } from "./colour.js";
import { el, icon, iconButton } from "./dom.js";
import { targetOf } from "./links.js";
import { headline, isTodo, sourceOf } from "./messages.js";

/** @import { Rgb } from "./colour.js" */
/** @import { Message } from "./messages.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Clock } from "./time.js" */

/**
 * @typedef {object} CardActions What the user does with a message.
 * @property {(message: Message, event: MouseEvent | null) => void} open
 * @property {(message: Message, button: HTMLElement) => void} menu
 * @property {(message: Message) => void} toggleRead
 * @property {(message: Message) => void} toggleArchived
 *
 * @typedef {object} CardSettings
 * @property {Texts} texts
 * @property {Clock} clock
 * @property {string} query What was searched for: it is marked in the texts.
 * @property {() => Rgb} surface Returns the colour below the card.
 * @property {(text: HTMLElement, more: HTMLElement) => void} clamp Shows the button `more` while the text does not fit.
 *
 * @typedef {CardActions & CardSettings} CardContext
 */

export class Card {
  #context;
  #message;
  #parts;
  /** The approval that is drawn, as JSON. */
  #drawnApproval = "";
  /** @type {boolean | null} */
  #isCurrent = null;

  /**
   * @param {Message} message
   * @param {CardContext} context
   */
  constructor(message, context) {
    this.#context = context;
    this.#message = message;
    this.#parts = this.#build();
    this.update(message);
  }

  get element() {
    return this.#parts.item;
  }

  get message() {
    return this.#message;
  }

  /** The button that opens the message's menu. */
  get menuButton() {
    return this.#parts.menu;
  }

  /**
   * Return whether `update` can show a message: its body is the one of this card.
   *
   * @param {Message} message
   */
  canShow(message) {
    return message === this.#message || JSON.stringify(message.body) === JSON.stringify(this.#message.body);
  }

  /**
   * Show another state of the message.
   *
   * @param {Message} message
   */
  update(message) {
    this.#message = message;
    const { texts, clock } = this.#context;
    const { item, marks, reminder, updated, read, archive } = this.#parts;
    const isUnread = message.readAt === null;
    item.classList.toggle("unread", isUnread);
    item.classList.toggle("archived", message.archived);
    marks.hidden = !message.starred && !message.snoozedUntil && !message.woken;
    marks.replaceChildren(...this.#marks(message));
    this.#updateApproval(message);
    reminder.hidden = !isUnread || message.remindedAt === null;
    reminder.title = message.remindedAt === null ? "" : texts.remindedAt(clock.full(message.remindedAt));
    updated.hidden = message.updatedAt === null;
    read.replaceChildren(icon(isUnread ? "check" : "mail"));
    setLabel(read, isUnread ? texts.markRead : texts.markUnread);
    archive.replaceChildren(icon(message.archived ? "restore" : "archive"));
    setLabel(archive, message.archived ? texts.unarchive : texts.archive);
    this.updateTimes();
  }

  /** @param {Message} message */
  #marks({ starred, snoozedUntil, woken }) {
    const { texts, clock } = this.#context;
    const marks = [];
    if (starred) marks.push(el("span", { class: "star", role: "img", "aria-label": texts.starred }, icon("star")));
    if (snoozedUntil) {
      const title = clock.full(snoozedUntil);
      marks.push(el("span", { class: "asleep", title }, icon("moon"), texts.until(clock.coming(snoozedUntil))));
    } else if (woken) marks.push(el("span", { class: "asleep" }, icon("moon"), texts.woken));
    return marks;
  }

  /** @param {Message} message */
  #updateApproval(message) {
    const json = JSON.stringify(message.approval);
    if (this.#drawnApproval === json) return;
    this.#drawnApproval = json;
    const { item, approval, closed } = this.#parts;
    item.dataset.approval = isTodo(message) ? "todo" : message.approval ? "closed" : "none";
    approval.replaceChildren(...this.#approvalMark(message));
    closed.hidden = !message.approval?.closedBy;
  }

  /** @param {Message} message */
  #approvalMark({ approval }) {
    const { texts, clock } = this.#context;
    if (approval === null) return [];
    if (approval.closedAt === null) return [icon("todo"), texts.pending];
    return [icon("check"), texts.closed(clock.day(approval.closedAt))];
  }

  /** Update the texts that depend on the present time, and the accessible name with them. */
  updateTimes() {
    const { texts, clock } = this.#context;
    const { item, time, updated, closed } = this.#parts;
    const { createdAt, updatedAt, approval, announcement, readAt, starred, snoozedUntil, woken } = this.#message;
    time.textContent = clock.short(createdAt);
    if (updatedAt !== null) {
      updated.textContent = texts.updated(clock.moment(updatedAt));
      updated.title = clock.full(updatedAt);
    }
    if (approval?.closedBy && approval.closedAt !== null) {
      closed.textContent = texts.closedBy(approval.closedBy, clock.moment(approval.closedAt));
      closed.title = clock.full(approval.closedAt);
    }
    const name = [
      announcement && texts.announcement,
      readAt === null && texts.unread,
      isTodo(this.#message) && texts.pending,
      starred && texts.starred,
      !!snoozedUntil && texts.until(clock.coming(snoozedUntil)),
      woken && texts.woken,
      sourceOf(this.#message),
      headline(this.#message),
      clock.day(createdAt),
      clock.short(createdAt),
    ];
    item.setAttribute("aria-label", name.filter((part) => part !== false).join(", "));
  }

  /**
   * Show the day above the card; "" for none.
   *
   * @param {string} text
   */
  setDay(text) {
    const { day } = this.#parts;
    if (day.textContent !== text) day.textContent = text;
    day.hidden = !text;
  }

  /**
   * Put the card and its controls into the order of the Tab key, or take them out.
   *
   * @param {boolean} isCurrent
   */
  setCurrent(isCurrent) {
    if (this.#isCurrent === isCurrent) return;
    this.#isCurrent = isCurrent;
    const { item } = this.#parts;
    item.tabIndex = isCurrent ? 0 : -1;
    for (const control of item.querySelectorAll("a")) control.tabIndex = isCurrent ? 0 : -1;
    for (const control of item.querySelectorAll("button")) control.tabIndex = isCurrent ? 0 : -1;
  }

  /** Set the targets of the links again: they depend on the screen. */
  updateTargets() {
    const target = targetOf(this.#message);
    for (const anchor of this.#targets()) setTarget(anchor, target);
  }

  /** Open the message as a click does. */
  activate() {
    const anchor = this.#targets().find(({ href }) => href);
    if (anchor) {
      anchor.click();
      return;
    }
    /** @type {HTMLElement | null} */ (
      this.element.querySelector(".expand[aria-expanded=false]:not([hidden])")
    )?.click();
    this.#context.open(this.#message, null);
  }

  #targets() {
    return [...this.element.querySelectorAll("a")].filter(isTarget);
  }

  #build() {
    const { texts, clock } = this.#context;
    const message = this.#message;
    const { id, kind, app, announcement, createdAt } = message;
    const day = el("div", { class: "day" });
    const time = el("time", { datetime: new Date(createdAt).toISOString(), title: clock.full(createdAt) });
    const approval = el("span", { class: "approval" });
    const reminder = el("span", { class: "reminder", hidden: true }, icon("bell"), texts.reminded);
    const marks = el("span", { class: "marks", hidden: true });
    const closed = el("p", { class: "closed", dir: "auto", hidden: true });
    const updated = el("p", { class: "updated", hidden: true });
    const quick = { class: "icon-button quick" };
    const read = iconButton("check", texts.markRead, () => this.#context.toggleRead(this.#message), quick);
    const archive = iconButton("archive", texts.archive, () => this.#context.toggleArchived(this.#message), quick);
    const menu = iconButton(
      "more",
      texts.messageMenu(sourceOf(message)),
      () => this.#context.menu(this.#message, menu),
      {
        class: "icon-button card-menu",
        "aria-haspopup": "menu",
      },
    );
    const tile = el("div", { class: "tile", "aria-hidden": "true" }, icon(announcement ? "official" : kind));
    tile.style.setProperty("--hue", String(hueOf(app.id)));
    const meta = el(
      "div",
      { class: "meta" },
      this.#from(),
      // Shown for the message's own field: no text of an app can imitate it.
      announcement ? el("span", { class: "official" }, icon("official"), texts.announcement) : null,
      approval,
      marks,
      reminder,
      el("span", { class: "spring" }),
      time,
      el("span", { class: "dot", title: texts.unreadMark }),
      el("div", { class: "quick-actions" }, read, archive, menu),
    );
    const main = el("div", { class: "main" }, meta, ...bodyParts(message, this.#context), closed, updated);
    const card = el("div", { class: `card kind-${kind}${announcement ? " of-platform" : ""}` }, tile, main);
    card.addEventListener("click", (event) => this.#handleClick(event));
    const item = el("article", { class: "item", tabindex: "-1", "data-id": id }, day, card);
    return { item, day, time, approval, marks, reminder, closed, updated, read, archive, menu };
  }

  /** Return the app's name, after the sender's if the message names one. */
  #from() {
    const { app, senderName } = this.#message;
    const title = sourceOf(this.#message);
    if (!senderName) return el("span", { class: "from", dir: "auto", title }, app.name);
    const sender = el("span", { class: "sender", dir: "auto" }, ...marked(senderName, this.#context.query));
    // The names are isolated, and a long one gives way to the app's: no name can hide or imitate it.
    return el("span", { class: "from two", title }, sender, " · ", el("span", { class: "by", dir: "auto" }, app.name));
  }

  /** @param {MouseEvent} event */
  #handleClick(event) {
    const clicked = /** @type {Element} */ (event.target);
    const anchor = clicked.closest("a");
    if (anchor && isTarget(anchor)) {
      this.#context.open(this.#message, event);
      return;
    }
    if (anchor || clicked.closest("button") || hasSelection(this.element)) return;
    this.activate();
  }
}

/** @param {HTMLAnchorElement} anchor */
function isTarget({ classList }) {
  return classList.contains("target");
}

/**
 * @param {HTMLElement} button
 * @param {string} label
 */
function setLabel(button, label) {
  button.setAttribute("aria-label", label);
  button.title = label;
}

/** @param {HTMLElement} element */
function hasSelection(element) {
  // Chromium has a selection for each shadow tree.
  const root = /** @type {{getSelection?: () => Selection | null}} */ (element.getRootNode());
  const selection = root.getSelection?.() ?? document.getSelection();
  return Boolean(selection && !selection.isCollapsed && String(selection));
}
