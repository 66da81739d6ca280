/** The search field of the panel. */

/** A search begins so long after the last key (ms). */
const TYPING_PAUSE = 250;

export class SearchBox {
  #frame;
  #input;
  #clear;
  #search;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /**
   * @param {object} options
   * @param {HTMLElement} options.frame Has the class "searching" while the field covers the bar.
   * @param {HTMLInputElement} options.input
   * @param {HTMLElement} options.clear The button that clears the field.
   * @param {(query: string) => void} options.search Called with what is searched for; "" for no search.
   */
  constructor({ frame, input, clear, search }) {
    this.#frame = frame;
    this.#input = input;
    this.#clear = clear;
    this.#search = search;
    input.addEventListener("input", () => this.#searchLater());
  }

  /** Whether the field covers the bar or has text in it. */
  get isOpen() {
    return this.#input.value !== "" || this.#frame.classList.contains("searching");
  }

  open() {
    this.#frame.classList.add("searching");
    this.#input.focus();
    this.#input.select();
  }

  /** End the search. */
  close() {
    this.#frame.classList.remove("searching");
    this.clear();
  }

  clear() {
    this.#input.value = "";
    this.submit();
  }

  focus() {
    this.#input.focus();
  }

  /** Search for what is in the field. */
  submit() {
    clearTimeout(this.#typing);
    const query = this.#input.value.trim();
    this.#clear.hidden = !query;
    this.#search(query);
  }

  #searchLater() {
    clearTimeout(this.#typing);
    this.#clear.hidden = !this.#input.value;
    this.#typing = setTimeout(() => this.submit(), TYPING_PAUSE);
  }

  stop() {
    clearTimeout(this.#typing);
  }
}
