/** The custom element <msg-inbox>. Importing this module defines it. */

/** A message, as the inbox API sends it. Times are ms since 1970; ids are numbers too large for `number`. */
export interface MessageBase {
  id: string;
  app: { id: string; name: string };
  /** Who sends it, in the app's words. */
  senderName: string | null;
  /** Sent by the platform itself. */
  announcement: boolean;
  /** The user has muted its app: nothing should announce it. */
  silent: boolean;
  createdAt: number;
  readAt: number | null;
  updatedAt: number | null;
  remindedAt: number | null;
  expiresAt: number | null;
  archived: boolean;
  starred: boolean;
  /** When it comes back; null unless it is hidden until then. */
  snoozedUntil: number | null;
  /** It has come back, and is unread. */
  woken: boolean;
  /** Null for a message that is no approval; `closedAt` is null while it is open. */
  approval: { closedAt: number | null; closedBy: string | null } | null;
}

export interface Target {
  pcUrl?: string;
  appUrl?: string;
  busiId?: string;
}

export interface TextMessage extends MessageBase {
  kind: "text";
  body: { content: string };
}

export interface LinkMessage extends MessageBase {
  kind: "link";
  body: Target & { title: string; content: string; picUrl?: string };
}

export interface OaMessage extends MessageBase {
  kind: "oa";
  body: Target & {
    head: { text: string; bgColor?: string };
    body?: {
      title?: string;
      content?: string;
      imageUrl?: string;
      fileCount?: string | number;
      author?: string;
      form?: { key?: string; value?: string }[];
    };
  };
}

export type Message = TextMessage | LinkMessage | OaMessage;

/** Returns a fresh token; null if there is none. */
export type RenewToken = () => Promise<string | null | undefined>;

export interface MsgInboxEventMap {
  "msg-inbox:counts": CustomEvent<{ unread: number; todo: number }>;
  "msg-inbox:message": CustomEvent<{ message: Message }>;
  "msg-inbox:reminder": CustomEvent<{ message: Message }>;
  /** A message is opened; `url` is null for a text. `preventDefault()` prevents the link from opening. */
  "msg-inbox:open": CustomEvent<{ message: Message; url: string | null }>;
  /** The token has expired and was not renewed. */
  "msg-inbox:token-expired": CustomEvent<Record<string, never>>;
  "msg-inbox:error": CustomEvent<{ code: string; detail: string }>;
}

export class MsgInbox extends HTMLElement {
  /** Called when the token is about to expire or has expired. */
  renewToken: RenewToken | null;
  /** The attribute `mode`. */
  mode: "bell" | "panel";
  /** Open the popover of the bell. */
  open(): void;
  /** Close the popover of the bell and focus the bell, unless `focus` is false. Return whether it was open. */
  close(focus?: boolean): boolean;
  /** Read everything again. */
  refresh(): Promise<void>;
  /** Set a message read and scroll to it, once it is loaded. */
  showMessage(id: string): Promise<void>;
  /** Act on a key, on pages that contain only the inbox. Return whether the key had a meaning. */
  handleKey(event: KeyboardEvent): boolean;

  addEventListener<Name extends keyof MsgInboxEventMap>(
    type: Name,
    listener: (this: MsgInbox, event: MsgInboxEventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof MsgInboxEventMap>(
    type: Name,
    listener: (this: MsgInbox, event: MsgInboxEventMap[Name]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** The attributes of <msg-inbox>. */
export interface MsgInboxAttributes {
  /** The server's URL with its base path. Default: the origin of the page. */
  server?: string;
  /** A user token (docs/inbox.md). */
  token?: string;
  /** "bell" (default): a bell with a badge and a popover. "panel": fills its container. */
  mode?: "bell" | "panel";
  /** Default: the language of the page, else of the browser. */
  lang?: string;
  theme?: "light" | "dark" | "auto";
  /** "on": offers desktop notifications. */
  notifications?: "on";
}

declare global {
  interface HTMLElementTagNameMap {
    "msg-inbox": MsgInbox;
  }
}
