/** The inbox on screen: draws the store, and reacts to the stream, to buttons and to keys. */

import { parseComputed, readableOn } from "./colour.js";
import { focusedNear, short } from "./dom.js";
import { FOLDERS } from "./folders.js";
import { onPhone } from "./links.js";
import { List } from "./list.js";
import { Menus } from "./menu.js";
import { MessageActions } from "./message-actions.js";
import { headline, sourceOf } from "./messages.js";
import { NewMessages } from "./new-messages.js";
import { PanelKeys } from "./panel-keys.js";
import { buildPanel } from "./panel-layout.js";
import { appItems, folderItems, messageItems, notificationItems } from "./panel-menus.js";
import { Rail } from "./rail.js";
import { SearchBox } from "./search-box.js";
import { States } from "./states.js";
import { Toast } from "./toast.js";

/** @import { ApiError, View } from "./api.js" */
/** @import { Message } from "./messages.js" */
/** @import { TokenTrouble } from "./states.js" */
/** @import { Store } from "./store.js" */
/** @import { Stream } from "./stream.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Clock } from "./time.js" */

/**
 * @typedef {object} PanelHost The element around the panel.
 * @property {(message: Message, url: string | null) => boolean} opens Tells the page that a message is opened. Returns
 *   false if the page prevents it.
 * @property {(error: ApiError) => void} failed
 * @property {() => boolean} close Returns whether there was something to close.
 * @property {() => boolean} mayNotify Whether the page wants desktop notifications.
 * @property {(root: HTMLElement) => Promise<void>} openSettings
 * @property {() => Promise<typeof import("./later.js")>} later Loads what is seldom needed.
 */

const SCROLL_SHADOW = 4;
/** Older messages are loaded when the end of the list is so far below the visible part. */
const LOAD_AHEAD = "600px";

export class Panel {
  #store;
  #texts;
  #clock;
  #host;
  #states;
  #rail;
  #parts;
  #list;
  #menus;
  #toast;
  #actions;
  #searchBox;
  #newMessages;
  #keys;
  #ending = new AbortController();
  #endObserver;
  #drawnView = "";

  /**
   * @param {object} options
   * @param {Store} options.store
   * @param {Stream} options.stream
   * @param {Texts} options.texts
   * @param {Clock} options.clock
   * @param {PanelHost} options.host
   */
  constructor({ store, stream, texts, clock, host }) {
    this.#store = store;
    this.#texts = texts;
    this.#clock = clock;
    this.#host = host;
    this.#states = new States(store, stream, texts);
    this.#rail = new Rail(texts, {
      show: (view) => this.#show(view),
      setMuted: (app, muted) => this.#actions.setMuted(app, muted),
      tabPanel: "list",
    });
    this.#parts = buildPanel({ texts, rail: this.#rail, states: this.#states, commands: this.#commands() });
    const { frame, bar, column, scroller, probe, overlay, toasts, pill, live } = this.#parts;
    this.#toast = new Toast(toasts);
    this.#actions = new MessageActions(store, texts, clock, this.#toast, {
      opens: host.opens,
      failed: host.failed,
      restoreFocus: () => this.#restoreFocus(),
    });
    this.#list = new List({ scroller, probe, texts, clock, actions: this.#cardActions() });
    column.insertBefore(this.#list.feed, this.#states.place);
    this.#menus = new Menus(overlay);
    this.#searchBox = new SearchBox({ frame, input: bar.input, clear: bar.clear, search: (q) => this.#search(q) });
    this.#newMessages = new NewMessages({ texts, pill, live });
    this.#keys = this.#makeKeys();
    this.#endObserver = this.#observeEnd();
    this.#listen();
  }

  get element() {
    return this.#parts.panel;
  }

  /** Stop drawing the store. */
  stop() {
    this.#ending.abort();
    this.#searchBox.stop();
    this.#newMessages.stop();
    this.#states.stop();
    this.#list.stop();
    this.#endObserver.disconnect();
    this.#menus.close(false);
  }

  /**
   * Show that there is no token, or that it has expired.
   *
   * @param {TokenTrouble} trouble
   */
  showTrouble(trouble) {
    this.#states.trouble = trouble;
    this.draw();
  }

  #commands() {
    return {
      readAll: () => this.#actions.readAll(),
      openMenu: () => this.#openMenu(),
      showInbox: () => this.#show({ filter: "all" }),
      openSearch: () => this.#searchBox.open(),
      closeSearch: () => this.#closeSearch(),
      clearSearch: () => {
        this.#searchBox.clear();
        this.#searchBox.focus();
      },
      close: () => this.#host.close(),
      goToTop: () => {
        this.#list.toTop();
        this.#newMessages.reachTop();
      },
    };
  }

  /** @returns {import("./card.js").CardActions} */
  #cardActions() {
    return {
      open: (message, event) => this.#actions.open(message, event),
      menu: (message, button) => this.#openMessageMenu(message, button),
      toggleRead: (message) => this.#actions.toggleRead(message),
      toggleArchived: (message) => this.#actions.toggleArchived(message),
    };
  }

  #listen() {
    const { signal } = this.#ending;
    const { scroller, panel } = this.#parts;
    this.#store.on("change", () => this.draw(), { signal });
    this.#store.on("message", (message) => this.#receive(message), { signal });
    this.#store.on("reminder", (message) => this.#remind(message), { signal });
    scroller.addEventListener("scroll", () => this.#handleScroll(), { signal, passive: true });
    panel.addEventListener("keydown", (event) => this.handleKey(event), { signal });
  }

  // --- Drawing ------------------------------------------------------------------------------------------------------

  /** Bring the screen to the state of the store. */
  draw() {
    if (this.#ending.signal.aborted) return;
    const { view, phase, olderPhase, hasMore, messages } = this.#store;
    const viewKey = JSON.stringify(view);
    if (viewKey !== this.#drawnView) this.#beginView(viewKey);
    this.#drawBar();
    this.#rail.draw(this.#store);
    const lostFocus = this.#list.draw(this.#states.trouble ? [] : messages, {
      hasMore,
      isBusy: phase === "loading" || olderPhase === "loading",
      query: view.q,
    });
    if (lostFocus) this.element.focus({ preventScroll: true });
    this.#states.draw();
    this.#checkEnd();
  }

  #drawBar() {
    const { frame, bar, scroller } = this.#parts;
    const { view, counts } = this.#store;
    const folder = FOLDERS.find(({ filter }) => filter === view.filter)?.filter;
    frame.dataset.view = view.filter;
    frame.classList.toggle("folder", Boolean(folder));
    bar.title.textContent = folder ? this.#texts[folder] : this.#texts.title;
    bar.count.textContent = counts?.unread && !folder ? short(counts.unread) : "";
    bar.markAll.disabled = !this.#canReadAll;
    bar.markAll.title = bar.markAllLabel.textContent = this.#readAllLabel;
    scroller.setAttribute("aria-labelledby", folder ? "title" : `tab-${view.filter}`);
  }

  /** @param {string} viewKey */
  #beginView(viewKey) {
    this.#drawnView = viewKey;
    this.#newMessages.reachTop();
    this.#list.restart();
  }

  /** Draw everything again: colours of cards and buttons depend on the surface and the accent. */
  updateColours() {
    const accent = parseComputed(getComputedStyle(this.#parts.probe).color);
    if (accent) this.element.style.setProperty("--_on-accent", `rgb(${readableOn(accent).join(" ")})`);
    this.#list.clear();
    this.draw();
  }

  // --- Loading older messages ---------------------------------------------------------------------------------------

  #observeEnd() {
    const { scroller, sentinel } = this.#parts;
    const loadMore = (/** @type {IntersectionObserverEntry[]} */ entries) => {
      if (entries.some((entry) => entry.isIntersecting) && this.#store.olderPhase === "idle") this.#store.loadMore();
    };
    const observer = new IntersectionObserver(loadMore, { root: scroller, rootMargin: `0px 0px ${LOAD_AHEAD}` });
    observer.observe(sentinel);
    return observer;
  }

  /** Observe the end of the list again: observers report changes only, and a short page may leave the end in sight. */
  #checkEnd() {
    const { hasMore, olderPhase, phase } = this.#store;
    if (!hasMore || olderPhase !== "idle" || phase !== "shown") return;
    this.#endObserver.unobserve(this.#parts.sentinel);
    this.#endObserver.observe(this.#parts.sentinel);
  }

  // --- Live ---------------------------------------------------------------------------------------------------------

  /** @param {Message} message */
  #receive(message) {
    const { id } = message;
    this.#list.slideIn(id);
    const isAbove = this.#list.isScrolled && this.#store.messages.some((listed) => listed.id === id);
    this.#newMessages.add(message, { isAbove, isSilent: message.silent });
  }

  /** @param {Message} message */
  #remind(message) {
    if (message.silent) return;
    const { woken, reminds } = this.#texts;
    const text = message.woken ? `${woken}: ${headline(message)}` : reminds(sourceOf(message), headline(message));
    this.#toast.show(text, { label: this.#texts.show, run: () => this.#goTo(message) });
  }

  /**
   * Scroll to a message; in the view of all messages, if the present view does not list it.
   *
   * @param {Message} message
   */
  async #goTo({ id }) {
    if (!this.#list.card(id)) await this.#store.show({ filter: "all", app: "", q: "" });
    this.draw();
    this.#list.goTo(id);
  }

  #handleScroll() {
    const { scroller, frame } = this.#parts;
    frame.classList.toggle("scrolled", scroller.scrollTop > SCROLL_SHADOW);
    if (!this.#list.isScrolled) this.#newMessages.reachTop();
  }

  // --- Actions ------------------------------------------------------------------------------------------------------

  /** @param {Partial<View>} view */
  #show(view) {
    this.#toast.hide();
    this.#store.show(view);
  }

  /**
   * Set a message read and scroll to it: what a click on its desktop notification does.
   *
   * @param {Message} message
   */
  openMessage(message) {
    this.#actions.setRead(message, true);
    this.#goTo(message);
  }

  get #canReadAll() {
    const { view, counts } = this.#store;
    // Those of muted apps are not in the total.
    return (
      Boolean(counts?.apps.some(({ unread }) => unread > 0)) && view.filter !== "archived" && view.filter !== "snoozed"
    );
  }

  get #readAllLabel() {
    return this.#store.view.q ? this.#texts.markFound : this.#texts.markAll;
  }

  #openMenu() {
    const texts = this.#texts;
    const { view } = this.#store;
    const show = (/** @type {Partial<View>} */ change) => this.#show(change);
    this.#menus.toggle(this.#parts.bar.menu, texts.menu, [
      {
        icon: "checks",
        label: this.#readAllLabel,
        run: () => this.#actions.readAll(),
        disabled: !this.#canReadAll,
      },
      ...folderItems(texts, view, show),
      ...(this.#host.mayNotify() ? notificationItems(texts) : []),
      ...appItems(texts, this.#rail.apps, view, show),
      null,
      { icon: "settings", label: texts.settings, run: () => this.#openSettings() },
      ...this.#keysItem(),
    ]);
  }

  /** @returns {(import("./menu.js").MenuItem | null)[]} */
  #keysItem() {
    return onPhone() ? [] : [{ icon: "keys", label: this.#texts.keys, run: () => this.#showKeys() }];
  }

  async #openSettings() {
    try {
      await this.#host.openSettings(this.#parts.overlay);
    } catch {
      this.#toast.show(this.#texts.noSettings);
    }
  }

  async #showKeys() {
    (await this.#later())?.showKeys(this.#parts.overlay, this.#texts);
  }

  /**
   * @param {Message} shown The message as its card shows it.
   * @param {HTMLElement} button
   */
  #openMessageMenu(shown, button) {
    const texts = this.#texts;
    const message = this.#store.message(shown.id) ?? shown;
    const open = () => this.#list.card(message.id)?.activate();
    const snooze = () => this.#openSnoozeMenu(message, button);
    const items = messageItems(message, { texts, actions: this.#actions, open, snooze });
    this.#menus.toggle(button, texts.messageMenu(sourceOf(message)), items);
  }

  /**
   * @param {Message} message
   * @param {HTMLElement | undefined} button
   */
  async #openSnoozeMenu(message, button = this.#list.card(message.id)?.menuButton) {
    const { snoozeMenu } = (await this.#later()) ?? {};
    if (!button?.isConnected || !snoozeMenu) return;
    const { label, items } = snoozeMenu({
      root: this.#parts.overlay,
      texts: this.#texts,
      clock: this.#clock,
      choose: (time) => this.#actions.snooze(message, time),
    });
    this.#menus.toggle(button, label, items);
  }

  /** Return what is loaded when it is needed; null after reporting that it could not be loaded. */
  async #later() {
    try {
      return await this.#host.later();
    } catch {
      this.#toast.show(this.#texts.failed.join(". "));
      return null;
    }
  }

  // --- Search -------------------------------------------------------------------------------------------------------

  /** @param {string} q */
  #search(q) {
    if (q !== this.#store.view.q) this.#show({ q });
  }

  #closeSearch() {
    this.#searchBox.close();
    this.#focusEntrance();
  }

  // --- Focus and keys -----------------------------------------------------------------------------------------------

  /** Focus the current card, or the panel if there is none. */
  #focusEntrance() {
    (this.#list.current?.element ?? this.element).focus({ preventScroll: true });
  }

  #restoreFocus() {
    if (!focusedNear(this.element)) this.#focusEntrance();
  }

  /**
   * Act on a key. Returns whether it had a meaning here.
   *
   * @param {KeyboardEvent} event
   */
  handleKey(event) {
    return this.#keys.handle(event);
  }

  #makeKeys() {
    const { panel, bar } = this.#parts;
    return new PanelKeys({
      panel,
      input: bar.input,
      list: this.#list,
      searchBox: this.#searchBox,
      toast: this.#toast,
      actions: this.#actions,
      snooze: (message) => this.#openSnoozeMenu(message),
      isSearching: () => this.#store.view.q !== "",
      endSearch: () => this.#closeSearch(),
      showKeys: () => this.#showKeys(),
      close: () => this.#host.close(),
    });
  }
}
