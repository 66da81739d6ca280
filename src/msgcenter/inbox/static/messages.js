/** A message as the API sends it (docs/inbox.md), and what can be read off it. */

/**
 * @typedef {object} App An app that sends messages.
 * @property {string} id
 * @property {string} name
 *
 * @typedef {App & {unread: number, muted: boolean}} AppCount
 *
 * @typedef {object} Counts
 * @property {number} unread Without those of muted apps.
 * @property {number} todo Approvals without a decision, without those of muted apps.
 * @property {AppCount[]} apps
 *
 * @typedef {object} Approval
 * @property {number | null} closedAt When it was decided (ms since 1970); null while it is open.
 * @property {string | null} closedBy Who decided, in the app's words.
 *
 * @typedef {object} Target The addresses of a message, as its app sent them: pass them through links.js before use.
 * @property {string} [pcUrl]
 * @property {string} [appUrl]
 *
 * @typedef {Target & {content: string}} TextBody
 * @typedef {Target & {title: string, content: string, picUrl?: string}} LinkBody
 *
 * @typedef {object} OaContent
 * @property {string} [title]
 * @property {string} [content]
 * @property {string} [imageUrl]
 * @property {string | number} [fileCount]
 * @property {string} [author]
 * @property {{key?: string, value?: string}[]} [form]
 *
 * @typedef {Target & {head: {text: string, bgColor?: string}, body?: OaContent}} OaBody
 *
 * @typedef {object} ReadState What `status` events change.
 * @property {number | null} readAt
 * @property {boolean} archived
 * @property {boolean} starred
 * @property {number | null} snoozedUntil When it comes back (ms since 1970); null unless it is hidden until then.
 * @property {boolean} woken It has come back, and is unread.
 * @property {boolean} [deleted] The user has just deleted it. The server does not send such messages.
 *
 * @typedef {object} Envelope What all kinds of messages have.
 * @property {string} id A number too large for Number, as text.
 * @property {App} app
 * @property {string | null} senderName Who sends it, in the app's words.
 * @property {boolean} announcement Sent by the platform itself.
 * @property {boolean} silent The user has muted its app: nothing announces it.
 * @property {number} createdAt Times are ms since 1970.
 * @property {number | null} updatedAt
 * @property {number | null} remindedAt
 * @property {number | null} expiresAt
 * @property {Approval | null} approval Null for a message that is no approval.
 *
 * @typedef {Envelope & ReadState & (
 *   {kind: "text", body: TextBody} | {kind: "link", body: LinkBody} | {kind: "oa", body: OaBody}
 * )} Message
 */

const HEADLINE_LENGTH = 120;

/**
 * Compare two message ids for sorting, newest first.
 *
 * @param {string} left
 * @param {string} right
 * @returns {number}
 */
export function newerFirst(left, right) {
  return right.length - left.length || (left < right ? 1 : left > right ? -1 : 0);
}

/**
 * Return whether a message is an approval without a decision.
 *
 * @param {Pick<Message, "approval">} message
 */
export function isTodo({ approval }) {
  return approval !== null && approval.closedAt === null;
}

/**
 * Return whether a message counts as unread, in the counts of its app.
 *
 * @param {ReadState} message
 */
export function isCounted({ readAt, snoozedUntil, deleted }) {
  return readAt === null && !snoozedUntil && !deleted;
}

/**
 * Return who a message is from: the sender, if it names one, and the app.
 *
 * @param {Pick<Message, "app" | "senderName">} message
 */
export function sourceOf({ app, senderName }) {
  return senderName ? `${senderName} · ${app.name}` : app.name;
}

/**
 * Return the line that stands for a message: its title, or the beginning of its content.
 *
 * @param {Message} message
 */
export function headline(message) {
  const line = fullHeadline(message);
  return line.length > HEADLINE_LENGTH ? `${line.slice(0, HEADLINE_LENGTH)}…` : line;
}

/** @param {Message} message */
function fullHeadline(message) {
  switch (message.kind) {
    case "text":
      return message.body.content;
    case "link":
      return message.body.title;
    case "oa":
      return message.body.body?.title || message.body.head.text;
  }
}

/**
 * Return the texts of a message that a search looks through.
 *
 * @param {Message} message
 * @returns {string[]}
 */
export function searchableTexts(message) {
  const { kind, body, senderName } = message;
  /** @type {(string | undefined)[]} */
  let texts;
  if (kind === "text") texts = [body.content];
  else if (kind === "link") texts = [body.title, body.content];
  else {
    const { title, content, author, form = [] } = body.body ?? {};
    texts = [body.head.text, title, content, author, ...form.flatMap(({ key, value }) => [key, value])];
  }
  return [senderName, ...texts].flatMap((text) => (text ? [text] : []));
}
