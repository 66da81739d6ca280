/** Making a call from its page, with the developer's own app: a real request, as any other program makes it. */

import "/inbox/msg-inbox.js";
import { Preview } from "./preview.js";

const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const say = (zh, en) => (language === "zh" ? zh : en);
const byId = (id) => document.getElementById(id);
const place = byId("try-form");
const SAMPLE_ID = "912839057684697088";
const SENT = "msgcenter-last-sent";

/** Ask the portal for something on behalf of the app. */
async function ask(what) {
  const answer = await fetch(`/portal/apps/${encodeURIComponent(place.dataset.app)}/${what}`, {
    method: "POST",
    headers: { "x-csrf-token": document.querySelector("meta[name=csrf]").content },
  });
  if (answer.status === 401) location.reload();
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

let token = null;

/** Return an accessToken that holds for a while yet. */
async function accessToken() {
  if (!token || token.expiresAt < Date.now() + 60_000) token = await ask("token");
  return token.accessToken;
}

function complain(text) {
  byId("try-wrong").textContent = text;
  byId("try-wrong").hidden = !text;
  byId("try-body").setAttribute("aria-invalid", String(Boolean(text)));
}

/** Return the request as it was typed, null if it is no JSON object. */
function typed() {
  try {
    const body = JSON.parse(byId("try-body").value);
    if (body === null || typeof body !== "object" || Array.isArray(body)) throw new SyntaxError(say("须为JSON对象", "it must be a JSON object"));
    complain("");
    return body;
  } catch (error) {
    complain(`${say("不是有效的JSON：", "This is no JSON: ")}${error.message}`);
    return null;
  }
}

async function send() {
  if (typed() === null) return;
  const button = byId("try-send");
  button.disabled = true;
  try {
    const url = `${place.dataset.path}?accessToken=${await accessToken()}`;
    const began = performance.now();
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", "accept-language": language }, body: byId("try-body").value });
    const text = await answer.text();
    show(answer, text, performance.now() - began);
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
}

function show(answer, text, took) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // It is shown as it came.
  }
  const code = byId("try-code");
  code.textContent = body.retCode ?? `HTTP ${answer.status}`;
  code.className = `tag ${body.retCode === "000000" ? "good" : "bad"}`;
  const left = answer.headers.get("ratelimit-remaining");
  const facts = [`HTTP ${answer.status}`, `${took.toFixed(1)} ms`, `X-Request-Id ${answer.headers.get("x-request-id")}`];
  if (left !== null) facts.push(say(`本秒还可调用${left}次`, `${left} calls left in this second`));
  byId("try-facts").textContent = facts.join(" · ");
  byId("try-text").textContent = body.retCode ? JSON.stringify(body, null, 2) : text;
  byId("try-answer").hidden = false;
  if (body.msgId) sessionStorage.setItem(SENT, body.msgId);
}

async function copyAsCurl() {
  const quoted = byId("try-body").value.replaceAll("'", "'\\''");
  const url = `${location.origin}${place.dataset.path}?accessToken=${await accessToken()}`;
  await navigator.clipboard.writeText(`curl '${url}' -H 'Content-Type: application/json' -d '${quoted}'`);
  const button = byId("try-curl");
  const before = button.textContent;
  button.textContent = say("已复制", "Copied");
  setTimeout(() => (button.textContent = before), 1500);
}

/** Put the message that was sent last in the place of the sample's. */
function withLastSent(text) {
  const last = sessionStorage.getItem(SENT);
  return last ? text.replaceAll(SAMPLE_ID, last) : text;
}

/** Show the sandbox user's inbox beside it, live. */
async function openInbox() {
  const inbox = document.createElement("msg-inbox");
  inbox.setAttribute("mode", "panel");
  inbox.setAttribute("lang", language);
  inbox.setAttribute("theme", document.documentElement.dataset.theme);
  const fresh = async () => (await ask("sandbox")).userToken;
  inbox.renewToken = fresh;
  inbox.setAttribute("token", await fresh());
  byId("sandbox").replaceChildren(inbox);
}

if (place) {
  const area = byId("try-body");
  area.value = withLastSent(area.value);
  byId("try-send").addEventListener("click", send);
  byId("try-curl").addEventListener("click", () => copyAsCurl().catch((error) => complain(error.message)));
  byId("try-app").addEventListener("change", (event) => event.target.form.submit());
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });
  const preview = byId("preview") && new Preview(byId("preview"), language);
  const draw = () => preview?.show(typed() ?? {}, document.querySelector("#try-app option:checked").textContent, place.dataset.app);
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", () => {
      area.value = withLastSent(button.dataset.sample);
      draw();
    });
  }
  area.addEventListener("input", draw);
  draw();
  openInbox().catch((error) => (byId("sandbox").textContent = error.message));
}
