/** Times as people say them, in the language of the inbox. */

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Says times; make one for each language. */
export class Clock {
  #texts;
  #minutes;
  #hour;
  #day;
  #year;
  #full;

  constructor(language, texts) {
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    const format = (options) => new Intl.DateTimeFormat(locale, options);
    this.#texts = texts;
    this.#minutes = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
    this.#hour = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.#day = format({ month: language === "zh" ? "long" : "short", day: "numeric" });
    this.#year = format({ year: "numeric", month: language === "zh" ? "long" : "short", day: "numeric" });
    this.#full = format({ dateStyle: "full", timeStyle: "short" });
  }

  /** Return the time within its day: "just now", "5 min ago", "14:05". */
  short(time, now = Date.now()) {
    const age = now - time;
    if (age < MINUTE) return this.#texts.now;
    return age < HOUR ? this.#minutes.format(-Math.floor(age / MINUTE), "minute") : this.#hour.format(time);
  }

  /** Return the day alone: "Today", "Yesterday", "3 Nov", "3 Nov 2024". */
  day(time, now = Date.now()) {
    const days = daysBetween(time, now);
    if (days <= 0) return this.#texts.today;
    if (days === 1) return this.#texts.yesterday;
    return (sameYear(time, now) ? this.#day : this.#year).format(time);
  }

  /** Return the day, or today the time within it. */
  moment(time, now = Date.now()) {
    return daysBetween(time, now) <= 0 ? this.short(time, now) : this.day(time, now);
  }

  /** Return the whole date and time. */
  full(time) {
    return this.#full.format(time);
  }
}

function daysBetween(time, now) {
  return Math.round((midnight(now) - midnight(time)) / (24 * HOUR));
}

function midnight(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}

function sameYear(time, now) {
  return new Date(time).getFullYear() === new Date(now).getFullYear();
}
