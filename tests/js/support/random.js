/** Random numbers that a seed repeats. */

/** @param {number} seed */
export function randomOf(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  /** Return a whole number below `limit`. */
  const below = (/** @type {number} */ limit) => Math.floor(next() * limit);
  return {
    below,
    chance: (/** @type {number} */ share) => next() < share,
    /**
     * @template Item
     * @param {Item[]} items
     */
    pick: (items) => items[below(items.length)],
    /**
     * Return between one and all of the items, in their order.
     *
     * @template Item
     * @param {Item[]} items
     */
    some: (items) => {
      const chosen = items.filter(() => next() < 0.5);
      return chosen.length ? chosen : items.slice(0, 1);
    },
  };
}
