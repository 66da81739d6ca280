/** Times as text, in the language of the inbox. */

/** @import { Language, Texts } from "./texts.js" */

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Formats times (ms since 1970) in one language and the browser's time zone. */
export class Clock {
  #texts;
  #minutes;
  #hour;
  #day;
  #year;
  #full;

  /**
   * @param {Language} language
   * @param {Pick<Texts, "now" | "today" | "yesterday">} texts
   */
  constructor(language, texts) {
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    const month = language === "zh" ? "long" : "short";
    this.#texts = texts;
    this.#minutes = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
    this.#hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.#day = new Intl.DateTimeFormat(locale, { month, day: "numeric" });
    this.#year = new Intl.DateTimeFormat(locale, { year: "numeric", month, day: "numeric" });
    this.#full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });
  }

  /**
   * Return the time of day, relative within the last hour: "just now", "5 min ago", "14:05".
   *
   * @param {number} time
   * @param {number} [now]
   */
  short(time, now = Date.now()) {
    const age = now - time;
    if (age < MINUTE) return this.#texts.now;
    return age < HOUR ? this.#minutes.format(-Math.floor(age / MINUTE), "minute") : this.#hour.format(time);
  }

  /**
   * Return the day: "Today", "Yesterday", "3 Nov", "3 Nov 2024".
   *
   * @param {number} time
   * @param {number} [now]
   */
  day(time, now = Date.now()) {
    const days = daysBetween(time, now);
    if (days <= 0) return this.#texts.today;
    if (days === 1) return this.#texts.yesterday;
    return (isSameYear(time, now) ? this.#day : this.#year).format(time);
  }

  /**
   * Return the time of day for a time of today, else the day.
   *
   * @param {number} time
   * @param {number} [now]
   */
  moment(time, now = Date.now()) {
    return daysBetween(time, now) <= 0 ? this.short(time, now) : this.day(time, now);
  }

  /**
   * Return a time that is to come: "14:05" of today, else with the day.
   *
   * @param {number} time
   * @param {number} [now]
   */
  coming(time, now = Date.now()) {
    const hour = this.#hour.format(time);
    if (daysBetween(time, now) === 0) return hour;
    return `${(isSameYear(time, now) ? this.#day : this.#year).format(time)} ${hour}`;
  }

  /**
   * Return the complete date and time.
   *
   * @param {number} time
   */
  full(time) {
    return this.#full.format(time);
  }
}

/**
 * @param {number} time
 * @param {number} now
 */
function daysBetween(time, now) {
  return Math.round((midnight(now) - midnight(time)) / DAY); // rounded: a day of 23 or 25 hours is one too
}

/** @param {number} time */
function midnight(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}

/**
 * @param {number} time
 * @param {number} now
 */
function isSameYear(time, now) {
  return new Date(time).getFullYear() === new Date(now).getFullYear();
}
