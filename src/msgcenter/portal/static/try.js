/** Makes a call from its page of the reference, with the developer's own app: a real request, like any program's. */

import { HOME, MsgInbox } from "../../inbox/msg-inbox.js";
import { all, byId, copy } from "./page-parts.js";
import { Preview } from "./preview.js";
import { language, texts } from "./texts.js";

/** Ids in samples. The ids of the last answers replace them, for as long as the tab is open. */
const SAMPLE_IDS = {
  msgId: "912839057684697088",
  webhookId: "wh_4f9a1c0be27d5a6e8b31c902",
  deliveryId: "msg_b4f3f86b2dcbfa456311d2a0",
};
/** The call to try next, by call. @type {Record<string, {call: string, label: string} | undefined>} */
const NEXT_CALLS = {
  sendMsg: { call: "modMsgStatus", label: texts.nextModMsgStatus },
  sendAppMsg: { call: "modMsgStatus", label: texts.nextModMsgStatus },
  modMsgStatus: { call: "getMsgStatus", label: texts.nextGetMsgStatus },
};
/** A token is renewed so long before it expires (ms). */
const RENEW_AHEAD = 60_000;
const SUCCESS = "000000";

/** The app's calls. */
class Caller {
  #path;
  #app;
  /** @type {{accessToken: string, expiresAt: number} | null} */
  #token = null;

  /**
   * @param {string} path The path of the call.
   * @param {string} app The appId.
   */
  constructor(path, app) {
    this.#path = path;
    this.#app = app;
  }

  /**
   * Ask the portal for something on behalf of the app.
   *
   * @param {"token" | "sandbox"} what
   */
  async #ask(what) {
    const csrf = document.querySelector("meta[name=csrf]")?.getAttribute("content") ?? "";
    const answer = await fetch(`${HOME}/portal/apps/${encodeURIComponent(this.#app)}/${what}`, {
      method: "POST",
      headers: { "x-csrf-token": csrf },
    });
    if (answer.status === 401) location.reload();
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    return body;
  }

  /** Return a token for the sandbox user's inbox. */
  async userToken() {
    return (await this.#ask("sandbox")).userToken;
  }

  /** Return the URL of the call, with an accessToken that is valid for a while. */
  async url() {
    if (!this.#token || this.#token.expiresAt < Date.now() + RENEW_AHEAD) this.#token = await this.#ask("token");
    return `${HOME}${this.#path}?accessToken=${this.#token?.accessToken}`;
  }

  /**
   * Make the call. Returns the answer, its text, and how long it took (ms).
   *
   * @param {string} request
   */
  async call(request) {
    const url = await this.url();
    const headers = { "content-type": "application/json", "accept-language": language };
    const start = performance.now();
    const answer = await fetch(url, { method: "POST", headers, body: request });
    const text = await answer.text();
    return { answer, text, duration: performance.now() - start };
  }

  /** The page of the call to try next, and the label of its link; null if there is none. */
  get next() {
    const next = NEXT_CALLS[this.#path.split("/").at(-1) ?? ""];
    if (!next) return null;
    return { url: `${HOME}/portal/docs/${next.call}?app=${encodeURIComponent(this.#app)}#try`, label: next.label };
  }

  /**
   * Keep the ids of an answer for the samples of the app's other calls.
   *
   * @param {{[field: string]: unknown}} body
   */
  keepIds(body) {
    for (const name of Object.keys(SAMPLE_IDS)) {
      const id = body[name];
      if (typeof id === "string") sessionStorage.setItem(`${this.#app} ${name}`, id);
    }
  }

  /**
   * Return a sample with the ids that were kept.
   *
   * @param {string} sample
   */
  withKeptIds(sample) {
    let text = sample;
    for (const [name, id] of Object.entries(SAMPLE_IDS)) {
      text = text.replaceAll(id, sessionStorage.getItem(`${this.#app} ${name}`) ?? id);
    }
    return text;
  }
}

/** The form in which a request is written, and the answer below it. */
class TryForm {
  #caller;
  #app;
  #request = byId("try-body", HTMLTextAreaElement);
  #send = byId("try-send", HTMLButtonElement);
  #copyAsCurl = byId("try-curl", HTMLButtonElement);
  #apps = byId("try-app", HTMLSelectElement);
  #samples = all("[data-sample]", HTMLButtonElement);
  /** @type {Preview | null} Of calls that send a message. */
  #preview;

  /** @param {HTMLElement} form */
  constructor(form) {
    const { path = "", app = "" } = form.dataset;
    this.#app = app;
    this.#caller = new Caller(path, app);
    const place = document.getElementById("preview");
    this.#preview = place && new Preview(place, language);
    this.#request.value = this.#caller.withKeptIds(this.#request.value);
    this.#listen();
    this.#draw();
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    this.#openInbox().catch((error) => {
      byId("sandbox", HTMLElement).textContent = error.message;
    });
  }

  #listen() {
    this.#send.addEventListener("click", () => this.#sendRequest());
    this.#copyAsCurl.addEventListener("click", () => this.#copyCommand().catch(({ message }) => showError(message)));
    this.#apps.addEventListener("change", () => this.#apps.form?.submit());
    this.#request.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#sendRequest();
    });
    this.#request.addEventListener("input", () => this.#draw());
    for (const sample of this.#samples) sample.addEventListener("click", () => this.#takeSample(sample));
  }

  /** @param {HTMLButtonElement} chosen */
  #takeSample(chosen) {
    this.#request.value = this.#caller.withKeptIds(chosen.dataset.sample ?? "");
    for (const sample of this.#samples) sample.setAttribute("aria-pressed", String(sample === chosen));
    this.#draw();
  }

  /** Return the request. Throws a SyntaxError if it is no JSON object. */
  #parse() {
    const request = JSON.parse(this.#request.value);
    if (request === null || typeof request !== "object" || Array.isArray(request)) {
      throw new SyntaxError(texts.notAnObject);
    }
    return request;
  }

  /** Draw the preview. While the request is no JSON, the last one stays; only sending reports the error. */
  #draw() {
    try {
      this.#preview?.show(this.#parse(), this.#apps.selectedOptions[0]?.textContent ?? "", this.#app);
      showError("");
    } catch {
      // It is being written.
    }
  }

  async #sendRequest() {
    try {
      this.#parse();
      showError("");
    } catch (error) {
      showError(texts.invalidJson(/** @type {Error} */ (error).message));
      this.#request.focus();
      return;
    }
    this.#send.disabled = true;
    try {
      const { answer, text, duration } = await this.#caller.call(this.#request.value);
      this.#show(answer, text, duration);
    } catch (error) {
      showError(/** @type {Error} */ (error).message);
    } finally {
      this.#send.disabled = false;
    }
  }

  /**
   * @param {Response} answer
   * @param {string} text
   * @param {number} duration
   */
  #show(answer, text, duration) {
    const body = parseAnswer(text);
    const isSuccess = body.retCode === SUCCESS;
    const code = byId("try-code", HTMLElement);
    code.textContent = body.retCode ?? `HTTP ${answer.status}`;
    code.className = `tag ${isSuccess ? "good" : "bad"}`;
    const requestId = answer.headers.get("x-request-id");
    const facts = [`HTTP ${answer.status}`, `${duration.toFixed(1)} ms`, `X-Request-Id ${requestId}`];
    const callsLeft = answer.headers.get("ratelimit-remaining");
    if (callsLeft !== null) facts.push(texts.callsLeft(callsLeft));
    byId("try-facts", HTMLElement).textContent = facts.join(" · ");
    byId("try-text", HTMLElement).textContent = body.retCode ? JSON.stringify(body, null, 2) : text;
    byId("try-answer", HTMLElement).hidden = false;
    this.#caller.keepIds({ ...body, ...body.deliveries?.[0], ...body.webhooks?.[0] });
    this.#showNext(isSuccess ? this.#caller.next : null);
  }

  /** @param {{url: string, label: string} | null} next */
  #showNext(next) {
    const place = byId("try-next", HTMLElement);
    place.hidden = next === null;
    const link = place.querySelector("a");
    if (!next || !link) return;
    link.href = next.url;
    link.textContent = `${next.label} →`;
  }

  async #copyCommand() {
    const request = this.#request.value.replaceAll("'", "'\\''");
    const url = await this.#caller.url();
    await copy(`curl '${url}' -H 'Content-Type: application/json' -d '${request}'`, this.#copyAsCurl);
  }

  /** Show the sandbox user's inbox next to the form. */
  async #openInbox() {
    const inbox = new MsgInbox();
    inbox.setAttribute("mode", "panel");
    inbox.setAttribute("lang", language);
    inbox.setAttribute("theme", document.documentElement.dataset.theme ?? "auto");
    inbox.renewToken = () => this.#caller.userToken();
    inbox.setAttribute("token", await this.#caller.userToken());
    byId("sandbox", HTMLElement).replaceChildren(inbox);
  }
}

/** @param {string} text */
function showError(text) {
  const place = byId("try-wrong", HTMLElement);
  place.textContent = text;
  place.hidden = !text;
  byId("try-body", HTMLElement).setAttribute("aria-invalid", String(Boolean(text)));
}

/**
 * Return the answer's JSON; {} for another answer, which is shown as it is.
 *
 * @param {string} text
 */
function parseAnswer(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const form = document.getElementById("try-form");
if (form) new TryForm(form);
