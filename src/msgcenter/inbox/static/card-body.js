/** The bodies of messages. Everything from a message is set as text; its addresses go through links.js. */

import { headColours } from "./colour.js";
import { el, icon } from "./dom.js";
import { targetOf, webUrl } from "./links.js";
import { picture } from "./picture.js";
import { placesOf } from "./search.js";

/** @import { CardContext } from "./card.js" */
/** @import { Child } from "./dom.js" */
/** @import { LinkBody, Message, OaBody } from "./messages.js" */

const WEB_ADDRESS = /https?:\/\/[\w.~:/?#@!$&*+,;=%-]*[\w/#=&-]/gi;

/**
 * Return the elements that show the body of a message.
 *
 * @param {Message} message
 * @param {CardContext} context
 * @returns {Node[]}
 */
export function bodyParts(message, context) {
  switch (message.kind) {
    case "text":
      return clampedText(message, context, "text", linked(message.body.content, context.query));
    case "link":
      return linkParts(message, message.body, context);
    case "oa":
      return [oaPart(message, message.body, context)];
  }
}

/**
 * @param {Message} message
 * @param {LinkBody} body
 * @param {CardContext} context
 */
function linkParts(message, body, context) {
  const { query } = context;
  const words = el(
    "div",
    { class: "words" },
    el("h3", { class: "headline", dir: "auto" }, targetLink(message, "to", ...marked(body.title, query))),
    ...clampedText(message, context, "soft", marked(body.content, query)),
  );
  return [el("div", { class: "linked" }, words, picture(body.picUrl))];
}

/**
 * @param {Message} message
 * @param {OaBody} body
 * @param {CardContext} context
 */
function oaPart(message, body, context) {
  const { query, texts, surface } = context;
  const { title, content, form = [], imageUrl, fileCount, author } = body.body ?? {};
  const head = el("div", { class: "oa-head", dir: "auto" }, ...marked(body.head.text, query));
  const colours = headColours(body.head.bgColor, surface());
  head.style.setProperty("background-color", colours.background);
  head.style.setProperty("color", colours.text);
  const rows = form.filter((row) => row.key || row.value);
  const files = fileCount === undefined || String(fileCount) === "0" ? "" : String(fileCount);
  return el(
    "div",
    { class: "oa" },
    head,
    el(
      "div",
      { class: "oa-body" },
      title ? el("h3", { class: "headline", dir: "auto" }, ...marked(title, query)) : null,
      rows.length ? el("dl", { class: "form" }, ...rows.map(formRow)) : null,
      ...(content ? clampedText(message, context, "soft", marked(content, query)) : []),
      picture(imageUrl),
    ),
    el(
      "div",
      { class: "oa-foot" },
      author ? el("span", { class: "fact", title: texts.author }, icon("person"), el("bdi", {}, author)) : null,
      files ? el("span", { class: "fact" }, icon("clip"), texts.attachments(files)) : null,
      targetLink(message, "details", texts.details, icon("next")),
    ),
  );
}

/** @param {{key?: string, value?: string}} row */
function formRow({ key = "", value = "" }) {
  return el("div", {}, el("dt", { dir: "auto" }, key), el("dd", { dir: "auto" }, value));
}

/**
 * Return a link that opens the message.
 *
 * @param {Message} message
 * @param {string} name
 * @param {...Child} children
 */
function targetLink(message, name, ...children) {
  const anchor = el("a", { class: `target ${name}` }, ...children);
  setTarget(anchor, targetOf(message));
  return anchor;
}

/**
 * Set the target of a link; null for none.
 *
 * @param {HTMLAnchorElement} anchor
 * @param {string | null} target
 */
export function setTarget(anchor, target) {
  if (!target) {
    anchor.removeAttribute("href");
    return;
  }
  anchor.href = target;
  if (webUrl(target) !== null) anchor.target = "_blank";
  else anchor.removeAttribute("target"); // a native app opens outside the browser: no empty tab stays open
  anchor.rel = "noopener noreferrer";
}

/**
 * Return a text and a button that shows all of it, if it is too long for its place.
 *
 * @param {Message} message
 * @param {CardContext} context
 * @param {"text" | "soft"} look
 * @param {Child[]} nodes
 */
function clampedText({ id }, { texts, clamp }, look, nodes) {
  const contentId = `content-${id}`;
  const text = el("p", { class: `content ${look}`, id: contentId, dir: "auto" }, ...nodes);
  const attributes = {
    type: "button",
    class: "expand",
    hidden: true,
    "aria-expanded": "false",
    "aria-controls": contentId,
  };
  const more = el("button", attributes, texts.expand);
  more.addEventListener("click", () => {
    const isOpen = text.classList.toggle("open");
    more.setAttribute("aria-expanded", String(isOpen));
    more.textContent = isOpen ? texts.collapse : texts.expand;
  });
  clamp(text, more);
  return [text, more];
}

/**
 * Return a text as nodes, with the matches of a query marked.
 *
 * @param {string} text
 * @param {string} query
 * @returns {(Node | string)[]}
 */
export function marked(text, query) {
  if (!query) return [text];
  const nodes = [];
  let after = 0;
  for (const [start, end] of placesOf(query, text)) {
    nodes.push(text.slice(after, start), el("mark", {}, text.slice(start, end)));
    after = end;
  }
  return [...nodes, text.slice(after)];
}

/**
 * Return a text as nodes, with its web addresses as links and the matches of a query marked.
 *
 * @param {string} text
 * @param {string} query
 */
function linked(text, query) {
  const nodes = [];
  let after = 0;
  for (const { 0: address, index } of text.matchAll(WEB_ADDRESS)) {
    const href = webUrl(address);
    if (!href) continue;
    const attributes = { class: "inline", href, target: "_blank", rel: "noopener noreferrer nofollow" };
    nodes.push(...marked(text.slice(after, index), query), el("a", attributes, ...marked(address, query)));
    after = index + address.length;
  }
  return [...nodes, ...marked(text.slice(after), query)];
}
