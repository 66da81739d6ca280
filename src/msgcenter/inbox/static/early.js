/** The first script of the page /inbox, which the server writes into it: asks for the messages while the page's script loads. */

import { openEarlyStream, PAGE, streamAddress } from "./early-stream.js";

function tokenOfThisTab() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) return token;
  try {
    return sessionStorage.getItem("msg-inbox-token");
  } catch {
    return null; // a browser may deny its storage to a frame of another website
  }
}

const token = tokenOfThisTab();
if (token) {
  const server = location.origin + location.pathname.replace(/\/inbox$/, "");
  openEarlyStream(streamAddress(server, token, PAGE));
}
