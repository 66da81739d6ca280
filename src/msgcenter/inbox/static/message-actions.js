/** What the user does with messages: each action is made by the store, and a note offers to undo it. */

import { asApiError } from "./api.js";
import { targetOf } from "./links.js";

/** @import { ApiError } from "./api.js" */
/** @import { App, Message } from "./messages.js" */
/** @import { Store } from "./store.js" */
/** @import { Texts } from "./texts.js" */
/** @import { Clock } from "./time.js" */
/** @import { Toast } from "./toast.js" */

/**
 * @typedef {object} ActionsHost
 * @property {(message: Message, url: string | null) => boolean} opens Tells the page that a message is opened. Returns
 *   false if the page prevents it.
 * @property {(error: ApiError) => void} failed
 * @property {() => void} restoreFocus Called after an undo: the button that had the focus is gone.
 */

export class MessageActions {
  #store;
  #texts;
  #clock;
  #toast;
  #host;

  /**
   * @param {Store} store
   * @param {Texts} texts
   * @param {Clock} clock
   * @param {Toast} toast
   * @param {ActionsHost} host
   */
  constructor(store, texts, clock, toast, host) {
    this.#store = store;
    this.#texts = texts;
    this.#clock = clock;
    this.#toast = toast;
    this.#host = host;
  }

  /**
   * Open a message, which sets it read, unless it is to come back unread.
   *
   * @param {Message} message
   * @param {MouseEvent | null} event The click on the message's link, if there is one.
   */
  open(message, event) {
    if (!this.#host.opens(message, targetOf(message))) event?.preventDefault();
    if (!message.snoozedUntil) this.setRead(message, true);
  }

  /**
   * @param {Message} message
   * @param {boolean} read
   */
  setRead(message, read) {
    return this.#attempt(this.#store.setRead([message.id], read));
  }

  /** @param {Message} message */
  toggleRead(message) {
    return this.setRead(message, message.readAt === null);
  }

  /** @param {Message} message */
  toggleArchived(message) {
    const archived = !message.archived;
    const archiving = this.#store.setArchived([message.id], archived);
    // The undo is offered at once; it waits for the action to end.
    this.#offerUndo(archived ? this.#texts.didArchive : this.#texts.didUnarchive, async () => (await archiving)());
    return this.#attempt(archiving);
  }

  /** @param {Message} message */
  toggleStarred(message) {
    return this.#attempt(this.#store.setStarred([message.id], !message.starred));
  }

  /** @param {Message} message */
  delete(message) {
    const deleting = this.#store.delete([message.id]);
    this.#offerUndo(this.#texts.didDelete, async () => (await deleting)());
    return this.#attempt(deleting);
  }

  /**
   * Hide a message until a time (ms since 1970), or show it at once (null).
   *
   * @param {Message} message
   * @param {number | null} until
   */
  snooze(message, until) {
    const snoozing = this.#store.snooze([message.id], until);
    const text = until === null ? this.#texts.didUnarchive : this.#texts.didSnooze(this.#clock.coming(until));
    this.#offerUndo(text, async () => (await snoozing)());
    return this.#attempt(snoozing);
  }

  /**
   * Mute an app, or end that.
   *
   * @param {App} app
   * @param {boolean} muted
   */
  async setMuted({ id, name }, muted) {
    if (!(await this.#attempt(this.#store.setMuted(id, muted)))) return;
    const text = muted ? this.#texts.didMute(name) : this.#texts.didUnmute(name);
    this.#offerUndo(text, () => this.#store.setMuted(id, !muted));
  }

  /**
   * Set all messages of the view read; with `upTo`, that message and older ones.
   *
   * @param {Message} [upTo]
   */
  async readAll(upTo) {
    const outcome = await this.#attempt(this.#store.readAll(upTo?.id));
    if (!outcome) return;
    const { count, isComplete, undo } = outcome.result;
    const text = isComplete ? this.#texts.didMarkAll(count) : this.#texts.didMarkMany;
    if (count === 0) this.#toast.show(text);
    else this.#offerUndo(text, undo);
  }

  /**
   * @param {string} text
   * @param {() => Promise<void>} undo
   */
  #offerUndo(text, undo) {
    const run = async () => {
      if (await this.#attempt(undo())) this.#toast.show(this.#texts.didUndo);
      this.#host.restoreFocus();
    };
    this.#toast.offerUndo(text, { label: this.#texts.undo, run });
  }

  /**
   * Return the result of an action; null after reporting that it failed.
   *
   * @template Result
   * @param {Promise<Result>} action
   * @returns {Promise<{result: Result} | null>}
   */
  async #attempt(action) {
    try {
      return { result: await action };
    } catch (error) {
      const refusal = asApiError(error);
      this.#toast.show(refusal.detail || this.#texts.couldNot);
      this.#host.failed(refusal);
      return null;
    }
  }
}
