/** A stream whose events come from the test. */

import { Emitter } from "../../../src/msgcenter/inbox/static/emitter.js";

/** @import { Page } from "../../../src/msgcenter/inbox/static/api.js" */
/** @import { LiveEvents, StreamState } from "../../../src/msgcenter/inbox/static/stream.js" */

/** @extends {Emitter<LiveEvents & {list: Page, state: StreamState}>} */
export class FakeStream extends Emitter {
  /** @type {StreamState} */
  state = "connecting";
  isStarted = false;

  /** How many messages of the list the next connection brings. */
  listLength = 0;

  start(listLength = 0) {
    this.isStarted = true;
    this.listLength = listLength;
  }

  stop() {
    this.isStarted = false;
  }

  /** @param {StreamState} state */
  setState(state) {
    this.state = state;
    this.emit("state", state);
  }
}
