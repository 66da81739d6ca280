/** Making a call from its page, with the developer's own app: a real request, as any other program makes it. */

import { HOME } from "../../inbox/msg-inbox.js";
import { Preview } from "./preview.js";

const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const say = (zh, en) => (language === "zh" ? zh : en);
const byId = (id) => document.getElementById(id);
const place = byId("try-form");
/** Ids that stand in samples; what the last answers gave takes their place, for as long as the tab is open. */
const SAMPLES = {
  msgId: "912839057684697088",
  webhookId: "wh_4f9a1c0be27d5a6e8b31c902",
  deliveryId: "msg_b4f3f86b2dcbfa456311d2a0",
};
const NEXT = {
  sendMsg: ["modMsgStatus", say("下一步：把它设为已读", "Next: set it read")],
  modMsgStatus: ["getMsgStatus", say("下一步：看谁已读", "Next: see who has read it")],
};

/** Ask the portal for something on behalf of the app. */
async function ask(what) {
  const answer = await fetch(`${HOME}/portal/apps/${encodeURIComponent(place.dataset.app)}/${what}`, {
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

/** Return the request as it was typed. Throws a SyntaxError if it is no JSON object. */
function typed() {
  const body = JSON.parse(byId("try-body").value);
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw new SyntaxError(say("须为JSON对象", "it must be a JSON object"));
  }
  return body;
}

async function send() {
  try {
    typed();
    complain("");
  } catch (error) {
    complain(`${say("不是有效的JSON：", "This is no JSON: ")}${error.message}`);
    byId("try-body").focus();
    return;
  }
  const button = byId("try-send");
  button.disabled = true;
  try {
    const url = `${HOME}${place.dataset.path}?accessToken=${await accessToken()}`;
    const began = performance.now();
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "accept-language": language },
      body: byId("try-body").value,
    });
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
  const facts = [
    `HTTP ${answer.status}`,
    `${took.toFixed(1)} ms`,
    `X-Request-Id ${answer.headers.get("x-request-id")}`,
  ];
  if (left !== null) facts.push(say(`本秒还可调用${left}次`, `${left} calls left in this second`));
  byId("try-facts").textContent = facts.join(" · ");
  byId("try-text").textContent = body.retCode ? JSON.stringify(body, null, 2) : text;
  byId("try-answer").hidden = false;
  remember({ ...body, ...body.deliveries?.[0], ...body.webhooks?.[0] });
  const next = body.retCode === "000000" && NEXT[place.dataset.path.split("/").at(-1)];
  byId("try-next").hidden = !next;
  if (next) {
    const link = byId("try-next").firstElementChild;
    link.href = `${HOME}/portal/docs/${next[0]}?app=${encodeURIComponent(place.dataset.app)}#try`;
    link.textContent = `${next[1]} →`;
  }
}

async function copyAsCurl() {
  const quoted = byId("try-body").value.replaceAll("'", "'\\''");
  const url = `${HOME}${place.dataset.path}?accessToken=${await accessToken()}`;
  await navigator.clipboard.writeText(`curl '${url}' -H 'Content-Type: application/json' -d '${quoted}'`);
  const button = byId("try-curl");
  const before = button.textContent;
  button.textContent = say("已复制", "Copied");
  setTimeout(() => (button.textContent = before), 1500);
}

/** Keep the ids of an answer for the samples of other calls of the same app. */
function remember(answer) {
  for (const name of Object.keys(SAMPLES)) {
    if (typeof answer[name] === "string") sessionStorage.setItem(`${place.dataset.app} ${name}`, answer[name]);
  }
}

function withLastIds(text) {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    text = text.replaceAll(sample, sessionStorage.getItem(`${place.dataset.app} ${name}`) ?? sample);
  }
  return text;
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
  area.value = withLastIds(area.value);
  byId("try-send").addEventListener("click", send);
  byId("try-curl").addEventListener("click", () => copyAsCurl().catch((error) => complain(error.message)));
  byId("try-app").addEventListener("change", (event) => event.target.form.submit());
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
  });
  const preview = byId("preview") && new Preview(byId("preview"), language);
  const draw = () => {
    try {
      preview?.show(typed(), document.querySelector("#try-app option:checked").textContent, place.dataset.app);
      complain("");
    } catch {
      // It is being typed: what was whole last stays. Sending it would say what is wrong.
    }
  };
  const kinds = document.querySelectorAll("[data-sample]");
  for (const button of kinds) {
    button.addEventListener("click", () => {
      area.value = withLastIds(button.dataset.sample);
      for (const one of kinds) one.setAttribute("aria-pressed", String(one === button));
      draw();
    });
  }
  area.addEventListener("input", draw);
  draw();
  for (const button of place.querySelectorAll("button")) button.disabled = false;
  openInbox().catch((error) => (byId("sandbox").textContent = error.message));
}
