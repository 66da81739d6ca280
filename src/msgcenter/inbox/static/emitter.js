/** Events with typed details. */

/**
 * An EventTarget whose events carry a detail. `Events` maps the names of the events to the types of their details.
 *
 * @template {object} Events
 */
export class Emitter extends EventTarget {
  /**
   * Call `listener` with the detail of each event of that name, until `signal` is aborted.
   *
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => void} listener
   * @param {{signal?: AbortSignal}} [options]
   */
  on(name, listener, options) {
    this.addEventListener(name, (event) => listener(/** @type {CustomEvent<Events[Name]>} */ (event).detail), options);
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} detail
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
