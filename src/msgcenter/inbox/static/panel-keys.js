/** The keyboard shortcuts of the panel. */

import { focusedNear, hasModifier } from "./dom.js";

/** @import { List } from "./list.js" */
/** @import { MessageActions } from "./message-actions.js" */
/** @import { Message } from "./messages.js" */
/** @import { SearchBox } from "./search-box.js" */
/** @import { Toast } from "./toast.js" */

/**
 * @typedef {object} KeyTargets What the keys act on.
 * @property {HTMLElement} panel
 * @property {HTMLInputElement} input
 * @property {List} list
 * @property {SearchBox} searchBox
 * @property {Toast} toast
 * @property {MessageActions} actions
 * @property {(message: Message) => void} snooze Asks until when.
 * @property {() => boolean} isSearching Whether the list shows what was searched for.
 * @property {() => void} endSearch
 * @property {() => void} showKeys
 * @property {() => boolean} close Returns whether there was something to close.
 */

export class PanelKeys {
  #targets;

  /** @param {KeyTargets} targets */
  constructor(targets) {
    this.#targets = targets;
  }

  /**
   * Act on a key. Returns whether it had a meaning here.
   *
   * @param {KeyboardEvent} event
   */
  handle(event) {
    if (event.defaultPrevented || hasModifier(event) || event.isComposing) return false;
    const focused = focusedNear(this.#targets.panel);
    const isInput = focused === this.#targets.input;
    const isHandled = isInput ? this.#handleInputKey(event.key) : this.#handleListKey(event.key, focused);
    if (isHandled) event.preventDefault();
    return isHandled;
  }

  /** @param {string} key */
  #handleInputKey(key) {
    const { list, searchBox, endSearch, close } = this.#targets;
    switch (key) {
      case "ArrowDown":
        return list.move(0);
      case "Enter":
        searchBox.submit();
        return true;
      case "Escape":
        if (!searchBox.isOpen) return close();
        endSearch();
        return true;
      default:
        return false;
    }
  }

  /**
   * @param {string} key
   * @param {Element | null} focused
   */
  #handleListKey(key, focused) {
    const { list, searchBox, toast, actions, snooze, isSearching, endSearch, showKeys, close } = this.#targets;
    switch (key) {
      case "ArrowDown":
      case "j":
        return list.move(1);
      case "ArrowUp":
      case "k":
        return list.move(-1);
      case "Home":
        return list.move(-Infinity);
      case "End":
        return list.move(Infinity);
      case "Enter":
        return this.#activateCurrent(focused);
      case "u":
        return this.#withFocused(focused, (message) => actions.toggleRead(message));
      case "U":
        return this.#withFocused(focused, (message) => actions.readAll(message));
      case "s":
        return this.#withFocused(focused, (message) => actions.toggleStarred(message));
      case "h":
        return this.#withFocused(focused, (message) => snooze(message));
      case "Delete":
      case "#":
        return this.#withFocused(focused, (message) => actions.delete(message));
      case "e":
        return this.#withFocused(focused, (message) => actions.toggleArchived(message));
      case "z":
        return toast.undo();
      case "/":
        searchBox.open();
        return true;
      case "?":
        showKeys();
        return true;
      case "Escape":
        if (!isSearching()) return close();
        endSearch();
        return true;
      default:
        return false;
    }
  }

  /** @param {Element | null} focused */
  #activateCurrent(focused) {
    const card = this.#targets.list.current;
    if (!card || focused !== card.element) return false;
    card.activate();
    return true;
  }

  /**
   * Run an action on the current message, if the focus is in its card.
   *
   * @param {Element | null} focused
   * @param {(message: Message) => void} action
   */
  #withFocused(focused, action) {
    const card = this.#targets.list.current;
    if (!card?.element.contains(focused)) return false;
    action(card.message);
    return true;
  }
}
