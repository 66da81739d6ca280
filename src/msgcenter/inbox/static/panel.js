/** The inbox on screen: head, views, list, and what tells of its state. */

import { askPermission, permission } from "./badge.js";
import { parseComputed, readableOn } from "./colour.js";
import { el, hasModifier, icon, iconButton, short } from "./dom.js";
import { showKeys } from "./keys.js";
import { onPhone, targetOf } from "./links.js";
import { List } from "./list.js";
import { Menus } from "./menu.js";
import { Rail } from "./rail.js";
import { States } from "./states.js";
import { headline } from "./store.js";
import { Toast } from "./toast.js";

const TYPING_PAUSE = 250;
const SAY_TOGETHER = 800;
const LONGEST_SEARCH = 64;

/**
 * Draws a store. `host` offers dispatch(name, detail) (false if prevented), mayNotify, close() and mode ("bell" or "panel").
 */
export class Panel {
  #store;
  #texts;
  #host;
  #parts = {};
  #list;
  #unseen = 0;
  #toSay = [];
  #sayTimer = 0;
  #typing = 0;
  #ending = new AbortController();
  #drawnView = "";
  #menus;
  #toast;
  #watchEnd;
  #states;
  #rail;

  constructor({ store, stream, texts, clock, host }) {
    this.#store = store;
    this.#texts = texts;
    this.#host = host;
    this.#states = new States(store, stream, texts);
    this.#rail = new Rail(texts, (view) => this.#show(view), "list");
    this.element = this.#build(clock);
    this.#menus = new Menus(this.#parts.overlay);
    this.#toast = new Toast(this.#parts.toast);
    this.#watch();
  }

  /** Draw another session: the old store is silent from now on. */
  end() {
    this.#ending.abort();
    for (const timer of [this.#sayTimer, this.#typing]) clearTimeout(timer);
    this.#states.end();
    this.#list.end();
    this.#watchEnd.disconnect();
    this.#menus.close(false);
  }

  /** The element that the focus goes to when the inbox opens. */
  get entrance() {
    return this.#list.current?.element ?? this.element;
  }

  /** Say that there is no token ("none") or that it has ended ("expired"); null takes it back. */
  set trouble(trouble) {
    this.#states.trouble = trouble;
    this.draw();
  }

  // --- Structure ----------------------------------------------------------------------------------------------------

  #build(clock) {
    const texts = this.#texts;
    const parts = this.#parts;
    parts.count = el("span", { class: "count", "aria-hidden": "true" });
    parts.markAll = el(
      "button",
      { type: "button", class: "text-button mark-all", title: texts.markAll, on: { click: () => this.#readAll() } },
      icon("checks"),
      el("span", {}, texts.markAll),
    );
    parts.menu = iconButton("more", texts.menu, () => this.#openMenu(), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    const back = iconButton("back", texts.backToInbox, () => this.#show({ filter: "all" }), {
      class: "icon-button back",
    });
    parts.input = el("input", {
      type: "search",
      class: "query",
      placeholder: texts.search,
      "aria-label": texts.searchHint,
      maxlength: LONGEST_SEARCH,
      autocomplete: "off",
      spellcheck: "false",
      enterkeyhint: "search",
    });
    parts.clear = iconButton("close", texts.clearSearch, () => this.#clearSearch(), {
      class: "icon-button clear",
      hidden: true,
    });
    const search = el("div", { class: "search", role: "search" }, icon("search"), parts.input, parts.clear);
    const openSearch = iconButton("search", texts.search, () => this.#openSearch(), {
      class: "icon-button open-search",
    });
    const closeSearch = iconButton("back", texts.closeSearch, () => this.#closeSearch(), {
      class: "icon-button close-search",
    });
    const close = iconButton("close", texts.close, () => this.#host.close(), { class: "icon-button close" });
    parts.title = el("h2", { class: "title", id: "title" }, texts.title);
    const bar = el(
      "header",
      { class: "bar" },
      back,
      closeSearch,
      el("div", { class: "name" }, parts.title, parts.count),
      search,
      el("span", { class: "spring" }),
      openSearch,
      parts.markAll,
      parts.menu,
      close,
    );

    parts.sentinel = el("div", { class: "sentinel", "aria-hidden": "true" });
    const column = el("div", { class: "column" });
    parts.scroller = el(
      "div",
      { class: "scroller", role: "tabpanel", id: "list", "aria-labelledby": "tab-all" },
      column,
    );
    parts.probe = el("span", { class: "probe", hidden: true });
    this.#list = new List({ scroller: parts.scroller, probe: parts.probe, texts, clock, actions: this.#cardActions() });
    column.append(this.#rail.chip, this.#list.feed, this.#states.place, this.#states.foot, parts.sentinel);
    parts.pill = el("button", { type: "button", class: "pill", hidden: true, on: { click: () => this.#toTop() } });
    parts.toast = el("div", { class: "toasts", role: "status" });
    parts.live = el("div", { class: "unseen", role: "log", "aria-live": "polite", "aria-relevant": "additions" });
    parts.overlay = el("div", { class: "overlay" });
    parts.frame = el(
      "div",
      { class: "frame" },
      bar,
      this.#rail.element,
      this.#states.notice,
      parts.scroller,
      parts.pill,
      parts.toast,
      parts.live,
      parts.probe,
    );
    const panel = el(
      "section",
      { class: "panel", tabindex: "-1", "aria-labelledby": "title" },
      parts.frame,
      parts.overlay,
    );
    parts.panel = panel;
    return panel;
  }

  #cardActions() {
    return {
      open: (message, event) => this.#open(message, event),
      menu: (message, button) => this.#openMessageMenu(message, button),
      toggleRead: (message) => this.#toggleRead(message),
      toggleArchived: (message) => this.#toggleArchived(message),
    };
  }

  #watch() {
    const { signal } = this.#ending;
    const { scroller, input, panel } = this.#parts;
    this.#store.addEventListener("change", () => this.draw(), { signal });
    this.#store.addEventListener("arrival", (event) => this.#welcome(event.detail), { signal });
    this.#store.addEventListener("reminder", (event) => this.#remind(event.detail), { signal });
    scroller.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    input.addEventListener("input", () => this.#typed(), { signal });
    panel.addEventListener("keydown", (event) => this.handleKey(event), { signal });
    this.#watchEnd = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.#reachedEnd(),
      { root: scroller, rootMargin: "0px 0px 600px" },
    );
    this.#watchEnd.observe(this.#parts.sentinel);
  }

  // --- Drawing ------------------------------------------------------------------------------------------------------

  /** Bring the screen to the state of the store. */
  draw() {
    if (this.#ending.signal.aborted) return;
    const { view, counts } = this.#store;
    const parts = this.#parts;
    const texts = this.#texts;
    const isArchive = view.filter === "archived";
    const key = JSON.stringify(view);
    if (key !== this.#drawnView) this.#startView(key);
    parts.frame.dataset.view = view.filter;
    parts.title.textContent = isArchive ? texts.archived : texts.title;
    parts.count.textContent = counts?.unread && !isArchive ? short(counts.unread) : "";
    parts.markAll.disabled = !counts?.unread || isArchive;
    parts.markAll.title = parts.markAll.lastChild.textContent = this.#markAllLabel();
    parts.scroller.setAttribute("aria-labelledby", isArchive ? "title" : `tab-${view.filter}`);
    this.#rail.draw(this.#store);
    const { state, more, hasMore, messages } = this.#store;
    const isBusy = state === "loading" || more === "loading";
    const lostFocus = this.#list.draw(this.#states.trouble ? [] : messages, { hasMore, isBusy, query: view.q });
    if (lostFocus) parts.panel.focus({ preventScroll: true });
    this.#states.draw();
    this.#askForMore();
  }

  #startView(key) {
    this.#drawnView = key;
    this.#unseen = 0;
    this.#list.restart();
    this.#drawPill();
  }

  /** Colours of cards and buttons depend on the surface and the accent: draw them again. */
  recolour() {
    const accent = parseComputed(getComputedStyle(this.#parts.probe).color);
    if (accent) this.#parts.panel.style.setProperty("--_on-accent", `rgb(${readableOn(accent).join(" ")})`);
    this.#list.forget();
    this.draw();
  }

  /** An observer tells of changes only: ask it again, a short page may have left the end in sight. */
  #askForMore() {
    if (!this.#store.hasMore || this.#store.more !== "idle" || this.#store.state !== "shown") return;
    this.#watchEnd.unobserve(this.#parts.sentinel);
    this.#watchEnd.observe(this.#parts.sentinel);
  }

  #reachedEnd() {
    if (this.#store.more === "idle") this.#store.loadMore();
  }

  // --- Live ---------------------------------------------------------------------------------------------------------

  #welcome(message) {
    this.#list.welcome(message.id);
    if (this.#list.isScrolled && this.#store.messages.some((one) => one.id === message.id)) this.#unseen += 1;
    this.#drawPill();
    this.#toSay.push(message);
    clearTimeout(this.#sayTimer);
    this.#sayTimer = setTimeout(() => this.#sayArrivals(), SAY_TOGETHER);
  }

  /** An app asks once more to read a message: offer the way there. */
  #remind(message) {
    this.#toast.say(this.#texts.reminds(message.app.name, headline(message)), {
      label: this.#texts.show,
      run: () => this.#goTo(message),
    });
  }

  /** Show a message, in the view of everything if this one has it not. */
  async #goTo(message) {
    if (!this.#list.card(message.id)) await this.#store.show({ filter: "all", app: "", q: "" });
    this.draw();
    this.#list.goTo(message.id);
  }

  #sayArrivals() {
    const [first, ...others] = this.#toSay;
    this.#toSay = [];
    this.#say(
      others.length ? this.#texts.newMessages(others.length + 1) : this.#texts.arrived(first.app.name, headline(first)),
    );
  }

  /** Let screen readers say something. */
  #say(text) {
    this.#parts.live.replaceChildren(el("p", {}, text));
  }

  #drawPill() {
    const { pill } = this.#parts;
    pill.hidden = this.#unseen === 0;
    if (this.#unseen) pill.replaceChildren(icon("up"), el("span", {}, this.#texts.newMessages(this.#unseen)));
  }

  #scrolled() {
    const { scroller, frame } = this.#parts;
    frame.classList.toggle("scrolled", scroller.scrollTop > 4);
    if (this.#list.isScrolled || this.#unseen === 0) return;
    this.#unseen = 0;
    this.#drawPill();
  }

  #toTop() {
    this.#list.toTop();
    this.#unseen = 0;
    this.#drawPill();
  }

  // --- Actions ------------------------------------------------------------------------------------------------------

  #show(view) {
    this.#toast.hide();
    this.#store.show(view);
  }

  #open(message, event) {
    const url = targetOf(message);
    const goes = this.#host.dispatch("msg-inbox:open", { message, url });
    if (!goes) event?.preventDefault();
    this.#attempt(this.#store.setRead([message.id], true));
  }

  /** Open a message as a click on it does; for desktop notifications. */
  openMessage(message) {
    this.#attempt(this.#store.setRead([message.id], true));
    this.#list.goTo(message.id);
  }

  #toggleRead(message) {
    return this.#attempt(this.#store.setRead([message.id], message.readAt === null));
  }

  /** The way back is offered at once, and waits for the way there. */
  #toggleArchived(message) {
    const archived = !message.archived;
    const done = this.#store.setArchived([message.id], archived);
    this.#offerUndo(archived ? this.#texts.didArchive : this.#texts.didUnarchive, async () => (await done)());
    return this.#attempt(done);
  }

  /** Of a search, what it finds is read; a button that says "all" would promise more. */
  #markAllLabel() {
    return this.#store.view.q ? this.#texts.markFound : this.#texts.markAll;
  }

  async #readAll() {
    const done = await this.#attempt(this.#store.readAll());
    if (!done) return;
    const text = done.isComplete ? this.#texts.didMarkAll(done.count) : this.#texts.didMarkMany;
    if (done.count === 0) this.#toast.say(text);
    else this.#offerUndo(text, done.undo);
  }

  #offerUndo(text, undo) {
    this.#toast.say(text, {
      label: this.#texts.undo,
      run: async () => {
        if ((await this.#attempt(undo().then(() => true))) === true) this.#toast.say(this.#texts.didUndo);
        if (!this.element.getRootNode().activeElement) this.entrance.focus({ preventScroll: true });
      },
    });
  }

  /** Return what an action gives, or say that it failed and return null. */
  async #attempt(action) {
    try {
      return (await action) ?? undefined;
    } catch (error) {
      this.#toast.say(error.detail || this.#texts.couldNot);
      this.#host.failed(error);
      return null;
    }
  }

  #openMenu() {
    const texts = this.#texts;
    const { view, counts } = this.#store;
    const isArchive = view.filter === "archived";
    const items = [
      {
        icon: "checks",
        label: this.#markAllLabel(),
        run: () => this.#readAll(),
        disabled: !counts?.unread || isArchive,
      },
      isArchive
        ? { icon: "inbox", label: texts.backToInbox, run: () => this.#show({ filter: "all" }) }
        : { icon: "archive", label: texts.archived, run: () => this.#show({ filter: "archived" }) },
      ...this.#notificationItems(),
    ];
    if (this.#rail.apps.length > 1) {
      items.push(null, {
        icon: "app",
        label: texts.allSources,
        checked: !view.app,
        run: () => this.#show({ app: "" }),
      });
      for (const app of this.#rail.apps)
        items.push({
          icon: "app",
          label: app.name,
          checked: app.id === view.app,
          run: () => this.#show({ app: app.id }),
        });
    }
    if (!onPhone())
      items.push(null, { icon: "keys", label: texts.keys, run: () => showKeys(this.#parts.overlay, this.#texts) });
    this.#menus.toggle(this.#parts.menu, texts.menu, items);
  }

  #notificationItems() {
    const state = permission();
    if (!this.#host.mayNotify || state === "none") return [];
    const label = { default: this.#texts.notifyOn, granted: this.#texts.notifyIsOn, denied: this.#texts.notifyBlocked }[
      state
    ];
    return [{ icon: "bell", label, run: askPermission, disabled: state !== "default" }];
  }

  #openMessageMenu(message, button) {
    const texts = this.#texts;
    const now = this.#store.message(message.id) ?? message;
    const items = [];
    if (targetOf(now)) items.push({ icon: "open", label: texts.open, run: () => this.#list.card(now.id)?.activate() });
    items.push({
      icon: now.readAt === null ? "check" : "mail",
      label: now.readAt === null ? texts.markRead : texts.markUnread,
      run: () => this.#toggleRead(now),
    });
    items.push({
      icon: now.archived ? "restore" : "archive",
      label: now.archived ? texts.unarchive : texts.archive,
      run: () => this.#toggleArchived(now),
    });
    this.#menus.toggle(button, texts.messageMenu(now.app.name), items);
  }

  // --- Search -------------------------------------------------------------------------------------------------------

  #openSearch() {
    this.#parts.frame.classList.add("searching");
    this.#parts.input.focus();
    this.#parts.input.select();
  }

  #closeSearch() {
    this.#parts.frame.classList.remove("searching");
    this.#clearSearch(false);
    this.entrance.focus({ preventScroll: true });
  }

  #clearSearch(stay = true) {
    this.#parts.input.value = "";
    clearTimeout(this.#typing);
    this.#search();
    if (stay) this.#parts.input.focus();
  }

  #typed() {
    clearTimeout(this.#typing);
    this.#parts.clear.hidden = !this.#parts.input.value;
    this.#typing = setTimeout(() => this.#search(), TYPING_PAUSE);
  }

  #search() {
    const q = this.#parts.input.value.trim();
    this.#parts.clear.hidden = !q;
    if (q !== this.#store.view.q) this.#show({ q });
  }

  // --- Keys and focus -----------------------------------------------------------------------------------------------

  /** Act on a key. Returns whether it meant something here. */
  handleKey(event) {
    if (event.defaultPrevented || hasModifier(event) || event.isComposing) return false;
    const active = this.element.getRootNode().activeElement;
    const isTyping = active === this.#parts.input;
    if (isTyping ? this.#inputKeyed(event) : this.#listKeyed(event, active)) {
      event.preventDefault();
      return true;
    }
    return false;
  }

  #inputKeyed(event) {
    if (event.key === "ArrowDown") return this.#list.move(0);
    if (event.key === "Enter") {
      clearTimeout(this.#typing);
      this.#search();
      return true;
    }
    if (event.key !== "Escape") return false;
    if (this.#parts.input.value || this.#parts.frame.classList.contains("searching")) {
      this.#closeSearch();
      return true;
    }
    return this.#host.close();
  }

  #listKeyed(event, active) {
    const card = this.#list.current;
    switch (event.key) {
      case "ArrowDown":
      case "j":
        return this.#list.move(1);
      case "ArrowUp":
      case "k":
        return this.#list.move(-1);
      case "Home":
        return this.#list.move(-Infinity);
      case "End":
        return this.#list.move(Infinity);
      case "Enter":
        if (active !== card?.element) return false;
        card.activate();
        return true;
      case "u":
        return this.#withCurrent((message) => this.#toggleRead(message));
      case "e":
        return this.#withCurrent((message) => this.#toggleArchived(message));
      case "z":
        return this.#toast.act();
      case "/":
        this.#openSearch();
        return true;
      case "?":
        showKeys(this.#parts.overlay, this.#texts);
        return true;
      case "Escape":
        if (this.#store.view.q) {
          this.#closeSearch();
          return true;
        }
        return this.#host.close();
      default:
        return false;
    }
  }

  #withCurrent(action) {
    const card = this.#list.current;
    if (!card?.element.contains(this.element.getRootNode().activeElement)) return false;
    action(card.message);
    return true;
  }
}
