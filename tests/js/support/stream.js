/** A stream whose events come from the test. */

import { Emitter } from "../../../src/msgcenter/inbox/static/emitter.js";

/** @import { LiveEvents, StreamState } from "../../../src/msgcenter/inbox/static/stream.js" */

/** @extends {Emitter<LiveEvents & {state: StreamState}>} */
export class FakeStream extends Emitter {
  /** @type {StreamState} */
  state = "connecting";
  isStarted = false;

  start() {
    this.isStarted = true;
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
