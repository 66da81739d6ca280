/** What the user can choose about channels and has chosen, as the server has it (docs/inbox.md). */

/** @import { Api } from "./api.js" */

/**
 * @typedef {object} Contact Where the user is reached.
 * @property {string} kind
 * @property {string} value Masked.
 * @property {number | null} disabledAt
 * @property {string | null} disabledReason
 *
 * @typedef {object} Preferences
 * @property {boolean} whole False if the token sees the messages of one app only.
 * @property {string[]} channels
 * @property {string[]} off "email", "type:CODE:email", "app:APPID:email".
 * @property {number | null} quietFrom Minutes of the day.
 * @property {number | null} quietUntil
 * @property {string | null} digest
 * @property {string | null} language
 * @property {string | null} timeZone
 * @property {{quietFrom: number | null, quietUntil: number | null, timeZone: string | null}} defaults
 * @property {{code: string, name: string, mandatory: boolean}[]} types
 * @property {{id: string, name: string}[]} apps
 * @property {Contact[]} contacts
 *
 * @typedef {Pick<Preferences, "off" | "quietFrom" | "quietUntil" | "digest" | "language" | "timeZone">} Chosen
 */

/** The kinds of contact points whose names are not those of their channels. */
const CONTACT_OF = /** @type {Record<string, string>} */ ({ sms: "mobile" });

export class Choices {
  #api;
  /** Changes are saved one after the other: each replaces all choices. @type {Promise<unknown>} */
  #saving = Promise.resolve();
  /** @type {Preferences} */
  shown;

  /**
   * @param {Api} api
   * @param {Preferences} shown
   */
  constructor(api, shown) {
    this.#api = api;
    this.shown = shown;
  }

  /** @param {string} entry Such as "type:news:email". */
  isOn(entry) {
    return !this.shown.off.includes(entry);
  }

  /**
   * Turn a channel on or off, in general or for a type or an app.
   *
   * @param {string} entry
   * @param {boolean} isOn
   */
  turn(entry, isOn) {
    return this.#save((chosen) => {
      const others = chosen.off.filter((other) => other !== entry);
      return { ...chosen, off: isOn ? others : [...others, entry] };
    });
  }

  /** @param {Partial<Chosen>} change */
  set(change) {
    return this.#save((chosen) => ({ ...chosen, ...change }));
  }

  /** @param {(chosen: Chosen) => Chosen} change */
  #save(change) {
    const saved = this.#saving.then(async () => {
      const { off, quietFrom, quietUntil, digest, language, timeZone } = this.shown;
      const chosen = change({ off, quietFrom, quietUntil, digest, language, timeZone });
      this.shown = await this.#api.request("PUT", "preferences", chosen);
    });
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /**
   * Return where a channel reaches the user; null if that is not known.
   *
   * @param {string} channel
   */
  contactOf(channel) {
    const kind = CONTACT_OF[channel] ?? channel;
    return this.shown.contacts.find((contact) => contact.kind === kind) ?? null;
  }

  /** @param {string} kind */
  async removeContact(kind) {
    await this.#api.request("POST", "preferences/contacts/remove", { kind });
    this.shown = { ...this.shown, contacts: this.shown.contacts.filter((contact) => contact.kind !== kind) };
  }
}
