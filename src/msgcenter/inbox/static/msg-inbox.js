/** The custom element <msg-inbox> with its bell; docs/inbox.md tells how to use it. */

import { Bell } from "./bell.js";
import { InboxElement } from "./inbox-element.js";
import { bell } from "./styles-bell.js";

export { HOME } from "./inbox-element.js";

/** @import { BellOptions } from "./bell.js" */

const sheet = new CSSStyleSheet();
sheet.replaceSync(bell);

export class MsgInbox extends InboxElement {
  constructor() {
    super();
    this.shadowRoot?.adoptedStyleSheets.push(sheet);
  }

  /**
   * @param {BellOptions} options
   * @returns {Bell}
   * @override
   */
  makeBell(options) {
    return new Bell(options);
  }
}

if (!customElements.get("msg-inbox")) customElements.define("msg-inbox", MsgInbox);
