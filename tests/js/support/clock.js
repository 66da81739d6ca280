/** Time that tests let pass: timers and Date.now(). Node's own mock timers differ between its versions. */

/** @typedef {{id: number, at: number, every: number | null, run: () => void}} Timer */

export class Clock {
  now = Date.UTC(2026, 10, 24, 8, 0, 0);
  #lastId = 0;
  /** @type {Map<number, Timer>} */
  #timers = new Map();

  setTimeout = (/** @type {() => void} */ run, duration = 0) => this.#add(run, duration, null);
  setInterval = (/** @type {() => void} */ run, duration = 0) => this.#add(run, duration, duration);
  clear = (/** @type {number | undefined} */ id) => {
    if (id !== undefined) this.#timers.delete(id);
  };

  /**
   * @param {() => void} run
   * @param {number} duration
   * @param {number | null} every
   */
  #add(run, duration, every) {
    this.#lastId += 1;
    this.#timers.set(this.#lastId, { id: this.#lastId, at: this.now + duration, every, run });
    return this.#lastId;
  }

  /** @param {number} duration */
  async pass(duration) {
    const end = this.now + duration;
    for (;;) {
      await settle();
      const due = [...this.#timers.values()].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0];
      if (!due) break;
      this.now = Math.max(this.now, due.at);
      if (due.every === null) this.#timers.delete(due.id);
      else due.at += due.every;
      due.run();
    }
    this.now = end;
    await settle();
  }

  /**
   * Jump forward, as a machine that has slept does: what is due runs once, late.
   *
   * @param {number} duration
   */
  async sleep(duration) {
    this.now += duration;
    const due = [...this.#timers.values()].filter(({ at }) => at <= this.now);
    for (const timer of due) {
      if (timer.every === null) this.#timers.delete(timer.id);
      else timer.at = this.now + timer.every;
      timer.run();
    }
    await settle();
  }
}

/** Let all promises that can settle do so. */
export async function settle() {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
