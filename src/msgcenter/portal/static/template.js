/** The editor of a template: its preview follows what is typed. Without it, a button shows the preview. */

import { all, byId } from "./page-parts.js";

/** Milliseconds without a key until the preview is made again. */
const PAUSE = 500;

const form = byId("template", HTMLFormElement);
const button = byId("show-preview", HTMLButtonElement);
const note = byId("preview-problem", HTMLElement);
let timer = 0;
let count = 0;

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = window.setTimeout(show, PAUSE);
});
show();

/** Send the form to a new frame: to be sent to the same one again would be a step of the browser's history. */
function show() {
  const shown = frames()[0];
  for (const frame of frames().slice(1)) frame.remove();
  const coming = /** @type {HTMLIFrameElement} */ (shown.cloneNode());
  coming.removeAttribute("id");
  coming.classList.add("coming");
  // A name of its own: browsers keep the name that a frame was made with.
  count += 1;
  coming.name = `preview-${count}`;
  button.formTarget = coming.name;
  shown.after(coming);
  coming.addEventListener("load", () => replace(shown, coming));
  form.requestSubmit(button);
}

function frames() {
  return all("iframe.template-preview", HTMLIFrameElement);
}

/**
 * Show what has come in place of what is shown; or say why nothing has come, and keep what is shown.
 *
 * @param {HTMLIFrameElement} shown
 * @param {HTMLIFrameElement} coming
 */
function replace(shown, coming) {
  const page = coming.contentDocument;
  if (!page || page.URL === "about:blank" || !shown.isConnected) return;
  const problem = page.querySelector("[data-problem]");
  const isBlank = all("[data-part] :is(input:not([type=color]), textarea)", HTMLElement).every(isEmpty);
  note.textContent = (isBlank ? note.dataset.blank : problem?.textContent) ?? "";
  note.parentElement?.classList.toggle("blank", isBlank);
  if (problem) {
    coming.remove();
    return;
  }
  coming.classList.remove("coming");
  coming.id = shown.id;
  shown.remove();
}

/** @param {HTMLElement} field */
function isEmpty(field) {
  return !(/** @type {HTMLInputElement | HTMLTextAreaElement} */ (field).value.trim());
}
